"""A model file (docs/model.md) in NumPy, by the formulas of docs/math.md: the integers of each quantised layer, and with a folder
of images the accuracy and the loss of the network. It shares no code with quantea, whose `eval` must come to the same.

python3 read_model.py MODEL.safetensors [FOLDER]

FOLDER has test.safetensors (data set type Arrays), test_batch.bin (CIFAR-10) or t10k-*-ubyte.gz (Fashion-MNIST).
"""

import gzip
import json
import os
import struct
import sys

import numpy as np

TYPES = {"F32": "<f4", "U8": "u1", "I8": "i1", "I32": "<i4", "I64": "<i8"}


def read_safetensors(path):
    """The metadata, and the tensors by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[first:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return metadata, tensors


def read_images(folder):
    """The test images, [N, H, W, C] of bytes, and their classes, [N]."""
    arrays, cifar = (os.path.join(folder, name) for name in ("test.safetensors", "test_batch.bin"))
    if os.path.exists(arrays):
        tensors = read_safetensors(arrays)[1]
        return tensors["x"], tensors["y"]
    if os.path.exists(cifar):
        records = np.fromfile(cifar, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
        return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]
    with gzip.open(os.path.join(folder, "t10k-images-idx3-ubyte.gz")) as images:
        x = np.frombuffer(images.read()[16:], np.uint8).reshape(-1, 28, 28, 1)
    with gzip.open(os.path.join(folder, "t10k-labels-idx1-ubyte.gz")) as labels:
        return x, np.frombuffer(labels.read()[8:], np.uint8)


# --- quantisers: integers and their step, value = integers * step ---


def sign_weights(w, steps, per_channel=False):
    axes = tuple(range(1, w.ndim)) if per_channel else None
    return np.sign(w), np.abs(w).mean(axis=axes, keepdims=True)


def dorefa_weights(w, bits, steps):
    if bits == 1:
        return sign_weights(w, steps)
    t, levels = np.tanh(w), 2**bits - 1
    return 2 * np.rint((t / (2 * np.abs(t).max()) + 0.5) * levels) - levels, 1 / levels


def wrpn_weights(w, bits, steps):
    if bits == 1:
        return sign_weights(w, steps)
    levels = 2 ** (bits - 1) - 1
    return np.rint(np.clip(w, -1, 1) * levels), 1 / levels


def lsq_weights(w, bits, steps):
    steps = np.maximum(steps, 1e-8).reshape((-1,) + (1,) * (w.ndim - 1))
    if bits == 1:
        return np.where(w < 0, -1, 1), steps
    return np.rint(np.clip(w / steps, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)), steps


WEIGHTS = {
    "dorefa": dorefa_weights,
    "pact": dorefa_weights,
    "wrpn": wrpn_weights,
    "xnor": lambda w, bits, steps: sign_weights(w, steps, per_channel=True),
    "bireal": lambda w, bits, steps: sign_weights(w, steps),
    "lsq": lsq_weights,
}


def unit_activations(x, bits, learned, signed):
    return np.rint(np.clip(x, 0, 1) * (2**bits - 1)), 1 / (2**bits - 1)


def pact_activations(x, bits, learned, signed):
    step = max(learned["alpha"], 1e-8) / (2**bits - 1)
    return np.rint(np.clip(x / step, 0, 2**bits - 1)), step


def lsq_activations(x, bits, learned, signed):
    step = max(learned["step"], 1e-8)
    if bits == 1:
        low, high = 0, 1
    else:
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return np.rint(np.clip(x / step, low, high)), step


ACTIVATIONS = {
    "dorefa": unit_activations,
    "pact": pact_activations,
    "wrpn": unit_activations,
    "xnor": unit_activations,
    "bireal": lambda x, bits, learned, signed: (np.sign(x), 1),
    "lsq": lsq_activations,
}


# --- the network ---


def windows(x, node, fill):
    """[N, C, H', W', R, S]: what each output pixel sees."""
    kernel, stride, pad = node["kernel"], node["stride"], node["padding"]
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]


def convolve(x, w, node):
    seen, groups = windows(x, node, 0), node["groups"]
    parts = []
    for part, kernels in zip(np.split(seen, groups, axis=1), np.split(w, groups)):
        parts.append(np.tensordot(part, kernels, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2))
    return np.concatenate(parts, axis=1)


def left_out(x, node):
    """A layer of 0 bits."""
    x, channels = x[:, : node["out_channels"], :: node["stride"], :: node["stride"]], node["out_channels"]
    return np.pad(x, ((0, 0), (0, channels - x.shape[1]), (0, 0), (0, 0)))


class Network:
    def __init__(self, path):
        self.metadata, self.tensors = read_safetensors(path)
        if "supernet" in self.metadata:
            sys.exit(f"{path}: a supernet, which is many networks")
        self.nodes = json.loads(self.metadata["graph"])["nodes"]
        layers = [node["name"] for node in self.nodes if node.get("quantized")]
        weight_bits, activation_bits = (json.loads(self.metadata[key]) for key in ("weight_bits", "activation_bits"))
        self.bits = dict(zip(layers, zip(weight_bits, activation_bits)))

    def integers(self, layer, bits):
        weights = self.tensors[layer + ".weight"]
        if bits == 32:
            return weights, 1
        return WEIGHTS[self.metadata["weight_quantizer"]](weights, bits, self.tensors.get(layer + ".weight_step"))

    def layer(self, node, x, signed):
        name = node["name"]
        weight_bits, activation_bits = self.bits.get(name, (32, None))
        if weight_bits == 0 or activation_bits == 0:
            return left_out(x, node)
        step = 1
        if activation_bits == 32:
            x = np.maximum(x, 0)
        elif activation_bits is not None:
            learned = {key: self.tensors.get(f"{name}.act_{key}", [0])[0] for key in ("alpha", "step")}
            x, step = ACTIVATIONS[self.metadata["activation_quantizer"]](x, activation_bits, learned, signed)
        weights, weight_steps = self.integers(name, weight_bits)
        if node["op"] == "linear":
            weights = weights.reshape(len(weights), -1)
            y = x.reshape(len(x), -1) @ weights.T
        else:
            y = convolve(x.astype(np.float32), weights.astype(np.float32), node)
        y = y * (step * np.reshape(weight_steps, (-1,) + (1,) * (y.ndim - 2)))
        bias = self.tensors.get(name + ".bias")
        return y if bias is None else y + bias.reshape((-1,) + (1,) * (y.ndim - 2))

    def batch_norm(self, node, x):
        mean, var, gamma, beta = (
            self.tensors[f"{node['name']}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return gamma * (x - mean) / np.sqrt(var + node["eps"]) + beta

    def logits(self, images):
        data = json.loads(self.metadata["data"])
        pixels = (images / np.float32(255) - np.float32(data["mean"])) / np.float32(data["std"])
        values, signed = [pixels.transpose(0, 3, 1, 2)], [True]
        for node in self.nodes[1:]:
            x = values[node["in"][0]]
            op, negative = node["op"], op_may_be_negative(node, signed)
            if op in ("conv", "linear"):
                y = self.layer(node, x, signed[node["in"][0]])
            elif op == "batch_norm":
                y = self.batch_norm(node, x)
            elif op == "relu":
                y = np.maximum(x, 0)
            elif op == "add":
                y = x + values[node["in"][1]]
            elif op == "max_pool":
                y = windows(x, node, -np.inf).max(axis=(4, 5))
            elif op == "global_avg_pool":
                y = x.mean(axis=(2, 3), keepdims=True)
            else:
                raise ValueError(f"{op} is none of the operators of a ResNet")
            values.append(y)
            signed.append(negative)
        return values[-1].reshape(len(images), -1)


def op_may_be_negative(node, signed):
    if node["op"] in ("max_pool", "global_avg_pool"):
        return signed[node["in"][0]]
    return node["op"] != "relu"


def print_integers(network):
    for layer, (weight_bits, activation_bits) in network.bits.items():
        if weight_bits == 0 or activation_bits == 0:
            print(f"{layer}: left out")
            continue
        integers, steps = network.integers(layer, weight_bits)
        print(f"{layer} {list(integers.shape)}: weights of {weight_bits} bits, input of {activation_bits}", end="")
        if weight_bits <= 8:
            used = np.unique(integers).astype(int)
            assert len(used) <= 2**weight_bits + (weight_bits == 1)  # one bit: sign(0) = 0
            print(f"; {len(used)} integers {used[0]}..{used[-1]}, steps {np.min(steps):.3g}..{np.max(steps):.3g}", end="")
        print()


def print_accuracy(network, folder):
    images, classes = read_images(folder)
    correct, loss = 0, 0.0
    for first in range(0, len(images), 100):
        logits = network.logits(images[first : first + 100]).astype(float)
        wanted = classes[first : first + 100].astype(int)
        logits -= logits.max(axis=1, keepdims=True)
        correct += int((logits.argmax(axis=1) == wanted).sum())
        loss += float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(wanted)), wanted]).sum())
    count = len(images)
    print(f"top-1 {100 * correct / count:.2f} %, loss {loss / count:.4f} on {count} images")


def main(model, folder=None):
    network = Network(model)
    print_integers(network)
    if folder is not None:
        print_accuracy(network, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
