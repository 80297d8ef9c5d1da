"""A hundred thousand images stream through feature keeping and an epoch at the memory that ten thousand need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from edgetl.nn import classifier, features, supervised, training
from edgetl.nn.inference import Images
from edgetl.nn.task import Task
from edgetl.nn.weights import load_backbone_weights
from edgetl.recipe import Phase
from edgetl.recipefile import load_recipe
from edgetl.rowfile import RowFile, RowWriter

count, folder = int(sys.argv[1]), Path(sys.argv[2])
recipe = load_recipe("quickstart", ("backbone.input_px=64", "head={}")).recipe
rng = np.random.default_rng(0)
pool = rng.integers(0, 256, (1000, 64, 64, 3), np.uint8)
writer = RowWriter(folder / "pixels.npy", (count, 64, 64, 3), "uint8")
for row in range(count):
    writer[row] = np.roll(pool[row % 1000], row // 1000, axis=0)
writer.close()
labels = rng.integers(0, 10, count)
pixels = RowFile(folder / "pixels.npy")
edge = count - 1000
train = Images(pixels=pixels.view(np.arange(edge)), labels=labels[:edge])
val = Images(pixels=pixels.view(np.arange(edge, count)), labels=labels[edge:])
model = classifier.build_classifier(recipe, 10, training=True)
load_backbone_weights(model, recipe.backbone)
features.compute(model, recipe, train.pixels, val.pixels, 1, folder)
task = Task(recipe=recipe, model=model, training=train, validation=val, features=lambda views: features.load(folder, views))
head = Phase(phase="head", freeze="all", epochs=1, batch_size=256)
training.train(model, [lambda: supervised.stretch(task, head)], seed=0, checkpoint=folder / "c.npz", progress=lambda e: None)
print(json.dumps({"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "TF_USE_LEGACY_KERAS": "1"}
    peaks = []
    for count in (10_000, 100_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        command = [sys.executable, "-c", SCRIPT, str(count), str(folder)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        peaks.append(json.loads(done.stdout.splitlines()[-1])["peak_mib"])
        for path in folder.iterdir():
            path.unlink()
    print(f"peak MiB at 10,000 and 100,000 images: {peaks}")
    assert max(peaks) <= 3 * 1024
    assert peaks[1] <= 1.1 * peaks[0] + 50
