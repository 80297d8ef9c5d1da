"""Mixup and CutMix: a batch and its labels mixed with itself in another order, as a pure function of a seed."""

from __future__ import annotations

import tensorflow as tf

_MIXUP, _CUTMIX, _COIN = 101, 102, 103
"""Streams of random numbers, apart from those of `edgetl.nn.augment`."""


def mix(images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, mixup: float, cutmix: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix each image with the one at the mirrored place of the batch (which is in random order already).

    Args:
        images: float32 (N, px, px, 3).
        targets: float32 (N, classes), what each should be.
        seed: int32 (2,).
        mixup: a of the Beta(a, a) that a share is drawn from; 0 = none.
        cutmix: the same, for rectangles; 0 = none. With both, a coin decides for each image.

    Returns:
        Images and targets of the same shapes; targets are mixed by the share of pixels that came from each image.
    """
    if not mixup and not cutmix:
        return images, targets
    count, px = tf.shape(images)[0], tf.shape(images)[1]
    others, other_targets = images[::-1], targets[::-1]
    share = tf.ones([count])
    mixed = images
    if mixup:
        share = _beta(count, mixup, seed, _MIXUP)
        wide = share[:, None, None, None]
        mixed = wide * images + (1.0 - wide) * others
    if cutmix:
        inside = _rectangles(count, px, _beta(count, cutmix, seed, _CUTMIX), seed)
        kept = 1.0 - tf.reduce_mean(inside, axis=[1, 2])
        pasted = images + inside[..., None] * (others - images)
        cut = tf.random.stateless_uniform([count], _stream(seed, _COIN)) < (0.5 if mixup else 1.0)
        share = tf.where(cut, kept, share)
        mixed = tf.where(cut[:, None, None, None], pasted, mixed)
    return mixed, share[:, None] * targets + (1.0 - share[:, None]) * other_targets


def _stream(seed: tf.Tensor, number: int) -> tf.Tensor:
    return seed + tf.constant([0, number << 20], tf.int32)


def _beta(count: tf.Tensor, a: float, seed: tf.Tensor, number: int) -> tf.Tensor:
    """Draw from Beta(a, a): x / (x + y) of two Gamma(a) (Devroye, 1986, chapter IX.4)."""
    both = tf.random.stateless_gamma([2, count], _stream(seed, number), alpha=a) + 1e-20
    return both[0] / (both[0] + both[1])


def _rectangles(count: tf.Tensor, px: tf.Tensor, kept: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """1.0 inside of a rectangle of about 1 - `kept` of the area, its centre anywhere, cut off at the border; else 0.0."""
    side = tf.sqrt(1.0 - kept) * tf.cast(px, tf.float32)
    centre = tf.random.stateless_uniform([2, count], _stream(seed, _CUTMIX + 8)) * tf.cast(px, tf.float32)
    places = tf.range(tf.cast(px, tf.float32)) + 0.5
    within = [tf.cast(tf.abs(places[None, :] - c[:, None]) < side[:, None] / 2.0, tf.float32) for c in (centre[0], centre[1])]
    return within[0][:, :, None] * within[1][:, None, :]
