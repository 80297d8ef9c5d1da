"""Images through a network, and how well it does on labelled ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.types import Preprocess

BATCH = 64


class Rows(Protocol):
    """Rows of an array, in memory or on disk (`edgetl.rowfile`)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    @property
    def dtype(self) -> Any:
        """Numpy's type of an element."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, rows: Any) -> Any:
        """Read rows: a slice or int (M,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """A labelled set: uint8 (N, px, px, 3), in memory or on disk, and int64 (N,)."""

    pixels: Rows
    labels: np.ndarray


class Score(NamedTuple):
    """How good a network is after an epoch."""

    rank: tuple[float, ...] | None
    """Larger is better; None = nothing to choose by, the last weights are kept."""
    shown: dict[str, float]
    """For the history: `val_loss`, `val_top1`."""


def normalised(images: tf.Tensor, preprocess: Preprocess) -> tf.Tensor:
    """Do what `edgetl.preprocess.normalise` does, within a graph.

    Args:
        images: uint8 (N, px, px, 3).
        preprocess: mean and std.

    Returns:
        float32, the same shape.
    """
    return (tf.cast(images, tf.float32) - preprocess.mean) / preprocess.std


def predict(model: tf_keras.Model, images: Rows, preprocess: Preprocess) -> np.ndarray:
    """Run a network over images.

    Args:
        model: image → logits.
        images: uint8 (N, px, px, 3).
        preprocess: its normalisation.

    Returns:
        float32 (N, classes) logits.
    """
    forward = tf.function(lambda x: model(normalised(x, preprocess), training=False), reduce_retracing=True, autograph=False)
    parts = [forward(tf.constant(images[i : i + BATCH])).numpy() for i in range(0, len(images), BATCH)]
    return np.concatenate(parts)


def scorer(
    forward: Callable[[tf.Tensor], tf.Tensor], inputs: Rows, labels: np.ndarray, label_sets: np.ndarray | None = None
) -> Callable[[], Score]:
    """Make a function that judges a network on labelled inputs: higher top-1 is better, then lower loss.

    Where images have several labels, those count of which every class is answered rightly (`edgetl.multilabel`).

    Args:
        forward: inputs → logits, in inference mode.
        inputs: (N, …) of what it takes.
        labels: int64 (N,).
        label_sets: bool (sets, classes); None = one label an image.

    Returns:
        Score of the network as it is at the time of the call.
    """

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec((None, *inputs.shape[1:]), inputs.dtype), tf.TensorSpec((None,), tf.int64)],
        autograph=False,
    )
    def step(values: tf.Tensor, wanted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = forward(values)
        if label_sets is None:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
            return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(tf.argmax(logits, -1) == wanted, tf.int32))
        present = tf.gather(tf.constant(label_sets), wanted)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(present, tf.float32), logits)
        right = tf.reduce_all((logits >= 0.0) == present, axis=1)
        return tf.reduce_sum(tf.reduce_mean(losses, axis=1)), tf.reduce_sum(tf.cast(right, tf.int32))

    def score() -> Score:
        total, right = 0.0, 0
        for i in range(0, len(labels), BATCH):
            loss, hits = step(tf.constant(inputs[i : i + BATCH]), tf.constant(labels[i : i + BATCH]))
            total, right = total + float(loss), right + int(hits)
        loss, top1 = total / len(labels), right / len(labels)
        return Score((top1, -loss), {"val_loss": loss, "val_top1": top1})

    return score
