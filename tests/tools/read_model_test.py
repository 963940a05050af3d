"""examples/read_model.py against `quantea eval`: two programs that share no code come to the same accuracy and loss.

python3 read_model_test.py QUANTEA QUANTIZER CANDIDATES FOLDER
"""

import contextlib
import io
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples"))
import read_model

CLASSES, SIDE = 5, 12


def write_part(path, count, seed):
    """Images that are half a picture of their class and half noise, as the data set type Arrays has them."""
    pictures = np.random.default_rng(1).integers(0, 128, (CLASSES, SIDE, SIDE, 3))
    random = np.random.default_rng(seed)
    y = np.arange(count, dtype=np.int32) % CLASSES
    x = (pictures[y] + random.integers(0, 128, (count, SIDE, SIDE, 3))).astype(np.uint8)
    header = {
        "x": {"dtype": "U8", "shape": list(x.shape), "data_offsets": [0, x.nbytes]},
        "y": {"dtype": "I32", "shape": list(y.shape), "data_offsets": [x.nbytes, x.nbytes + y.nbytes]},
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + x.tobytes() + y.tobytes())


def numbers_of(text):
    found = re.search(r"top-1 ([\d.]+) %.* loss ([\d.]+) on (\d+) images", text)
    return tuple(float(group) for group in found.groups())


def main(quantea, quantizer, candidates, folder):
    os.makedirs(folder)
    os.chdir(folder)
    for name, count, seed in (("train", 400, 2), ("test", 200, 3)):
        write_part(name + ".safetensors", count, seed)
    subprocess.run([quantea, "init", "--dataset", "Arrays", "--data_path", ".", "--network", "resnet8", "-o", "arrays.yml"], check=True)
    settings = [
        "nas.trials=8",
        "fully_train.trials=[1, 7, 8]",
        "*.trainer.epochs=1",
        "*.dataset.train.batch_size=20",
        "fully_train.baselines=[]",
        f"nas.search_space.bit_candidates=[{candidates}]",
        f"nas.search_space.quantizer={{weight: {quantizer}, activation: {quantizer}}}",
    ]
    command = [quantea, "run", "arrays.yml", "--quiet", "-t", "run"]
    subprocess.run(command + [word for setting in settings for word in ("--set", setting)], check=True)
    models = "tasks/run/output/fully_train"
    models = [os.path.join(models, name) for name in sorted(os.listdir(models)) if name.endswith(".safetensors")]
    assert models
    for model in models:
        said = subprocess.run([quantea, "eval", model, "--data", "."], check=True, capture_output=True, text=True).stdout
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            read_model.main(model, ".")
        print(printed.getvalue() + said)
        ours, theirs = numbers_of(said), numbers_of(printed.getvalue())
        assert ours[2] == theirs[2] == 200
        # one image of 200, and a loss that differs where a value lies between two integers
        assert abs(ours[0] - theirs[0]) <= 0.5 and abs(ours[1] - theirs[1]) <= 1e-3 * ours[1], (ours, theirs)


main(*sys.argv[1:])
