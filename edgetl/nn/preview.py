"""What a recipe's `augment` does to photos, as one picture: each row a photo as it is, then changed copies of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from edgetl.nn.augment import augment
from edgetl.nn.inference import normalised
from edgetl.recipe import Recipe

_GAP_PX = 2


def sheet(pixels: Sequence[np.ndarray], recipe: Recipe, copies: int) -> np.ndarray:
    """Draw the picture.

    Args:
        pixels: prepared photos, uint8 (px, px, 3) each.
        recipe: its `augment`, seed and normalisation.
        copies: changed copies of each.

    Returns:
        uint8 (height, width, 3).
    """
    spec = recipe.preprocess
    images = np.stack(pixels)
    rows = [images]
    for number in range(copies):
        seed = tf.constant([recipe.seed % 2**30, number], tf.int32)
        changed = augment(normalised(tf.constant(images), spec), seed, recipe.augment, spec.input_range)
        rows.append(np.rint(changed.numpy() * spec.std + spec.mean).clip(0, 255).astype(np.uint8))
    framed = np.pad(np.stack(rows, axis=1), [(0, 0), (0, 0), (0, _GAP_PX), (0, _GAP_PX), (0, 0)], constant_values=255)
    count, across, height, width, _ = framed.shape
    found: np.ndarray = framed.transpose(0, 2, 1, 3, 4).reshape(count * height, across * width, 3)
    return found
