"""Activation ranges from calibration images: what each layer of the float network puts out, and how much of it to keep.

`minmax` keeps every value. `percentile` lets one value in ten thousand be cut off at each end. `mse` chooses the limits whose
int8 grid reproduces the values with the least mean squared error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.errors import StageError

Method = Literal["minmax", "percentile", "mse"]
Range = tuple[float, float]

BINS = 2048
"""Of the histogram of a layer's values; as many as onnxruntime's entropy calibrator uses for 8 bits, times sixteen."""
CUT_SHARE = 1e-4
"""Share of values that `percentile` may cut off at each end (the usual 99.99 %)."""
_SHRINKS = np.linspace(0.3, 1.0, 71)
_LEVELS = 255


def activation_ranges(model: tf_keras.Model, batches: Sequence[np.ndarray], method: Method) -> dict[str, Range]:
    """Choose the range of every layer's output.

    Args:
        model: the float network.
        batches: float32 (N, px, px, 3), normalised; read once for `minmax`, else twice.
        method: how to choose.

    Returns:
        Layer name → (low, high) with low <= 0 <= high: zero must be on the grid, for padding.

    Raises:
        StageError: there is no image, all images are blank, or a layer's values are not finite (named).
    """
    if not len(batches):
        raise StageError("quantize", "", "there is no calibration image.")
    if all(float(np.ptp(image)) == 0.0 for batch in batches for image in batch):
        raise StageError(
            "quantize",
            "",
            "every calibration image is of one colour; ranges taken from them would be worth nothing. Use real photos.",
        )
    names = [layer.name for layer in model.layers if not isinstance(layer, tf_keras.layers.InputLayer)]
    outputs = [model.get_layer(name).output for name in names]
    extremes = tf_keras.Model(model.input, [tf.stack([tf.reduce_min(o), tf.reduce_max(o)]) for o in outputs])
    seen = np.array([[np.asarray(v) for v in extremes(batch, training=False)] for batch in batches])
    low, high = np.minimum(seen[:, :, 0].min(0), 0.0), np.maximum(seen[:, :, 1].max(0), 0.0)
    bad = [name for name, a, b in zip(names, low, high, strict=True) if not (np.isfinite(a) and np.isfinite(b))]
    if bad or not np.isfinite(seen).all():
        bad = bad or [name for i, name in enumerate(names) if not np.isfinite(seen[:, i]).all()]
        raise StageError("quantize", "", f"the network's values are not finite at {', '.join(bad[:5])}.")
    ranges: dict[str, Range] = {n: (float(a), float(b)) for n, a, b in zip(names, low, high, strict=True)}
    if method == "minmax":
        return ranges
    probe = tf_keras.Model(model.input, outputs)
    counts = np.zeros((len(names), BINS))
    for batch in batches:
        for place, values in enumerate(probe(batch, training=False)):
            limits = tf.constant(ranges[names[place]], tf.float32)
            if float(limits[1] - limits[0]) > 0.0:
                counts[place] += tf.histogram_fixed_width(tf.reshape(values, [-1]), limits, BINS).numpy()
    choose = percentile if method == "percentile" else least_error
    return {name: choose(counts[place], *ranges[name]) for place, name in enumerate(names)}


def percentile(counts: np.ndarray, low: float, high: float) -> Range:
    """Cut off the rarest values at both ends.

    Args:
        counts: (BINS,) histogram of values between `low` and `high`.
        low: smallest value, at most 0.
        high: largest value, at least 0.

    Returns:
        The narrower range; 0 stays in it.
    """
    total = counts.sum()
    if total == 0:
        return low, high
    edges = np.linspace(low, high, len(counts) + 1)
    share = np.cumsum(counts) / total
    first = int(np.searchsorted(share, CUT_SHARE, side="right"))
    last = int(np.searchsorted(share, 1.0 - CUT_SHARE, side="left"))
    return min(float(edges[first]), 0.0), max(float(edges[last + 1]), 0.0)


def least_error(counts: np.ndarray, low: float, high: float) -> Range:
    """Choose the share of the range whose 255 steps reproduce the values with the least squared error.

    Args:
        counts: (BINS,) histogram of values between `low` and `high`.
        low: smallest value, at most 0.
        high: largest value, at least 0.

    Returns:
        `low` and `high`, both times the same factor between 0.3 and 1.
    """
    if counts.sum() == 0:
        return low, high
    edges = np.linspace(low, high, len(counts) + 1)
    centres = (edges[:-1] + edges[1:]) / 2.0
    errors = []
    for factor in _SHRINKS:
        step = (high - low) * factor / _LEVELS
        kept = np.clip(centres, low * factor, high * factor)
        inside = kept == centres
        errors.append(float(np.sum(counts * np.where(inside, step * step / 12.0, (centres - kept) ** 2))))
    best = float(_SHRINKS[int(np.argmin(errors))])
    return low * best, high * best
