"""Biases that both int32 and half precision hold: what TFLite has and what a Core ML package stores are then one number.

TFLite rounds a bias to int32 in steps of (input's step × weight's step), a package rounds it to 11 bits; the two differ by half
of the finer one, which is up to a hundredth of an output's step. Near every bias there are values that hardly differ. It is
moved to one, as it stands in a file, with batch normalisation folded in, after everything else is settled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras

from edgetl.nn.bias_room import fold
from edgetl.nn.quantizers import KernelQuantizer

_REACH = 64
"""Values that are tried to either side, of int32 and of half precision."""
_PATIENCE = 512
"""A bias is moved this much further for a difference that is smaller by one part. (What is moved is moved in every format.)"""
_LEVELS = 127
WEIGHTED = tf_keras.layers.Conv2D | tf_keras.layers.DepthwiseConv2D | tf_keras.layers.Dense


def follow_folds(quantized: tf_keras.Model) -> None:
    """Tell every kernel's quantizer what batch normalisation, which learns too, now multiplies its channels by.

    Args:
        quantized: what `fake_quant.quantize_model` made.
    """
    for wrapper in quantized.layers:
        for _, quantizer, _ in getattr(wrapper, "_weight_vars", ()):
            if isinstance(quantizer, KernelQuantizer):
                factor = np.abs(fold(wrapper.layer, _normalisation(wrapper, quantized))[0])
                quantizer.fold = np.where(factor > 0.0, factor, 1.0).astype(np.float32)


def round_biases(quantized: tf_keras.Model) -> None:
    """Move every bias to where int32 and half precision agree, in place; layers that stay in float keep theirs.

    Args:
        quantized: what `fake_quant.quantize_model` made, calibrated.
    """
    for wrapper in quantized.layers:
        layer = getattr(wrapper, "layer", None)
        kernels = getattr(wrapper, "_weight_vars", ())
        if not isinstance(layer, WEIGHTED):
            continue
        norm = _normalisation(wrapper, quantized)
        factor, bias = fold(layer, norm)
        steps = [_step(quantizer, variables) for _, quantizer, variables in kernels if hasattr(quantizer, "source_step")]
        if not steps or (norm is None and not layer.use_bias):
            continue
        shift = (settled(bias, steps[0]) - bias).astype(np.float32)
        if norm is not None and norm.center:
            norm.beta.assign_add(shift)
        elif layer.use_bias:
            layer.bias.assign_add(shift / factor)
        else:
            norm.moving_mean.assign_sub(shift / factor)


def settled(bias: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Find, near each bias, a multiple of its int32 step that half precision hardly changes.

    Args:
        bias: (channels,).
        step: (channels,), the input's times the weight's; 0 for a channel of zeros, whose bias is rounded to half precision only.

    Returns:
        float64 (channels,); as it was where half precision cannot hold anything as large.
    """
    near = np.arange(-_REACH, _REACH + 1)[:, None]
    bias, step = bias.astype(np.float64)[None], np.broadcast_to(step, bias.shape).astype(np.float64)[None]
    _, exponent = np.frexp(np.maximum(np.abs(bias), 2.0**-14))
    spacing = np.ldexp(1.0, exponent - 11)
    halves = (np.rint(bias / spacing) + near) * spacing
    step = np.where(step > 0.0, step, spacing)
    values = np.rint(np.concatenate([bias + near * step, halves]) / step) * step
    with np.errstate(over="ignore"):
        apart = np.abs(values.astype(np.float16).astype(np.float64) - values)
    cost = apart + np.abs(values - bias) / _PATIENCE
    best = np.argmin(cost, axis=0)[None]
    found = np.take_along_axis(values, best, axis=0)
    kept: np.ndarray = np.where(np.isfinite(np.take_along_axis(cost, best, axis=0)), found, bias)[0]
    return kept


def _step(quantizer: Any, variables: dict[str, Any]) -> np.ndarray:
    """Of a layer's int32 bias."""
    largest = variables["max_var"].numpy().astype(np.float64)
    return np.asarray(largest * quantizer.fold * (quantizer.source_step / _LEVELS))


def _normalisation(wrapper: Any, quantized: tf_keras.Model) -> Any:
    """The batch normalisation that alone reads a layer; None when there is none."""
    followers = [node.layer for node in wrapper.outbound_nodes if node.layer in quantized.layers]
    found = getattr(followers[0], "layer", None) if len(followers) == 1 else None
    return found if isinstance(found, tf_keras.layers.BatchNormalization) else None
