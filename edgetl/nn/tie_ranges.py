"""Ranges with which no product of two values and no mean comes out on a half, where runtimes part.

LiteRT and onnxruntime compute both alike: an integer (a · b, or the sum of a channel) times one float32 ratio of scales, rounded
to the nearest. They take the ratio's factors in another order, so it may differ in its last digit, and an integer whose
multiple falls on a half goes up in one and down in the other. Where a gate is wide open, output and input have nearly the same
step: the ratio is then 1/256 and every 256th product is such a half (measured: 9 % of the values behind one gate of
EfficientNet-B0). LiteRT's mean also takes the zero points away after rounding to float32, which costs it some digits more.
A range wider by a thousandth is almost always free of such halves; only means over very many places can keep a few.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import tf_keras

from edgetl.nn.half_steps import widened
from edgetl.nn.ranges import Range
from edgetl.nn.shared_scales import grid_of, shared_grids

_STEPS = 255
_WIDENING = 0.02
_INPUT_WIDENING = 0.01
_INPUT_MARGIN = 1e-3
"""Distance of a byte from a half, in steps, that is a thousand times what float32 arithmetic needs."""
_PRECISION = 6e-7
"""Relative error of a value in steps: of three float32 scales, their quotient and the product, each half of 2^-23."""
_MEAN_PRECISION = 2.0**-23
"""Error of LiteRT's mean, as a share of the zero point in steps of the output (measured: up to 0.97e-7, LiteRT 2 on x86)."""


def settle_ties(
    model: tf_keras.Model, ranges: dict[str, Range], input_range: Range, floats: Collection[str] = ()
) -> dict[str, Range]:
    """Widen the output ranges of products and of means over a whole image until no result is near a half.

    Args:
        model: the float network.
        ranges: layer name → range, of the layers whose output is quantized.
        input_range: of the network's input.
        floats: names of the layers that compute in float; they round nothing.

    Returns:
        The same layers. What meets in an addition or a concatenation keeps its range, whose step others share; where no
        widening up to 2 % is free of halves, the one with the fewest is taken.
    """
    settled, kept = dict(ranges), shared_grids(model, ranges, floats)
    for layer in model.layers:
        if layer.name not in ranges or layer.name in kept or layer.name in floats:
            continue
        if isinstance(layer, tf_keras.layers.Multiply) and len(layer.input) == 2:
            (step, zero), (other, other_zero) = (_grid(_source(t, settled, input_range)) for t in layer.input)
            levels = (np.abs(np.arange(-128, 128) - z) for z in (zero, other_zero))
            integers, real, slack = np.unique(np.multiply.outer(*levels)), step * other, 0.0
        elif isinstance(layer, tf_keras.layers.GlobalAveragePooling2D):
            places = int(np.prod(layer.input.shape[1:3]))
            step, zero = _grid(_source(layer.input, settled, input_range))
            integers, real, slack = np.arange(_STEPS * places + 1), step / places, _MEAN_PRECISION * abs(zero) * step
        else:
            continue
        settled[layer.name] = _widened(ranges[layer.name], integers, real, slack)
    return settled


def settle_input(mean: float, std: float, *, whole: bool = False) -> Range:
    """Range of an input made of bytes, (byte - mean) / std, with which no byte is near a half.

    With a whole number as mean, each byte is an integer of the grid. With another, 127.5 above all, every byte would be a half:
    steps a few thousandths wider leave none.

    Args:
        mean: in bytes, 0 to 255.
        std: in bytes.
        whole: the file takes bytes as its integers, so that the mean is taken as the next whole number.

    Returns:
        Range of the input tensor; zero is on its grid.
    """
    pixels = np.arange(256)
    if whole or float(mean).is_integer():
        centre = round(mean)
        return -centre / std, (255 - centre) / std
    for low, high in widened((0.0, _STEPS / std), _INPUT_WIDENING):
        step = (high - low) / _STEPS
        levels = (pixels - mean) / std / step
        lowest, highest = round(float(levels[0])), round(float(levels[-1]))
        if highest - lowest <= _STEPS and np.abs(levels - np.floor(levels) - 0.5).min() >= _INPUT_MARGIN:
            return lowest * step, (lowest + _STEPS) * step
    return (0.0 - mean) / std, (255.0 - mean) / std


def _widened(limits: Range, integers: np.ndarray, real: float, slack: float = 0.0) -> Range:
    """Take the least widening without a tie; `real` is the value of one of the integers, `slack` an error of every value."""
    least, best, fewest = _grid(limits)[0], limits, len(integers) + 1
    integers = integers[integers * real <= (_STEPS + 1) * least * (1.0 + _WIDENING)]
    for candidate in widened(limits, _WIDENING):
        found = ties(integers, real / _grid(candidate)[0], slack / least)
        if found < fewest:
            best, fewest = candidate, found
        if not found:
            break
    return best


def ties(integers: np.ndarray, ratio: float, slack: float = 0.0) -> int:
    """Count the results that float32 arithmetic may round up or down.

    Args:
        integers: what is multiplied, none negative (a negative one comes out as its opposite does).
        ratio: value of one of them in steps of the output.
        slack: error of every value beside that of float32, in steps of the output.

    Returns:
        How many of those that fit into 8 bits come out nearer to a half than the runtimes can tell.
    """
    values = integers[integers * ratio <= _STEPS + 1] * ratio
    return int(np.sum(np.abs(values - np.floor(values) - 0.5) <= values * _PRECISION + slack))


def _source(tensor: object, ranges: dict[str, Range], input_range: Range) -> Range:
    return ranges.get(grid_of(tensor, ranges) or "", input_range)


def _grid(limits: Range) -> tuple[float, int]:
    """Step and int8 zero point of a range."""
    step = (limits[1] - limits[0]) / _STEPS
    return step, round(-128 - limits[0] / step)
