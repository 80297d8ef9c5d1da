"""What several tests start from: a folder of easy photos, a tiny recipe, a trained tiny network."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.pop("COLUMNS", None)  # exported, it would wrap what tests look for
os.unsetenv("COLUMNS")  # readline, which pytest loads, sets it for child processes only
ROOT = Path(__file__).resolve().parent.parent
MATERIAL = ROOT.parent / "shared" / "material"

TINY = """\
schema: 1
name: tiny
data: {source: folder, path: photos, split: {train: 0.5, val: 0.25, test: 0.25, seed: 1}}
backbone: {name: mobilenet_v2, alpha: 0.35, input_px: 32, weights: bundled}
train:
  - {phase: all, freeze: none, epochs: 4, learning_rate: 1.0e-3, batch_size: 8}
quantize: {scheme: w8a8_qat, epochs: 1, learning_rate: 1.0e-5, calibration_images: 16}
targets: TARGETS
benchmark: {runs: 40, warmup: 2, threads: [1]}
devices: [pixel-4]
"""


def pytest_collection_modifyitems(items):
    """The longest first, so that of two processes none waits for the other at the end."""
    items.sort(key=lambda item: "pipeline" not in item.path.parts)


@pytest.fixture(scope="session")
def material() -> Path:
    if not MATERIAL.is_dir():
        pytest.skip("the shared test material is not beside this checkout")
    return MATERIAL


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that differ in colour, 24 noisy photos each."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    rng = np.random.default_rng(0)
    for name, colour in (("blue", (40, 60, 200)), ("green", (40, 180, 60)), ("red", (200, 50, 40))):
        (folder / name).mkdir(parents=True)
        for number in range(24):
            pixels = np.clip(np.array(colour) + rng.normal(0, 30, (40, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture
def tiny(photos: Path, tmp_path: Path):
    """Write the tiny recipe with the given targets; returns its path."""

    def write(*targets: str) -> Path:
        rows = ", ".join(f"{{format: {t.split('/')[0]}, scheme: {t.split('/')[1]}}}" for t in targets)
        path = tmp_path / "tiny.yaml"
        path.write_text(TINY.replace("TARGETS", f"[{rows}]").replace("path: photos", f"path: {photos}"))
        return path

    return write


@pytest.fixture
def edgetl(tmp_path: Path):
    """Run the command line in a fresh process and an own folder."""

    def call(*arguments: object, timeout: float = 500, cwd: Path | None = None) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "edgetl", *map(str, arguments)]
        return subprocess.run(command, cwd=cwd or tmp_path, capture_output=True, text=True, timeout=timeout)

    return call


@pytest.fixture
def in_ci(edgetl, tmp_path: Path):
    """Write GitHub's workflow for a recipe, run its shell steps as GitHub does (but pip's), and tell what came out."""

    def call(recipe: Path) -> SimpleNamespace:
        (tmp_path / ".git").mkdir(exist_ok=True)
        made = edgetl("init", recipe, "--ci", "github")
        assert made.returncode == 0, made.stderr
        file, summary, programs = tmp_path / ".github/workflows/edgetl.yml", tmp_path / "summary.md", tmp_path / "programs"
        workflow = yaml.safe_load(file.read_text())
        programs.mkdir(exist_ok=True)
        (programs / "edgetl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m edgetl "$@"\n')
        (programs / "edgetl").chmod(0o755)
        environment = {**os.environ, **workflow["env"], "GITHUB_STEP_SUMMARY": str(summary)}
        environment["PATH"] = f"{programs}:{environment['PATH']}"
        shell, codes, told = ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c"], {}, made.stdout
        assert workflow["defaults"]["run"]["shell"] == "bash"
        for step in workflow["jobs"]["run"]["steps"]:
            wanted = not any(codes.values()) or "!cancelled()" in step.get("if", "")
            if "run" in step and wanted and "pip install" not in step["run"]:
                done = subprocess.run([*shell, step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True)
                codes[step["name"]], told = done.returncode, told + done.stderr
        file.unlink()
        run = tmp_path / workflow["env"]["RUN"]
        return SimpleNamespace(codes=codes, summary=summary.read_text(), junit=run / "junit.xml", run=run, told=told)

    return call


@pytest.fixture(scope="session")
def tflite_converter():
    """TensorFlow's converter of a Keras network whose weights are constants: 2 s for MobileNetV2, not the 20 of a SavedModel."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def make(model):
        function = tf.function(model).get_concrete_function(tf.TensorSpec((1, *model.input.shape[1:]), model.input.dtype))
        return tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(function)], tf.Module())

    return make


def _coloured(count, px, seed):
    """uint8 images that differ in colour, noise over all bytes."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, (count, 1, 1, 3)) + rng.normal(0, 60, (count, px, px, 3))
    return np.clip(values, 0, 255).round().astype(np.uint8)


def _awaken(model):
    """Give Keras' own network, fed bytes, weights no two of which are alike, and features that depend on the image.

    With statistics of batch normalisation drawn at random the image drowns on its way; so they are those of a batch. Residuals
    are small beside what they are added to, or float32's own errors would grow from block to block.
    """
    import tf_keras

    rng = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            _, _, mean, variance = layer.get_weights()
            large = 0.3 if "project" in layer.name else 1.0
            layer.set_weights([large * rng.uniform(0.5, 1.5, mean.shape), rng.uniform(-0.5, 0.5, mean.shape), mean, variance])
            layer.momentum = 0.0
        elif getattr(layer, "bias", None) is not None:
            layer.set_weights([layer.get_weights()[0], rng.uniform(-2, 2, layer.bias.shape)])
    tf_keras.utils.set_random_seed(0)  # it drops residuals in training
    model(_coloured(16, model.input.shape[1], 8).astype(np.float32), training=True)
    return model


def _difference(ours, theirs, last):
    """Largest relative difference of features: `ours` given what edgetl feeds, `theirs` bytes; `last` is their last layer."""
    import tf_keras

    pixels = _coloured(2, ours.input.shape[1], 3).astype(np.float32)
    wanted = tf_keras.Model(theirs.input, theirs.get_layer(last).output)(pixels).numpy()
    assert np.abs(wanted[0] - wanted[1]).max() > 0.3 * np.abs(wanted).max(), "the network does not see the image"
    return float(np.abs(ours((pixels - 128) / 127.5).numpy() - wanted).max() / np.abs(wanted).max())


def _counted(model):
    """Trained parameters, all parameters and multiply-accumulates, all with a classifier of 1000 classes but the second."""
    features = model.output.shape[-1]
    macs = features * 1000
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "DepthwiseConv2D"):
            one = np.prod(layer.weights[0].shape[: 2 if kind == "DepthwiseConv2D" else 3])
            macs += int(one * np.prod(layer.output.shape[1:]))
    trained = sum(int(np.prod(w.shape)) for w in model.trainable_weights) + (features + 1) * 1000
    return SimpleNamespace(trained=trained, all_m=model.count_params() / 1e6, macs_m=macs / 1e6)


@pytest.fixture
def keras_applications():
    """How to make its networks sensitive, to compare ours with them, and to count ours."""
    return SimpleNamespace(awaken=_awaken, difference=_difference, counted=_counted)
