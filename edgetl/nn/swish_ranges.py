"""Ranges for hard-swish outputs with which LiteRT's fixed-point kernel and exact rounding give the same 256 values.

LiteRT computes hard-swish with 16-bit multipliers that are a little too small, so a value just above a half is rounded down
where float arithmetic (onnxruntime, Core ML) rounds up. Which of the 256 inputs are hit depends on the two steps alone; a
range wider by a percent or two is almost always one where none is.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import tf_keras

from edgetl.nn.half_steps import widened
from edgetl.nn.layers import HardSwish
from edgetl.nn.ranges import Range
from edgetl.nn.shared_scales import grid_of

_STEPS = 255
_WIDENING = 0.06
_MARGIN = 2e-4
"""Distance from a half, in output steps, that float32 arithmetic needs."""


def settle_swishes(
    model: tf_keras.Model, ranges: dict[str, Range], input_range: Range, floats: Collection[str] = ()
) -> dict[str, Range]:
    """Widen the output range of each hard-swish until every runtime computes the same.

    Args:
        model: the float network.
        ranges: layer name → range, of the layers whose output is quantized.
        input_range: of the network's input.
        floats: names of the layers that compute in float; they round nothing.

    Returns:
        The same layers. A swish for which no widening up to 6 % helps keeps its range.
    """
    settled = dict(ranges)
    for layer in model.layers:
        if not isinstance(layer, HardSwish) or layer.name not in ranges or layer.name in floats:
            continue
        source = settled.get(grid_of(layer.input, settled) or "", input_range)
        for limits in widened(ranges[layer.name], _WIDENING):
            if agrees(*_grid(source), *_grid(limits)):
                settled[layer.name] = limits
                break
    return settled


def agrees(step: float, zero: int, out_step: float, out_zero: int) -> bool:
    """Whether LiteRT's kernel and exact rounding give the same for all 256 inputs, none of them near a half.

    Args:
        step: of the input.
        zero: its int8 zero point.
        out_step: of the output.
        out_zero: its int8 zero point.

    Returns:
        True when they do.
    """
    real = (np.arange(-128, 128) - zero) * step
    exact = real * np.clip(real + 3.0, 0.0, 6.0) / 6.0 / out_step
    inside = (exact + out_zero > -128.4) & (exact + out_zero < 127.4)
    if np.any(np.abs(exact - np.floor(exact) - 0.5)[inside] < _MARGIN):
        return False
    rounded = np.clip(np.rint(exact) + out_zero, -128, 127).astype(np.int64)
    return bool(np.array_equal(rounded, fixed_point(step, zero, out_step, out_zero)))


def fixed_point(step: float, zero: int, out_step: float, out_zero: int) -> np.ndarray:
    """Compute hard-swish of all 256 int8 inputs as LiteRT does.

    Args:
        step: of the input.
        zero: its int8 zero point.
        out_step: of the output.
        out_zero: its int8 zero point.

    Returns:
        int64 (256,), the outputs of -128 to 127.

    Source: TensorFlow Lite, kernels/internal/reference/hard_swish.h and kernels/activations.cc (HardSwishPrepare): inputs are
    scaled up by 128, both multipliers kept to 16 bits.
    """
    value = (np.arange(-128, 128, dtype=np.int64) - zero) << 7
    fine = step / 128.0
    out_multiplier, out_exponent = _multiplier(fine / out_step)
    gate_multiplier, gate_exponent = _multiplier(fine / (3.0 / 32768.0))
    on_output = _rounding_high(value, out_multiplier)
    gate = value
    if gate_exponent > 0:
        gate = _saturate(gate << (gate_exponent - 1))
    gate = _rounding_high(gate, gate_multiplier)
    if gate_exponent > 0:
        gate = _saturate(gate << 1)
    if gate_exponent < 0:
        gate = _divide(gate, -gate_exponent)
    gate = (gate + (1 << 15)) >> 1
    product = gate * on_output
    output = np.sign(product) * (np.abs(product) >> 15)  # SaturatingDoublingHighMul: towards zero
    result: np.ndarray = np.clip(_divide(output, -out_exponent) + out_zero, -128, 127)
    return result


def _grid(limits: Range) -> tuple[float, int]:
    """Step and int8 zero point of a range."""
    step = (limits[1] - limits[0]) / _STEPS
    return step, round(-128 - limits[0] / step)


def _multiplier(value: float) -> tuple[int, int]:
    """A positive factor as 16-bit fixed point and a power of two (QuantizeMultiplier, then DownScaleInt32ToInt16Multiplier)."""
    mantissa, exponent = np.frexp(value)
    whole = round(float(mantissa) * 2**31)
    if whole == 2**31:
        whole, exponent = whole // 2, exponent + 1
    return (2**15 - 1 if whole >= 2**31 - 2**15 else (whole + 2**15) >> 16), int(exponent)


def _saturate(values: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(values, -(2**15), 2**15 - 1)
    return clipped


def _rounding_high(values: np.ndarray, factor: int) -> np.ndarray:
    """As gemmlowp's SaturatingRoundingDoublingHighMul for 16 bits: values * factor / 2^15, halves away from zero."""
    product = values * factor
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    rounded: np.ndarray = np.sign(nudged) * (np.abs(nudged) >> 15)
    return rounded


def _divide(values: np.ndarray, exponent: int) -> np.ndarray:
    """As gemmlowp's RoundingDivideByPOT: values / 2^exponent, halves away from zero."""
    if exponent <= 0:
        return values << -exponent
    mask = (1 << exponent) - 1
    remainder, threshold = values & mask, (mask >> 1) + (values < 0)
    return (values >> exponent) + (remainder > threshold)
