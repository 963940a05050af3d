"""A program as evaluator: the bits of a small table of layers, cost and noise as objectives (examples/evaluator.yml).

Run it by:  quantea run examples/evaluator.yml
What it reads and answers: docs/evaluators.md.
"""

import json
import sys

# Weights of each layer, and how much the network suffers from rounding them.
LAYERS = {"stem": (432, 40.0), "block1": (4608, 9.0), "block2": (18432, 3.0), "head": (640, 25.0)}


def evaluate(genes):
    size = sum(weights * genes[name] for name, (weights, _) in LAYERS.items()) / 8
    # Rounding to b bits adds noise of power 4^-b.
    noise = sum(sensitivity * 4.0 ** -genes[name] for name, (_, sensitivity) in LAYERS.items())
    return {"noise": noise, "bytes": size}


for line in sys.stdin:
    trial = json.loads(line)
    try:
        answer = {"objectives": evaluate(trial["genes"])}
    except Exception as error:  # a trial that cannot be had is no reason to end
        answer = {"error": repr(error)}
    print(json.dumps({"trial": trial["trial"], **answer}), flush=True)
