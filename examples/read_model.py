"""What a model file holds (docs/model.md): the integers of each quantised layer, by the formulas of docs/math.md.

python3 read_model.py MODEL.safetensors
"""

import json
import math
import struct
import sys


def read(path):
    """The metadata, and each tensor as (shape, values)."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        tensors[name] = entry["shape"], struct.unpack(f"<{(end - first) // 4}f", data[first:end])
    return metadata, tensors


def quantized_layers(metadata):
    """In the order of the two lists of bits."""
    return [node["name"] for node in json.loads(metadata["graph"])["nodes"] if node.get("quantized")]


def dorefa(weights, bits):
    t = [math.tanh(w) for w in weights]
    largest, levels = max(map(abs, t)), 2**bits - 1
    return [2 * round((x / (2 * largest) + 0.5) * levels) - levels for x in t], [1 / levels]


def lsq(weights, bits, steps):
    """A step for each output channel; the weights of a channel lie one behind another."""
    each, low, high = len(weights) // len(steps), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return [round(min(max(w / steps[i // each], low), high)) for i, w in enumerate(weights)], steps


def integers_of(tensors, layer, quantizer, bits):
    """The layer's integers in the order of its weights, and their step or steps: weight = integer * step."""
    weights = tensors[layer + ".weight"][1]
    if bits == 1 or bits > 8 or quantizer not in ("dorefa", "pact", "lsq"):
        return None, None
    if quantizer == "lsq":
        return lsq(weights, bits, tensors[layer + ".weight_step"][1])
    return dorefa(weights, bits)


def main(path):
    metadata, tensors = read(path)
    bits_of = {kind: json.loads(metadata[kind + "_bits"]) for kind in ("weight", "activation")}
    for i, layer in enumerate(quantized_layers(metadata)):
        bits, shape = bits_of["weight"][i], tensors[layer + ".weight"][0]
        integers, steps = integers_of(tensors, layer, metadata["weight_quantizer"], bits)
        print(f"{layer} {shape}: weights of {bits} bits, input of {bits_of['activation'][i]}", end="")
        if integers is not None:
            used = sorted(set(integers))
            print(f"; {len(used)} integers {used[0]}..{used[-1]}, steps {min(steps):.3g}..{max(steps):.3g}", end="")
            assert len(used) <= 2**bits
        print()


main(sys.argv[1])
