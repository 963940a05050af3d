"""PyTorch's side of bench_train: networks in channels_last, fake-quantised (DoReFa, 4 bits) or plain.

usage: torch_peer.py THREADS
Reads one request per line, {"net", "quantised", "bf16", "train", "batch", "seconds"}, and answers each with a line,
{"images_per_s": ...} or {"error": ...}; {"images_per_s": ..., "images": N} where bf16 is so slow (emulated) that one step
of N images, measured once, must do. Evaluation is the whole forward pass of the network in evaluation mode: with
"quantised" its activations and weights are fake-quantised each time, as a model in training is evaluated.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

SHORT = 8  # images of a step by which bf16 is judged first
WEIGHT_LEVELS = ACTIVATION_LEVELS = 2**4 - 1


class RoundThrough(torch.autograd.Function):
    """round(x * levels) / levels with the gradient of x."""

    @staticmethod
    def forward(ctx, x, levels):
        return (x * levels).round_().div_(levels)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class ClampRound(torch.autograd.Function):
    """DoReFa's activations in one function, as a careful user of PyTorch writes them."""

    @staticmethod
    def forward(ctx, x, levels):
        ctx.save_for_backward(x)
        return x.clamp(0, 1).mul_(levels).round_().div_(levels)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ((x >= 0) & (x <= 1)), None


class QuantConv(nn.Conv2d):
    def forward(self, x):
        t = torch.tanh(self.weight)
        unit = t / (2 * t.abs().max()) + 0.5
        weight = 2 * RoundThrough.apply(unit, WEIGHT_LEVELS) - 1
        x = ClampRound.apply(x, ACTIVATION_LEVELS)
        return F.conv2d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)


def conv_norm(conv, inputs, outputs, kernel, stride, groups=1):
    return nn.Sequential(
        conv(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    def __init__(self, conv, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(conv, inputs, outputs, 3, stride)
        self.second = conv_norm(conv, outputs, outputs, 3, 1)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_norm(conv, inputs, outputs, 1, stride)

    def forward(self, x):
        y = self.second(F.relu(self.first(x), inplace=True))
        return F.relu(y + self.shortcut(x), inplace=True)


def resnet(conv, stem, blocks, channels, classes):
    layers, inputs = list(stem), channels
    for stage, count in enumerate(blocks):
        for block in range(count):
            layers.append(Block(conv, inputs, channels << stage, 2 if stage > 0 and block == 0 else 1))
            inputs = channels << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def resnet20(conv):
    stem = conv_norm(nn.Conv2d, 3, 16, 3, 1), nn.ReLU(inplace=True)
    return resnet(conv, stem, (3, 3, 3), 16, 10)


def resnet18(conv):
    stem = conv_norm(nn.Conv2d, 3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
    return resnet(conv, stem, (2, 2, 2, 2), 64, 1000)


class InvertedResidual(nn.Module):
    def __init__(self, conv, inputs, expansion, outputs, stride):
        super().__init__()
        inside = inputs * expansion
        layers = [] if expansion == 1 else [conv_norm(conv, inputs, inside, 1, 1), nn.ReLU(inplace=True)]
        layers += [conv_norm(conv, inside, inside, 3, stride, inside), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, conv_norm(conv, inside, outputs, 1, 1))
        self.same = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.same else self.layers(x)


def mobilenet_v2(conv):
    stages = (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
    layers, inputs = [conv_norm(nn.Conv2d, 3, 32, 3, 2), nn.ReLU(inplace=True)], 32
    for expansion, outputs, count, stride in stages:
        for block in range(count):
            layers.append(InvertedResidual(conv, inputs, expansion, outputs, stride if block == 0 else 1))
            inputs = outputs
    layers += [conv_norm(conv, inputs, 1280, 1, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(1280, 1000))


NETS = {"resnet20": (resnet20, 32, 10), "resnet18": (resnet18, 224, 1000), "mobilenet_v2": (mobilenet_v2, 224, 1000)}


class Case:
    """A network with its images and its optimiser."""

    def __init__(self, net, quantised, bf16, train, batch):
        torch.manual_seed(0)
        make, side, classes = NETS[net]
        model = make(QuantConv if quantised else nn.Conv2d)
        self.model = model.to(memory_format=torch.channels_last).train(train)
        self.images = torch.randn(batch, 3, side, side).to(memory_format=torch.channels_last)
        self.labels = torch.randint(0, classes, (batch,))
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
        self.bf16, self.train, self.batch = bf16, train, batch

    def step(self):
        with torch.set_grad_enabled(self.train), torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.model(self.images).float()
        if self.train:
            self.optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(logits, self.labels).backward()
            self.optimizer.step()

    def rate(self, seconds):
        """As bench_engine_rate."""
        clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
        start = clock()
        self.step()
        first = clock() - start
        if first > seconds:
            return self.batch / first
        steps, start = 0, clock()
        while True:
            self.step()
            steps += 1
            if clock() - start >= seconds:
                return self.batch * steps / (clock() - start)


def prepare(request, seconds):
    """The case, or the answer where a step in bf16 would take twice the time asked for or more."""
    if request["bf16"]:
        rate = Case(**{**request, "batch": SHORT}).rate(0)
        if request["batch"] > 2 * seconds * rate:
            return {"images_per_s": rate, "images": SHORT}
    case = Case(**request)
    case.step()
    return case


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"version": torch.__version__}), flush=True)
    cases = {}
    for line in sys.stdin:
        request = json.loads(line)
        seconds = request.pop("seconds")
        try:
            key = tuple(request.values())
            if key not in cases:
                cases[key] = prepare(request, seconds)
            known = cases[key]
            answer = known if isinstance(known, dict) else {"images_per_s": known.rate(seconds)}
        except RuntimeError as error:  # bfloat16 is not everywhere
            answer = {"error": str(error)[:200]}
        print(json.dumps(answer), flush=True)


main()
