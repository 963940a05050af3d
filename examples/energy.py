"""An objective of your own: what a model costs on some device, from its file and its bits (docs/evaluators.md).

quantea run starts it once per model, with the file as last argument; here it charges each layer a fixed price per
weight that is read from memory, from a table as one would measure it.
"""

import json
import struct
import sys

PICOJOULE_PER_BIT = 0.8
PICOJOULE_PER_LAYER = 2000.0


def shapes_of(path):
    """The tensors of a safetensors file: a length of 8 bytes, and JSON of that length."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}


def energy_of(path, genes):
    energy = 0.0
    for name, shape in shapes_of(path).items():
        layer, _, kind = name.rpartition(".")
        if kind != "weight" or layer + ".w" not in genes:
            continue
        weights = 1
        for size in shape:
            weights *= size
        energy += PICOJOULE_PER_LAYER + PICOJOULE_PER_BIT * weights * genes[layer + ".w"]
    return energy


print(energy_of(sys.argv[-1], json.load(sys.stdin)["genes"]))
