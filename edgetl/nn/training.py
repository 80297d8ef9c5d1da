"""The training loop: phases of epochs, the best weights kept, and a checkpoint after each epoch.

Everything random follows from (seed, phase, epoch, step), and a checkpoint holds weights, optimizer and history, so a run that
was killed goes on to the same weights, bit for bit, as one that was not (same machine, same versions).
"""

from __future__ import annotations

import json
import math
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.nn.augment import augment
from edgetl.nn.classifier import SeededDropout
from edgetl.nn.constraints import Constraint
from edgetl.preprocess import normalise
from edgetl.recipe import Augment
from edgetl.types import Preprocess

EVALUATION_BATCH = 64
Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """A labelled set: uint8 (N, px, px, 3), possibly on disk, and int64 (N,)."""

    pixels: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One phase as the loop needs it."""

    name: str
    prepare: Callable[[], None]
    """Sets which layers learn."""
    epochs: int
    learning_rate: float
    batch_size: int
    cosine: bool
    label_smoothing: float = 0.0
    patience: int | None = None
    augment: Augment = Augment()
    constraint: Constraint | None = None
    """Already settled. Weights are projected onto it after each step; only epochs from which on it holds can be the best."""


def deterministic() -> None:
    """Make TensorFlow's results repeatable; must be called before the first operation."""
    tf.config.experimental.enable_op_determinism()


def freeze_statistics(model: tf_keras.Model) -> tf_keras.Model:
    """Keep batch normalisation from learning and from following the batches, which on a small data set would hurt.

    Args:
        model: any network; changed in place.

    Returns:
        The same network.
    """
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.trainable = False
    return model


def predict(model: tf_keras.Model, images: np.ndarray, preprocess: Preprocess) -> np.ndarray:
    """Run a network over images.

    Args:
        model: image → logits.
        images: uint8 (N, px, px, 3).
        preprocess: its normalisation.

    Returns:
        float32 (N, classes) logits.
    """
    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    parts = [
        forward(tf.constant(normalise(images[i : i + EVALUATION_BATCH], preprocess))).numpy()
        for i in range(0, len(images), EVALUATION_BATCH)
    ]
    return np.concatenate(parts)


