"""A small network and two domains: the target is the source, darker and flatter."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgetl.recipefile import load_recipe

PX = 32


def draw(count, seed, gain=1.0, offset=0.0):
    """Bars: class 0 lies, class 1 stands, class 2 is a blot."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    pixels = rng.normal(60, 12, (count, PX, PX, 3))
    for row, label in enumerate(labels):
        at = rng.integers(6, PX - 10)
        if label == 0:
            pixels[row, at : at + 5] += 120
        elif label == 1:
            pixels[row, :, at : at + 5] += 120
        else:
            pixels[row, at - 4 : at + 8, at - 4 : at + 8] += 120
    return np.clip(pixels * gain + offset, 0, 255).astype(np.uint8), labels.astype(np.int64)


def network():
    """Small enough to learn in a second, with batch normalisation and the names that a recipe's networks have."""
    import tf_keras
    from tf_keras import layers

    x = image = tf_keras.Input((PX, PX, 3), name="image")
    for number, filters in enumerate((8, 16, 32)):
        x = layers.Conv2D(filters, 3, strides=2, use_bias=False, name=f"conv{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return tf_keras.Model(image, layers.Dense(3, name="logits")(x))


@pytest.fixture
def setting(tmp_path):
    """Make a task: `setting(overrides, unlabelled=…)`; all images in one file, as a prepared data set has them."""
    from edgetl.nn import training
    from edgetl.nn.inference import Images
    from edgetl.nn.task import Task
    from edgetl.rowfile import RowFile

    def make(*overrides, train=240, gain=0.15, offset=150.0):
        recipe = load_recipe("quickstart", (f"backbone.input_px={PX}", "head={}", *overrides)).recipe
        parts = [draw(train, 0), draw(90, 1), draw(240, 2, gain, offset), draw(150, 3, gain, offset)]
        np.save(tmp_path / "pixels.npy", np.concatenate([pixels for pixels, _ in parts]))
        file, edges = RowFile(tmp_path / "pixels.npy"), np.cumsum([0, *(len(labels) for _, labels in parts)])
        views = [file.view(np.arange(a, b)) for a, b in zip(edges, edges[1:], strict=False)]
        training.seed(recipe.seed)
        model = network()
        task = Task(
            recipe=recipe,
            model=model,
            training=Images(pixels=views[0], labels=parts[0][1]),
            validation=Images(pixels=views[1], labels=parts[1][1]),
            unlabelled=views[2],
            folder=tmp_path,
        )
        return SimpleNamespace(task=task, target=Images(pixels=views[3], labels=parts[3][1]))

    return make


@pytest.fixture
def run(tmp_path):
    """Run phases one after the other; returns the history."""
    from edgetl import registry
    from edgetl.nn import training

    def call(task, *phases, stop_after=None, name="c"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        starts = [lambda phase=phase: registry.load("methods", phase.method).stretch(task, phase) for phase in phases]
        seen = []

        def progress(event):
            seen.append(event)
            if len(seen) == stop_after:
                raise KeyboardInterrupt

        return training.train(task.model, starts, seed=task.recipe.seed, checkpoint=folder / "c.npz", progress=progress)

    return call


@pytest.fixture
def top1():
    from edgetl.nn.inference import predict

    def measure(task, images):
        return float((predict(task.model, images.pixels, task.recipe.preprocess).argmax(1) == images.labels).mean())

    return measure
