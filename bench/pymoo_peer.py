"""pymoo's side of bench_search: its NSGA-III for integers, on a problem whose values come from the other side.

The first line of standard input is {"sizes": [...], "objectives": M, "population": P, "first": N or [[...], ...],
"seed": S}: genes are 0..size-1, all objectives are minimised, "first" is the size of the first population or its genomes.
The answer is {"version": ...}. From then on every line written is a genome, [...], and the line read is its objectives,
[...]; the end of standard input is the end of the search.
"""
import json
import math
import os
import sys

import numpy
import pymoo
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.util.ref_dirs import get_reference_directions


def say(value):
    try:
        print(json.dumps(value), flush=True)
    except BrokenPipeError:  # the other side has enough
        os._exit(0)


def hear():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


class Asked(Problem):
    def __init__(self, sizes, objectives):
        highest = numpy.array(sizes) - 1
        super().__init__(n_var=len(sizes), n_obj=objectives, xl=numpy.zeros(len(sizes)), xu=highest, vtype=int)

    def _evaluate(self, x, out, *args, **kwargs):
        values = []
        for genome in numpy.asarray(x).astype(int).tolist():
            say(genome)
            values.append(hear())
        out["F"] = numpy.array(values)


def partitions(objectives, most):
    """The largest lattice of at most `most` reference points."""
    count = 1
    while math.comb(objectives + count, count + 1) <= most:
        count += 1
    return count


start = hear()
say({"version": pymoo.__version__})
problem = Asked(start["sizes"], start["objectives"])
first = start["first"]
if isinstance(first, int):
    numpy.random.seed(start["seed"])
    first = IntegerRandomSampling()(problem, first).get("X")
# Crossover and mutation as pymoo's documentation has them for integers.
algorithm = NSGA3(
    ref_dirs=get_reference_directions(
        "das-dennis", start["objectives"], n_partitions=partitions(start["objectives"], start["population"])
    ),
    pop_size=start["population"],
    sampling=numpy.array(first),
    crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
    mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
    eliminate_duplicates=True,
)
algorithm.setup(problem, termination=NoTermination(), seed=start["seed"])
while True:
    algorithm.next()
