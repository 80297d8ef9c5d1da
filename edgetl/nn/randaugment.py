"""RandAugment: a few operations drawn for each image, as a pure function of (images, seed).

Cubuk et al., RandAugment, 2020, arXiv:1909.13719. Operations and greatest strengths are those of AutoAugment's table 6
(arXiv:1805.09501); what an image loses at its border is filled by its mirror image instead of grey.
"""

from __future__ import annotations

import math

import tensorflow as tf

from edgetl.recipe import RandAugment

_GEOMETRIC = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
_GREATEST = {"rotate": math.radians(30), "shear_x": 0.3, "shear_y": 0.3, "translate_x": 0.33, "translate_y": 0.33}
_ENHANCE = 0.9
"""Brightness, contrast, colour and sharpness are multiplied by 1 ± up to this."""
_COLOUR = ("brightness", "contrast", "colour", "sharpness", "posterize", "solarize", "autocontrast")
_STRONGEST = 30
_FIRST_STREAM = 200


def apply(images: tf.Tensor, seed: tf.Tensor, section: RandAugment) -> tf.Tensor:
    """Change a batch.

    Args:
        images: float32 (N, px, px, 3), 0 (black) to 1 (white).
        seed: int32 (2,).
        section: how many operations, how strongly.

    Returns:
        float32 (N, px, px, 3), 0 to 1.
    """
    count = tf.shape(images)[0]
    strength = section.magnitude / _STRONGEST
    for slot in range(section.operations):
        stream = seed + tf.constant([0, (_FIRST_STREAM + slot) << 20], tf.int32)
        draws = tf.random.stateless_uniform([2, count], stream)
        kind = tf.cast(draws[0] * len(_GEOMETRIC + _COLOUR), tf.int32)
        signed = tf.where(draws[1] < 0.5, -strength, strength)
        images = tf.clip_by_value(_colour(_move(images, kind, signed), kind, signed, strength), 0.0, 1.0)
    return images


def _move(images: tf.Tensor, kind: tf.Tensor, signed: tf.Tensor) -> tf.Tensor:
    """Rotate, shear or shift the images to which that fell; one affine map for each."""
    px = tf.cast(tf.shape(images)[1], tf.float32)

    def amount(name: str) -> tf.Tensor:
        return tf.where(kind == _GEOMETRIC.index(name), signed * _GREATEST[name], 0.0)

    cos, sin = tf.cos(amount("rotate")), tf.sin(amount("rotate"))
    a, b, c, d = cos, -sin + amount("shear_x"), sin + amount("shear_y"), cos
    centre = (px - 1.0) / 2.0
    zero = tf.zeros_like(signed)
    x = centre - a * centre - b * centre + amount("translate_x") * px
    y = centre - c * centre - d * centre + amount("translate_y") * px
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, x, c, d, y, zero, zero], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _colour(images: tf.Tensor, kind: tf.Tensor, signed: tf.Tensor, strength: float) -> tf.Tensor:
    """Do one of the operations on colours to the images to which it fell."""
    factor = (1.0 + _ENHANCE * signed)[:, None, None, None]
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    mean = tf.reduce_mean(grey, axis=[1, 2], keepdims=True)
    low, high = tf.reduce_min(images, axis=[1, 2], keepdims=True), tf.reduce_max(images, axis=[1, 2], keepdims=True)
    levels = 2.0 ** round(8 - 4 * strength)
    answers = {
        "brightness": lambda: images * factor,
        "contrast": lambda: mean + factor * (images - mean),
        "colour": lambda: grey + factor * (images - grey),
        "sharpness": lambda: _smooth(images) + factor * (images - _smooth(images)),
        "posterize": lambda: tf.floor(images * (levels - 1e-3)) / (levels - 1.0),
        "solarize": lambda: tf.where(images > 1.0 - strength, 1.0 - images, images),
        "autocontrast": lambda: tf.where(high > low, (images - low) / tf.maximum(high - low, 1e-6), images),
    }
    result = images
    for number, name in enumerate(_COLOUR, start=len(_GEOMETRIC)):
        result = tf.where((kind == number)[:, None, None, None], answers[name](), result)
    return result


def _smooth(images: tf.Tensor) -> tf.Tensor:
    """Pillow's ImageFilter.SMOOTH: the mean over 3 × 3 pixels in which the middle one counts five times."""
    kernel = tf.constant([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]) / 13.0
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, 3, 1])
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
