"""A SavedModel as a whole classifier: frozen as it is, with what it is fed with made from edgetl's input in front of it.

Its layers are not known, so nothing inside can be quantized with its activations; schemes that keep these in float can hold it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetl.errors import InputError
from edgetl.nn.saved import saved_model, whole
from edgetl.types import Preprocess

if TYPE_CHECKING:
    from edgetl.nn.saved.endings import Answers
    from edgetl.nn.saved.whole import Feed

_BATCH = 32
_NEAR_ONE = 1e-3
_PASSING = ("Identity", "Reshape", "Squeeze", "StopGradient")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A frozen classifier."""

    function: Any
    """float32 (N, px, px, 3), as the file is fed → float32 (N, classes)."""
    feed: Feed
    preprocess: Preprocess
    answers: Answers
    classes: int
    notes: tuple[str, ...]

    def network(self, values: Any, training: bool = False) -> Any:
        """Answer prepared images, within a graph: float32 (N, px, px, 3) → float32 (N, classes)."""
        import tensorflow as tf

        mean, std = (np.array(v, np.float64) for v in (self.feed.mean, self.feed.std))
        scale, shift = self.preprocess.std / std, (self.preprocess.mean - mean) / std
        if not (np.allclose(scale, 1.0) and np.allclose(shift, 0.0)):
            values = values * scale.astype(np.float32) + shift.astype(np.float32)
        return tf.reshape(tf.nest.flatten(self.function(values))[0], (-1, self.classes))

    def original(self, pixels: np.ndarray) -> tuple[np.ndarray, str]:
        """Answer images as the file does: uint8 (N, px, px, 3) → float32 (N, classes), and who ran it."""
        import tensorflow as tf

        parts = [pixels[i : i + _BATCH] for i in range(0, len(pixels), _BATCH)]
        answers = [np.asarray(tf.nest.flatten(self.function(tf.constant(self.feed.of(part))))[0]) for part in parts]
        return np.concatenate(answers).reshape(len(pixels), -1), f"TensorFlow {tf.__version__}"


def read(folder: Path, px: int | None, feed: Feed | None) -> Found:
    """Freeze a SavedModel's classifier.

    Args:
        folder: of the SavedModel.
        px: side of the input, where it leaves that open.
        feed: how its input is made from bytes.

    Returns:
        The classifier.

    Raises:
        InputError: it cannot be used, or something must be said that it leaves open.
    """
    own = saved_model.side(folder)
    if own is not None and px not in (None, own):
        raise InputError(f"{folder.name}: takes images of {own} px, --px says {px}. Leave --px out.")
    side = own or px
    if side is None:
        raise InputError(f"{folder.name}: leaves the size of its input open. Say it: --px 224.")
    if feed is None:
        raise InputError(f"{folder.name}: {whole.need_of_feed(False)}")
    function = saved_model.frozen(folder, side)
    noise = np.random.default_rng(0).integers(0, 256, (8, side, side, 3), np.uint8)
    import tensorflow as tf

    values = np.asarray(tf.nest.flatten(function(tf.constant(feed.of(noise))))[0])
    if values.size != len(noise) * values.shape[-1]:
        raise InputError(f"{folder.name}: gives {values.shape[1:]} for an image; a classifier gives one value a class.")
    classes = int(values.shape[-1])
    if classes < 2:
        raise InputError(f"{folder.name}: gives one value for an image; a classifier of two classes or more is wanted.")
    answers = _answers(values.reshape(len(noise), classes), function, folder.name)
    notes = ["it ends with logits; a softmax was added, which changes no order"] if answers == "logits" else []
    centre, deviation = feed.mean[0], feed.std[0]
    plain = len(set(feed.mean)) == len(set(feed.std)) == 1 and 0.0 <= centre <= 255.0
    preprocess = Preprocess(resize_px=side, crop_px=side)
    preprocess = replace(preprocess, mean=centre, std=deviation) if plain else preprocess
    return Found(function=function, feed=feed, preprocess=preprocess, answers=answers, classes=classes, notes=tuple(notes))


def _answers(values: np.ndarray, function: Any, name: str) -> Answers:
    """Tell probabilities from logits: by their sum, and by the operation that makes them."""
    if values.min() >= 0.0 and np.abs(values.sum(axis=1) - 1.0).max() < _NEAR_ONE:
        return "softmax"
    operation = function.outputs[0].op
    while operation.type in _PASSING and operation.inputs:
        operation = operation.inputs[0].op
    if operation.type == "Sigmoid":
        return "sigmoid"
    if values.min() >= 0.0 and values.max() <= 1.0:
        raise InputError(
            f"{name}: its answers lie from 0 to 1, and whether they are probabilities cannot be told. Export logits."
        )
    return "logits"
