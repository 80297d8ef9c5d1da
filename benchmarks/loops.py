"""What the child processes of `benchmarks.train` do: edgetl's head training, and the loop that a tutorial shows.

Both get the same prepared images and the same pretrained backbone, and count CPU time of all threads after TensorFlow has
been imported and has done a first operation.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

FINE_TUNING_RATES = (1e-5, 1e-4, 1e-3)
"""Of the tutorial's second phase: Keras' own transfer-learning guide uses the first, TensorFlow's the second."""
_FROZEN_EPOCHS, _FINE_EPOCHS = 20, 8
"""As in the plain loop that our photos were first measured with."""
_HEAD_RATE = 1e-3


def tutorial_head(recipe: str, overrides: list[str], prepared: str, epochs: int, seed: int) -> dict[str, Any]:
    """Train a head as tutorials do: `model.fit` over a frozen backbone, each epoch through all of it.

    Args:
        recipe: file or name.
        overrides: as `--set`.
        prepared: folder of a finished `prepare` step.
        epochs: how many.
        seed: of head and shuffling.

    Returns:
        `cpu_s`, `wall_s`, `val_top1`.
    """
    import tensorflow as tf
    import tf_keras

    loaded, train, val = _load(recipe, overrides, prepared, seed)
    clock = _Clock(tf)
    base = _base(loaded)
    base.trainable = False
    model = _classifier(tf_keras, base, len(set(train[1].tolist())), training=False)
    model.compile(tf_keras.optimizers.Adam(_HEAD_RATE), _loss(tf_keras), metrics=["accuracy"])
    told = model.fit(_scaled(train[0]), train[1], 32, epochs, verbose=0, validation_data=(_scaled(val[0]), val[1]))
    return {**clock.read(), "val_top1": told.history["val_accuracy"][-1]}


def own_head(recipe: str, overrides: list[str], prepared: str, epochs: int, seed: int, kept: str) -> dict[str, Any]:
    """Train the same head as edgetl does: features once, kept on disk, then the head alone.

    Args:
        recipe: file or name.
        overrides: as `--set`.
        prepared: folder of a finished `prepare` step.
        epochs: how many.
        seed: of head and shuffling.
        kept: folder for the features; when they are there already they are used.

    Returns:
        `cpu_s`, `wall_s`, `val_top1`, and `features`: "computed" or "kept".
    """
    import tempfile

    import tensorflow as tf
    import tf_keras

    from edgetl.nn import classifier, features, supervised, training
    from edgetl.nn.inference import Images
    from edgetl.nn.task import Task
    from edgetl.recipe import Augment, Head, Phase
    from edgetl.rowfile import RowFile

    loaded, train, val = _load(recipe, overrides, prepared, seed)
    loaded = replace(loaded, augment=Augment(), head=Head(), seed=seed)
    folder = Path(kept)
    warm = (folder / features.view_file(0)).exists()
    clock = _Clock(tf)
    training.seed(seed)
    if not warm:
        folder.mkdir(parents=True, exist_ok=True)
        features.compute(_base(loaded), loaded, train[0], val[0], 1, folder)
    pooled = tf_keras.Input(RowFile(folder / features.VALIDATION).shape[1:], name="pool")
    values = pooled
    for layer in classifier.head_layers(loaded, len(set(train[1].tolist())), training=True):
        values = layer(values)
    task = Task(
        recipe=loaded,
        model=tf_keras.Model(pooled, values),
        training=Images(pixels=train[0], labels=train[1]),
        validation=Images(pixels=val[0], labels=val[1]),
        features=lambda views: features.load(folder, views),
    )
    phase = Phase(phase="head", freeze="all", epochs=epochs, learning_rate=_HEAD_RATE, schedule="constant")
    with tempfile.TemporaryDirectory() as scratch:
        history = training.train(
            task.model,
            [lambda: supervised.stretch(task, phase)],
            seed=seed,
            checkpoint=Path(scratch) / "training.npz",
            progress=lambda event: None,
        )
    return {**clock.read(), "val_top1": history[-1]["val_top1"], "features": "kept" if warm else "computed"}


def tutorial_both(recipe: str, overrides: list[str], prepared: str, seed: int) -> dict[str, Any]:
    """Do the whole plain loop: a frozen backbone first, then all of it with a small rate; for several such rates.

    Args:
        recipe: file or name.
        overrides: as `--set`.
        prepared: folder of a finished `prepare` step.
        seed: of head and shuffling.

    Returns:
        `frozen`: top-1 on the test split after the first phase; `fine_tuned`: rate → top-1 after the second.
    """
    import tf_keras

    from edgetl.preprocess import load_split

    loaded, train, _ = _load(recipe, overrides, prepared, seed)
    test, labels = load_split(Path(prepared), "test")
    base = _base(loaded)
    base.trainable = False
    model = _classifier(tf_keras, base, len(set(train[1].tolist())), training=False)
    model.compile(tf_keras.optimizers.Adam(_HEAD_RATE), _loss(tf_keras))
    model.fit(_scaled(train[0]), train[1], 32, _FROZEN_EPOCHS, verbose=0)

    def top1() -> float:
        return float((model.predict(_scaled(test), verbose=0).argmax(1) == labels).mean())

    found: dict[str, Any] = {"frozen": top1(), "fine_tuned": {}}
    weights = model.get_weights()
    for rate in FINE_TUNING_RATES:
        base.trainable = True
        model.set_weights(weights)
        model.compile(tf_keras.optimizers.Adam(rate), _loss(tf_keras))
        model.fit(_scaled(train[0]), train[1], 32, _FINE_EPOCHS, verbose=0)
        found["fine_tuned"][f"{rate:g}"] = top1()
    return found


class _Clock:
    def __init__(self, tf: Any) -> None:
        float(tf.reduce_sum(tf.ones([8])))  # starts the runtime
        self._begun = time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        return {"cpu_s": time.process_time() - self._begun[0], "wall_s": time.perf_counter() - self._begun[1]}


def _load(recipe: str, overrides: list[str], prepared: str, seed: int) -> tuple[Any, Any, Any]:
    import tf_keras

    from edgetl.preprocess import load_split
    from edgetl.recipefile import load_recipe

    tf_keras.utils.set_random_seed(seed)
    folder = Path(prepared)
    return load_recipe(recipe, tuple(overrides)).recipe, load_split(folder, "train"), load_split(folder, "val")


def _base(recipe: Any) -> Any:
    from edgetl.nn import features
    from edgetl.nn.weights import load_backbone_weights

    base = features.backbone(recipe)
    load_backbone_weights(base, recipe.backbone)
    return base


def _classifier(tf_keras: Any, base: Any, classes: int, *, training: bool) -> Any:
    image = tf_keras.Input(base.input.shape[1:])
    values = tf_keras.layers.GlobalAveragePooling2D()(base(image, training=training))
    return tf_keras.Model(image, tf_keras.layers.Dense(classes)(values))


def _loss(tf_keras: Any) -> Any:
    return tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _scaled(pixels: Any) -> Any:
    import numpy as np

    return np.asarray(pixels[:], np.float32) / 127.5 - 1.0