def train(
    model: tf_keras.Model,
    stretches: tuple[Stretch, ...],
    training: Images,
    validation: Images,
    preprocess: Preprocess,
    *,
    seed: int,
    checkpoint: Path,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Train in place; on return the model holds the best weights of the last phase.

    Args:
        model: image → logits.
        stretches: the phases, in order; each starts from the best weights of the one before.
        training: images to learn from.
        validation: images that choose the best epoch: highest top-1, then lowest loss.
        preprocess: normalisation of both.
        seed: of shuffling, augmentation and dropout.
        checkpoint: file that is written after each epoch, and continued from when it exists.
        progress: receives one event after each epoch.

    Returns:
        One entry per epoch: phase, epoch, loss, val_loss, val_top1, learning_rate.

    Raises:
        FloatingPointError: the loss is not finite.
    """
    history: list[dict[str, Any]] = []
    first, done = 0, 0
    saved = _load(checkpoint)
    if saved is not None:
        history, first, done = saved["history"], saved["phase"], saved["epochs"]
        model.set_weights(saved["best"] if done == 0 else saved["weights"])
    for number in range(first, len(stretches)):
        stretch = stretches[number]
        stretch.prepare()
        loop = _Loop(model, stretch, preprocess, len(training.labels))
        best = _Best(model.get_weights())
        start = done if number == first else 0
        if start and saved is not None:
            loop.restore(saved["optimizer"])
            best = _Best(saved["best"], tuple(saved["score"]), saved["stale"])
        for epoch in range(start, stretch.epochs):
            if stretch.patience is not None and best.stale >= stretch.patience:
                break
            loss = loop.epoch(training, (seed, number, epoch))
            val_loss, val_top1 = loop.evaluate(validation)
            if not (math.isfinite(loss) and math.isfinite(val_loss)):
                raise FloatingPointError(f"phase {stretch.name}, epoch {epoch + 1}: the loss is not finite; lower learning_rate.")
            if stretch.constraint is None or stretch.constraint.holds((epoch + 1) / stretch.epochs):
                best.see(model, (val_top1, -val_loss))
            history.append(
                {
                    "phase": stretch.name,
                    "epoch": epoch + 1,
                    "loss": loss,
                    "val_loss": val_loss,
                    "val_top1": val_top1,
                    "learning_rate": stretch.learning_rate,
                }
            )
            _save(checkpoint, model, loop.optimizer, best, history, number, epoch + 1)
            progress({"epoch": epoch + 1, "epochs": stretch.epochs, **history[-1]})
        model.set_weights(best.weights)
        if stretch.constraint is not None:
            stretch.constraint.apply()
    return history


class _Best:
    """The best weights of a phase so far."""

    def __init__(self, weights: list[np.ndarray], score: tuple[float, ...] = (-1.0, -math.inf), stale: int = 0) -> None:
        self.weights, self.score, self.stale = weights, score, stale

    def see(self, model: tf_keras.Model, score: tuple[float, float]) -> None:
        self.stale += 1
        if score > self.score:
            self.weights, self.score, self.stale = model.get_weights(), score, 0


class _Loop:
    """The compiled steps of one phase."""

    def __init__(self, model: tf_keras.Model, stretch: Stretch, preprocess: Preprocess, count: int) -> None:
        self.model, self.stretch, self.preprocess = model, stretch, preprocess
        self.steps = -(-count // stretch.batch_size)
        self.optimizer = tf_keras.optimizers.Adam(stretch.learning_rate)
        self.optimizer.build(model.trainable_variables)
        self.dropouts = [layer for layer in model.layers if isinstance(layer, SeededDropout)]
        px = (None, preprocess.crop_px, preprocess.crop_px, 3)
        images, labels = tf.TensorSpec(px, tf.float32), tf.TensorSpec((None,), tf.int64)
        moment = tf.TensorSpec((2,), tf.int32)
        self._step = tf.function(self._train_step, input_signature=[images, labels, moment])
        self._score = tf.function(self._evaluate_step, input_signature=[images, labels])

    def restore(self, values: list[np.ndarray]) -> None:
        for variable, value in zip(self.optimizer.variables, values, strict=True):
            variable.assign(value)

    def _train_step(self, images: tf.Tensor, labels: tf.Tensor, moment: tf.Tensor) -> tf.Tensor:
        images = augment(images, moment, self.stretch.augment, self.preprocess.input_range)
        for layer in self.dropouts:
            layer.moment.assign(moment)
        smoothing = self.stretch.label_smoothing
        with tf.GradientTape() as tape:
            logits = self.model(images, training=True)
            classes = logits.shape[-1]
            wanted = tf.one_hot(labels, classes) * (1.0 - smoothing) + smoothing / classes
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, logits))
        variables = self.model.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    def _evaluate_step(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = self.model(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        right = tf.reduce_sum(tf.cast(tf.argmax(logits, -1) == labels, tf.int32))
        return tf.reduce_sum(losses), right

    def epoch(self, images: Images, seed: tuple[int, int, int]) -> float:
        """Go once through the images in an order drawn from `seed`; return the mean loss."""
        order = np.random.default_rng(seed).permutation(len(images.labels))
        size, total = self.stretch.batch_size, 0.0
        base = int(np.random.default_rng((*seed, 1)).integers(2**30))
        for step in range(self.steps):
            part = (seed[2] * self.steps + step) / (self.stretch.epochs * self.steps)
            if self.stretch.cosine:
                self.optimizer.learning_rate.assign(self.stretch.learning_rate * 0.5 * (1.0 + math.cos(math.pi * part)))
            rows = np.sort(order[step * size : (step + 1) * size])
            batch = normalise(images.pixels[rows], self.preprocess)
            loss = self._step(tf.constant(batch), tf.constant(images.labels[rows]), tf.constant([base, step], tf.int32))
            total += float(loss) * len(rows)
            if self.stretch.constraint is not None:
                self.stretch.constraint.apply(part + 1 / (self.stretch.epochs * self.steps))
        return total / len(images.labels)

    def evaluate(self, images: Images) -> tuple[float, float]:
        """Return mean loss and top-1 over the images."""
        total, right = 0.0, 0
        for i in range(0, len(images.labels), EVALUATION_BATCH):
            batch = normalise(images.pixels[i : i + EVALUATION_BATCH], self.preprocess)
            loss, hits = self._score(tf.constant(batch), tf.constant(images.labels[i : i + EVALUATION_BATCH]))
            total, right = total + float(loss), right + int(hits)
        return total / len(images.labels), right / len(images.labels)


def _save(path: Path, model: Any, optimizer: Any, best: _Best, history: list[Any], phase: int, epochs: int) -> None:
    """Write the checkpoint whole or not at all."""
    head = {"history": history, "phase": phase, "epochs": epochs, "score": best.score, "stale": best.stale}
    arrays: dict[str, np.ndarray] = {"head": np.frombuffer(json.dumps(head).encode(), np.uint8)}
    kinds = {
        "weights": model.get_weights(),
        "best": best.weights,
        "optimizer": [v.numpy() for v in optimizer.variables],
    }
    for kind, values in kinds.items():
        arrays.update({f"{kind}/{i}": value for i, value in enumerate(values)})
    temporary = path.with_suffix(".writing")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _load(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            saved: dict[str, Any] = json.loads(file["head"].tobytes())
            for kind in ("weights", "best", "optimizer"):
                count = sum(1 for name in file.files if name.startswith(f"{kind}/"))
                saved[kind] = [file[f"{kind}/{i}"] for i in range(count)]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print(f"{path.name} cannot be read ({error}); training starts anew", file=sys.stderr)
        return None
    return saved
