"""How small the range of a channel's weights may be, so that its bias still fits into 32 bits.

A runtime holds the bias as int32 in steps of (input's step × weight's step). Networks trained on ImageNet have dead channels:
weights of 1e-20 beside a bias of 1. On their own range such a bias would need more than 32 bits; converters cut it off and
say nothing. On a range as small as their bias allows, the weights round to zero, which they are as good as.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras

from edgetl.nn.ranges import Range
from edgetl.nn.shared_scales import grid_of

_ROOM = 2.0**30
"""Half of int32: bias correction and training may still move the bias."""
_LEVELS, _STEPS = 127, 255
_LEAST_FOLD = 1e-8
"""Smallest factor of batch normalisation that is kept apart from zero."""


def least_ranges(model: tf_keras.Model, ranges: dict[str, Range], input_range: Range) -> dict[str, np.ndarray]:
    """Compute the smallest range of each channel of each kernel.

    Args:
        model: the float network.
        ranges: layer name → range of its output, of the layers whose output is quantized.
        input_range: of the network's input.

    Returns:
        Name of a convolution → float32 (channels,), in the unit of its weights before batch normalisation is folded in.
    """
    found = {}
    for layer in model.layers:
        if not isinstance(layer, tf_keras.layers.Conv2D | tf_keras.layers.DepthwiseConv2D):
            continue
        low, high = ranges.get(grid_of(layer.input, ranges) or "", input_range)
        factor, shift = _fold(model, layer)
        step = np.abs(shift) / (_ROOM * np.maximum(np.abs(factor), _LEAST_FOLD) * (high - low) / _STEPS)
        found[layer.name] = (_LEVELS * step).astype(np.float32)
    return found


def revive(normalisation: Any) -> None:
    """Keep the factors of a batch normalisation apart from zero, in place: a kernel of zeros would have no range at all."""
    gamma, variance = normalisation.gamma.numpy(), normalisation.moving_variance.numpy()
    least = _LEAST_FOLD * np.sqrt(variance + normalisation.epsilon)
    normalisation.gamma.assign(np.where(np.abs(gamma) < least, np.where(gamma < 0.0, -least, least), gamma))


def fold(layer: Any, norm: Any) -> tuple[np.ndarray, np.ndarray]:
    """What batch normalisation multiplies a layer's channels by, and the bias that remains.

    Args:
        layer: with a kernel; built.
        norm: the batch normalisation that follows it, or None.

    Returns:
        float32 (channels,) each, or (1,) where all are alike.
    """
    bias = layer.bias.numpy() if layer.use_bias else np.zeros(1, np.float32)
    if norm is None:
        return np.ones(1, np.float32), bias
    gamma = norm.gamma.numpy() if norm.scale else np.float32(1.0)
    beta = norm.beta.numpy() if norm.center else np.float32(0.0)
    factor = gamma / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    return factor, beta + (bias - norm.moving_mean.numpy()) * factor


def _fold(model: tf_keras.Model, layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """What batch normalisation multiplies a convolution's channels by, and the bias that remains."""
    followers = [node.layer for node in layer.outbound_nodes if node.layer in model.layers]
    alone = len(followers) == 1 and isinstance(followers[0], tf_keras.layers.BatchNormalization)
    return fold(layer, followers[0] if alone else None)
