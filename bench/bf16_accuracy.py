"""Whether bf16 costs accuracy: bf16_accuracy.yml trained in float32 and in bf16, both at once, one thread each.

usage: bf16_accuracy.py CIFAR10_FOLDER [--set KEY=VALUE ...]

A training's random numbers depend on the seed and the bits alone, so that training i of both differs by the arithmetic only.
The tasks are bf16-accuracy-f32 and bf16-accuracy-bf16 in the folder tasks/: run again, this goes on where it was
stopped; to begin anew, remove them. QUANTEA names the command (build/quantea).
"""
import json
import math
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
from pathlib import Path

PRECISIONS = "f32", "bf16"
QUANTEA = os.environ.get("QUANTEA", "build/quantea")
CONFIG = Path(__file__).with_suffix(".yml")


def task_of(precision):
    return Path("tasks") / f"bf16-accuracy-{precision}"


def start(precision, data, options):
    task = task_of(precision)
    if (task / "output/config.yml").exists():
        command = [QUANTEA, "run", "--resume", str(task)]
    else:
        command = [QUANTEA, "run", str(CONFIG), "-t", task.name, "-dp", data]
        command += ["--set", f"general.precision={precision}", *options]
    return subprocess.Popen(
        [*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    )


def relay(precision, lines):
    for line in lines:
        print(f"{precision}: {line}", end="", file=sys.stderr, flush=True)


def train(data, options):
    runs = [start(precision, data, options) for precision in PRECISIONS]
    for precision, run in zip(PRECISIONS, runs):
        threading.Thread(target=relay, args=(precision, run.stderr), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the runs, too, and they end in order
    signal.signal(signal.SIGTERM, lambda *_: [run.terminate() for run in runs])
    if any([run.wait() for run in runs]):
        sys.exit("not finished; run this again to go on")


def results(precision):
    """The arithmetic that was used, and the test accuracy of each training in percent."""
    task = task_of(precision)
    with sqlite3.connect(task / "task.db") as store:
        (arithmetic,) = store.execute("SELECT value FROM settings WHERE key = 'convolution arithmetic'").fetchone()
    (model,) = json.loads((task / "output/fully_train/results.json").read_text())["models"]
    trainings = [model, *model.get("repeats", [])]
    return arithmetic, [100 * training["performance"]["accuracy"] for training in trainings]


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    train(sys.argv[1], sys.argv[2:])
    rows = [results(precision) for precision in PRECISIONS]
    count = len(rows[0][1])
    print("| convolutions |", *(f"training {i + 1} |" for i in range(count)), "mean | standard deviation |")
    print("|" + " --- |" * (count + 3))
    for arithmetic, values in rows:
        deviation = statistics.stdev(values) if count > 1 else math.nan
        cells = [*values, statistics.mean(values), deviation]
        print(f"| {arithmetic} |", *(f"{value:.2f} |" for value in cells))
    differences = [b - a for a, b in zip(rows[0][1], rows[1][1])]
    mean = statistics.mean(differences)
    error = statistics.stdev(differences) / math.sqrt(count) if count > 1 else math.nan
    print(f"\nbf16 minus float32: {mean:+.2f} points, standard error {error:.2f}; allowed: 0.3")
    if rows[0][0] == rows[1][0]:
        sys.exit("both were trained with the same arithmetic")


main()
