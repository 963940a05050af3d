"""PyTorch's side of bench_train: ResNet-20 on 32x32 images, channels_last, fake-quantised (DoReFa) or plain.

usage: torch_peer.py THREADS BATCH SECONDS
Prints one JSON object per line: {"name": ..., "images_per_s": median, "low": ..., "high": ...}; the quartiles are the spread.
"""
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

WEIGHT_LEVELS = ACTIVATION_LEVELS = 2**4 - 1
WARM_UP = 3  # steps
SLOW = 5  # seconds of a step
PATIENCE = 20  # seconds beyond the time asked for


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
        return F.conv2d(ClampRound.apply(x, ACTIVATION_LEVELS), weight, None, self.stride, self.padding)


def conv_norm(conv, inputs, outputs, kernel, stride):
    return nn.Sequential(
        conv(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
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


def resnet20(conv):
    layers, channels = [conv_norm(nn.Conv2d, 3, 16, 3, 1), nn.ReLU(inplace=True)], 16
    for stage in range(3):
        for block in range(3):
            layers.append(Block(conv, channels, 16 << stage, 2 if stage > 0 and block == 0 else 1))
            channels = 16 << stage
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def measure(name, conv, bf16, train, batch, seconds):
    torch.manual_seed(0)
    model = resnet20(conv).train(train)
    images = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def train_step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(model(images).float(), labels)
        loss.backward()
        optimizer.step()

    def forward():
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            model(images)

    step = train_step if train else forward
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    rates, end = [], None
    for count in range(10000):
        start = clock()
        step()
        rates.append(batch / (clock() - start))
        now = time.perf_counter()
        if count == WARM_UP - 1 and rates[-1] * SLOW > batch:  # where a step takes long, the first ones count too
            rates.clear()
        end = end or now + seconds
        if len(rates) >= 5 and now > end or now > end + PATIENCE:
            break
    low, median, high = statistics.quantiles(rates, n=4) if len(rates) > 1 else rates * 3
    print(json.dumps({"name": name, "images_per_s": median, "low": low, "high": high}), flush=True)


def main():
    threads, batch, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    torch.set_num_threads(threads)
    cases = [
        ("train_quantised_f32", QuantConv, False, True),
        ("train_quantised_bf16", QuantConv, True, True),
        ("train_float_f32", nn.Conv2d, False, True),
        ("eval_quantised_f32", QuantConv, False, False),
        ("eval_float_f32", nn.Conv2d, False, False),
    ]
    print(json.dumps({"name": "version", "text": torch.__version__}), flush=True)
    for name, conv, bf16, train in cases:
        try:
            measure(name, conv, bf16, train, batch, seconds)
        except RuntimeError as error:  # bfloat16 is not everywhere
            print(json.dumps({"name": name, "error": str(error)[:200]}), flush=True)


main()
