"""Random changes to a batch of training images, as a pure function of (images, seed)."""

from __future__ import annotations

import tensorflow as tf

from edgetl.nn import randaugment
from edgetl.recipe import Augment


def augment(images: tf.Tensor, seed: tf.Tensor, section: Augment, input_range: tuple[float, float]) -> tf.Tensor:
    """Change a batch as a recipe's `augment` asks.

    Args:
        images: float32 (N, px, px, 3), normalised.
        seed: int32 (2,); the same seed gives the same changes.
        section: what to do.
        input_range: value of a black and of a white pixel.

    Returns:
        float32 (N, px, px, 3), within `input_range`.
    """
    black, white = input_range
    count, px = tf.shape(images)[0], tf.shape(images)[1]

    def draw(number: int, low: float, high: float) -> tf.Tensor:
        stream = seed + tf.constant([0, number << 20], tf.int32)
        return tf.random.stateless_uniform([count], stream, low, high)

    if section.flip or section.zoom:
        side = draw(1, 1.0 - section.zoom, 1.0)
        top, left = draw(2, 0.0, 1.0) * (1.0 - side), draw(3, 0.0, 1.0) * (1.0 - side)
        right = left + side
        mirrored = draw(4, 0.0, 1.0) < (0.5 if section.flip else 0.0)
        boxes = tf.stack([top, tf.where(mirrored, right, left), top + side, tf.where(mirrored, left, right)], axis=1)
        images = tf.image.crop_and_resize(images, boxes, tf.range(count), [px, px])
    if section.brightness:
        gain = draw(5, 1.0 - section.brightness, 1.0 + section.brightness)[:, None, None, None]
        images = (images - black) * gain + black
    if section.contrast:
        gain = draw(6, 1.0 - section.contrast, 1.0 + section.contrast)[:, None, None, None]
        mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
        images = (images - mean) * gain + mean
    images = tf.clip_by_value(images, black, white)
    if section.randaugment is None:
        return images
    changed = randaugment.apply((images - black) / (white - black), seed, section.randaugment)
    return changed * (white - black) + black
