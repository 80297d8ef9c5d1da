"""A trained network to learn from: its frozen graph, asked for logits of the images that the student sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from edgetl.errors import InputError
from edgetl.nn import checkpoint, frozen

_SMALLEST = 1e-9
"""Probabilities below it count as it, where their logarithm is taken."""


def load(folder: Path, class_names: tuple[str, ...]) -> Callable[[tf.Tensor], tf.Tensor]:
    """Read a checkpoint as a teacher.

    Args:
        folder: a `finetune` result, or `runs/<recipe>/checkpoint`.
        class_names: the student's classes.

    Returns:
        float32 (N, px, px, 3), normalised, of any size → float32 (N, classes), logits up to a constant. Images of another size
        than the teacher's are resized.

    Raises:
        InputError: the folder holds no checkpoint, or one with other classes.
    """
    try:
        facts = json.loads((folder / checkpoint.FACTS).read_text(encoding="utf-8"))
        names, px = tuple(facts["class_names"]), int(facts["input_px"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"distill.checkpoint: {folder}: is not the checkpoint of an edgetl run ({error}).") from error
    if facts.get("several"):
        raise InputError(f"distill.checkpoint: {folder}: its network gives several labels an image, the recipe's gives one.")
    if names != class_names:
        other = sorted(set(names) ^ set(class_names))
        what = f"differ in {', '.join(other[:12])}" if other else "come in another order"
        raise InputError(f"distill.checkpoint: {folder}: the teacher's classes and the recipe's {what}.")
    network = frozen.thaw(folder / frozen.NETWORK, px, None)

    def ask(images: tf.Tensor) -> tf.Tensor:
        fitting = images if images.shape[1] == px else tf.image.resize(images, [px, px])
        return tf.stop_gradient(tf.math.log(tf.maximum(network(fitting)["probabilities"], _SMALLEST)))

    return ask
