"""Kept features: the head learns the same from them as from the images; an interrupted pass goes on; the pass repeats."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgetl.recipefile import load_recipe

ROOT = Path(__file__).resolve().parents[2]


def _recipe(*overrides):
    return load_recipe("quickstart", ("backbone.input_px=32", "head={dropout: 0.3}", *overrides)).recipe


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    from edgetl.nn.inference import Images
    from edgetl.rowfile import RowFile

    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    found = {}
    for name, count in (("train", 150), ("val", 70)):
        labels = rng.integers(0, 3, count)
        pixels = np.clip(rng.normal(0, 60, (count, 32, 32, 3)) + 90 + 40 * labels[:, None, None, None], 0, 255).astype(np.uint8)
        np.save(folder / f"{name}.npy", pixels)
        found[name] = Images(pixels=RowFile(folder / f"{name}.npy"), labels=labels.astype(np.int64))
    return found


def _task(recipe, images, folder):
    from edgetl.nn import classifier, features, training
    from edgetl.nn.task import Task
    from edgetl.nn.weights import load_backbone_weights

    training.seed(recipe.seed)
    model = classifier.build_classifier(recipe, 3, training=True)
    load_backbone_weights(model, recipe.backbone)

    def find(views):
        features.compute(model, recipe, images["train"].pixels, images["val"].pixels, views, folder)
        return features.load(folder, views)

    return Task(recipe=recipe, model=model, training=images["train"], validation=images["val"], features=find)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_the_head_learns_the_same_from_kept_features_as_from_images(images, tmp_path, seed):
    from edgetl.nn import supervised, training

    histories, answers = [], []
    for way in ("cached", "recomputed"):
        recipe = replace(_recipe(), seed=seed)
        phase = replace(recipe.train[0], epochs=3, learning_rate=1e-2, features=way)
        (tmp_path / way).mkdir()
        task = _task(recipe, images, tmp_path / way)
        made = supervised.stretch(task, phase)
        assert (made.network is task.model) == (way == "recomputed")
        checkpoint = tmp_path / way / "c.npz"
        histories.append(
            training.train(task.model, [lambda m=made: m], seed=seed, checkpoint=checkpoint, progress=lambda e: None)
        )
        answers.append(task.model.get_layer("logits").get_weights()[0])
    kept, anew = histories
    assert np.allclose(*answers, atol=1e-3)
    assert [e["val_top1"] for e in kept] == pytest.approx([e["val_top1"] for e in anew], abs=1.5 / 70)
    assert [e["loss"] for e in kept] == pytest.approx([e["loss"] for e in anew], rel=1e-3)
    assert kept[-1]["loss"] < kept[0]["loss"]


def test_views_differ_from_each_other_and_from_the_image_and_validation_is_never_changed(images, tmp_path):
    from edgetl.nn import features

    (tmp_path / "plain").mkdir()
    (tmp_path / "changed").mkdir()
    plain = _task(_recipe(), images, tmp_path / "plain").features(1)
    changed = _task(_recipe("augment={flip: true, brightness: 0.5}"), images, tmp_path / "changed").features(3)
    assert np.allclose(plain.validation[:], changed.validation[:], atol=1e-5)
    views = [plain.views[0][:], *(view[:] for view in changed.views)]
    assert len(views) == 4
    for number, one in enumerate(views):
        assert one.shape == (150, 1280)
        assert all(np.abs(one - other).max() > 0.1 for other in views[:number])
    assert sorted(p.name for p in (tmp_path / "changed").iterdir()) == [
        features.VALIDATION, *(features.view_file(n) for n in range(3)),
    ]  # fmt: skip


def test_an_interrupted_pass_goes_on_where_it_stood(images, tmp_path):
    from edgetl.nn import features

    class Interrupted(Exception):
        pass

    def stop(done, of):
        if done >= 70 + 64:
            raise Interrupted

    recipe = _recipe("augment={flip: true, zoom: 0.3}")
    (tmp_path / "calm").mkdir()
    (tmp_path / "hasty").mkdir()
    calm = _task(recipe, images, tmp_path / "calm")
    calm.features(2)
    arguments = (calm.model, recipe, images["train"].pixels, images["val"].pixels, 2, tmp_path / "hasty")
    with pytest.raises(Interrupted):
        features.compute(*arguments, stop)
    asked = []

    class Counted:
        shape, dtype = images["train"].pixels.shape, images["train"].pixels.dtype

        def __len__(self):
            return 150

        def __getitem__(self, rows):
            asked.append(rows)
            return images["train"].pixels[rows]

    features.compute(calm.model, recipe, Counted(), images["val"].pixels, 2, tmp_path / "hasty")
    for path in (tmp_path / "calm").iterdir():
        assert path.read_bytes() == (tmp_path / "hasty" / path.name).read_bytes(), path.name
    assert slice(64, 96) in asked
    assert asked.count(slice(32, 64)) == 1  # of the second view; the first view's was kept


SCRIPT = """
import hashlib, sys
import numpy as np
from edgetl.nn import features, training
from edgetl.nn.weights import load_backbone_weights
from edgetl.recipe import Augment
from edgetl.recipefile import load_recipe
import tensorflow as tf
training.deterministic()
recipe = load_recipe("quickstart", ("backbone.input_px=64",)).recipe
model = features.backbone(recipe)
load_backbone_weights(model, recipe.backbone)
run = features.extractor(model, recipe, Augment(flip=True, zoom=0.2))
pixels = np.random.default_rng(0).integers(0, 256, (256, 64, 64, 3), np.uint8)
parts = [run(tf.constant(pixels[i:i + 32]), tf.constant([1, i], tf.int32)).numpy() for i in range(0, 256, 32)]
print(hashlib.sha256(np.concatenate(parts).tobytes()).hexdigest())
"""


def test_features_with_onednn_are_the_same_each_time_and_under_load(tmp_path):
    import os

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_ENABLE_ONEDNN_OPTS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", SCRIPT]
    together = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    digests = {process.communicate(timeout=300)[0].strip() for process in together}
    assert len(digests) == 1
    assert len(digests.pop()) == len(hashlib.sha256().hexdigest())
