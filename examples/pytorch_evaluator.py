"""A PyTorch training script as evaluator (examples/command.yml): each trial trains a small network, whose layers are
quantised to the trial's bits, on made images, and is validated.

Run it by:  quantea run examples/command.yml        (needs PyTorch: Debian's python3-torch, or pip's torch)
What it reads and answers: docs/evaluators.md.
"""

import json
import os
import sys

# Answers alone go to standard output: what libraries print goes to the log.
answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
SIDE, CLASSES = 12, 4


def round_to(values, bits):
    """Rounds values in 0..1 to 2^bits - 1 steps; the gradient passes as if it did not (straight through)."""
    steps = 2**bits - 1
    return values + (torch.round(values * steps) / steps - values).detach()


class QuantConv2d(nn.Conv2d):
    """DoReFa: weights and inputs on a grid of so many bits (Zhou et al. 2016, arXiv:1606.06160)."""

    weight_bits = activation_bits = 32

    def forward(self, x):
        w = self.weight
        if self.weight_bits < 32:
            t = torch.tanh(w)
            w = 2 * round_to(t / (2 * t.abs().max()) + 0.5, self.weight_bits) - 1
        if self.activation_bits < 32:
            x = round_to(x.clamp(0, 1), self.activation_bits)
        return F.conv2d(x, w, self.bias, self.stride, self.padding)


def build():
    return nn.Sequential(
        QuantConv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        QuantConv2d(8, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        QuantConv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES),
    )


def make_images(count, seed):
    """Stripes of CLASSES directions under noise: learnt in seconds, and not by everything."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=g)
    angle = labels * torch.pi / CLASSES
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    phase = torch.rand(count, generator=g) * 6.28
    wave = torch.sin(angle.cos()[:, None, None] * x + angle.sin()[:, None, None] * y + phase[:, None, None])
    noise = torch.randn(count, SIDE, SIDE, generator=g)
    return (0.5 + 0.15 * wave + 0.25 * noise).clamp(0, 1)[:, None], labels


train, validation = make_images(1024, 1), make_images(512, 2)


def evaluate(genes, seed, epochs):
    torch.manual_seed(seed)
    model = build()
    size = 0.0
    convolutions = [m for m in model if isinstance(m, QuantConv2d)]
    for i, conv in enumerate(convolutions, 1):
        conv.weight_bits, conv.activation_bits = genes[f"conv{i}.w"], genes[f"conv{i}.a"]
        size += conv.weight.numel() * conv.weight_bits / 8
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in torch.randperm(len(train[0]), generator=order).split(64):
            loss = F.cross_entropy(model(train[0][batch]), train[1][batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(validation[0]).argmax(1) == validation[1]).double().mean().item()
    return {"accuracy": accuracy, "bytes": size}


for line in sys.stdin:
    trial = json.loads(line)
    try:
        answer = {"objectives": evaluate(trial["genes"], trial["seed"], trial["epochs"])}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps({"trial": trial["trial"], **answer}), file=answers, flush=True)
