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
OPERATIONS = (*_GEOMETRIC, "brightness", "contrast", "colour", "sharpness", "posterize", "solarize", "autocontrast")
"""All of them, the geometric ones first."""
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
        kind = tf.cast(draws[0] * len(OPERATIONS), tf.int32)
        signed = tf.where(draws[1] < 0.5, -strength, strength)
        images = tf.clip_by_value(change(images, kind, signed, strength), 0.0, 1.0)
    return images


def change(images: tf.Tensor, kind: tf.Tensor, signed: tf.Tensor, strength: float) -> tf.Tensor:
    """Do one operation to each image; those on colours are computed only for the images to which they fell.

    Args:
        images: float32 (N, px, px, 3), 0 to 1.
        kind: int32 (N,), places in `OPERATIONS`.
        signed: float32 (N,), strength with its sign.
        strength: 0 to 1, where there is no sign.

    Returns:
        float32 (N, px, px, 3), not yet clipped.
    """
    rows, parts = [tf.range(tf.shape(images)[0])], [_move(images, kind, signed)]  # leaves those alone to which no move fell
    for number in range(len(_GEOMETRIC), len(OPERATIONS)):
        own = tf.where(kind == number)[:, 0]
        rows.append(tf.cast(own, tf.int32))
        parts.append(_colour(OPERATIONS[number], tf.gather(images, own), tf.gather(signed, own), strength))
    return tf.dynamic_stitch(rows, parts)


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


def _colour(name: str, images: tf.Tensor, signed: tf.Tensor, strength: float) -> tf.Tensor:
    """Do one of the operations on colours."""
    factor = (1.0 + _ENHANCE * signed)[:, None, None, None]
    if name == "brightness":
        return images * factor
    if name == "sharpness":
        smooth = _smooth(images)
        return smooth + factor * (images - smooth)
    if name == "posterize":
        levels = 2.0 ** round(8 - 4 * strength)
        return tf.floor(images * (levels - 1e-3)) / (levels - 1.0)
    if name == "solarize":
        return tf.where(images > 1.0 - strength, 1.0 - images, images)
    if name == "autocontrast":
        low, high = tf.reduce_min(images, axis=[1, 2], keepdims=True), tf.reduce_max(images, axis=[1, 2], keepdims=True)
        return tf.where(high > low, (images - low) / tf.maximum(high - low, 1e-6), images)
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    pale = grey if name == "colour" else tf.reduce_mean(grey, axis=[1, 2], keepdims=True)
    return pale + factor * (images - pale)


def _smooth(images: tf.Tensor) -> tf.Tensor:
    """Pillow's ImageFilter.SMOOTH: the mean over 3 × 3 pixels in which the middle one counts five times."""
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] + 4.0 * images) / 13.0
