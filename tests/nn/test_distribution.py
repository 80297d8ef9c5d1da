"""Several devices: the same loss curve as one with the same whole batch; on two devices of one process, and on two processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edgetl.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys, tempfile
from pathlib import Path
import numpy as np, tensorflow as tf, tf_keras
if sys.argv[1] == "two devices":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from edgetl.nn import distribution, supervised, training
from edgetl.nn.batches import Examples
from edgetl.nn.inference import Images
from edgetl.recipe import Phase
from edgetl.types import Preprocess

training.deterministic(); training.seed(3)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]) if sys.argv[1] == "two devices" else distribution.strategy()
spec = Preprocess(resize_px=16, crop_px=16)
rng = np.random.default_rng(0)
labels = rng.integers(0, 3, 50)
pixels = np.clip(rng.normal(0, 40, (50, 16, 16, 3)) + 60 + 60 * labels[:, None, None, None], 0, 255).astype(np.uint8)
images = Images(pixels=pixels, labels=labels.astype(np.int64))
with strategy.scope():
    image = tf_keras.Input((16, 16, 3))
    x = tf_keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = tf_keras.layers.Dense(3, name="logits", kernel_regularizer=tf_keras.regularizers.L2(1e-2))(x)
    model = tf_keras.Model(image, x)
    phase = Phase(phase="all", epochs=3, learning_rate=1e-2, batch_size=16, clip_norm=1.0, class_weights="balanced")
    weights = supervised.importance(images.labels, phase)
    examples = Examples(inputs=images.pixels, labels=images.labels, importance=weights)
    with tempfile.TemporaryDirectory() as folder:
        history = training.train(
            model, [lambda: supervised.on_images(model, phase, examples, images, spec)], seed=5,
            checkpoint=Path(folder) / "c.npz", progress=lambda event: None)
print(json.dumps({"replicas": strategy.num_replicas_in_sync, "loss": [entry["loss"] for entry in history],
                  "val_loss": [entry["val_loss"] for entry in history]}))
"""


def _start(kind, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "TF_USE_LEGACY_KERAS": "1", **environment}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, kind], env=environment, stdout=subprocess.PIPE, text=True)


def _answer(process):
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(text.splitlines()[-1])


@pytest.fixture(scope="module")
def alone():
    return _answer(_start("alone"))


def test_two_devices_of_one_process_learn_like_one(alone):
    both = _answer(_start("two devices"))
    assert (alone["replicas"], both["replicas"]) == (1, 2)
    assert both["loss"] == pytest.approx(alone["loss"], rel=1e-5)
    assert both["val_loss"] == pytest.approx(alone["val_loss"], rel=1e-5)


def test_two_processes_on_loopback_learn_like_one(alone):
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{s.getsockname()[1]}" for s in (one, other)]
    configs = [json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}}) for i in range(2)]
    first, second = (_answer(p) for p in [_start("workers", TF_CONFIG=config) for config in configs])
    assert first["replicas"] == 2
    assert first["loss"] == second["loss"]
    assert first["loss"] == pytest.approx(alone["loss"], rel=1e-5)
    assert first["val_loss"] == pytest.approx(alone["val_loss"], rel=1e-5)


def test_a_config_that_cannot_be_read_is_told(monkeypatch):
    from edgetl.nn import distribution

    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(InputError, match="TF_CONFIG: cannot be read"):
        distribution.strategy()


def test_batch_and_rate_are_scaled_as_the_recipe_says_and_not_otherwise():
    from edgetl.nn.distribution import scaled
    from edgetl.recipefile import load_recipe

    plain = load_recipe("quickstart").recipe
    assert scaled(plain, 1) is plain
    assert scaled(plain, 4).train == plain.train
    asked = load_recipe("quickstart", ("distribute={batch_size: per_device, learning_rate: linear}",)).recipe
    assert [(p.batch_size, p.learning_rate) for p in scaled(asked, 4).train] == [(128, 4e-3), (128, 4e-3)]
    averaged = load_recipe("quickstart", ("train[1].ema=0.9",)).recipe
    with pytest.raises(InputError, match="phase fine_tune: ema does not go with 4 devices"):
        scaled(averaged, 4)
