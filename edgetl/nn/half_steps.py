"""Steps that half precision holds exactly, so that a Core ML package, which stores its scales so, is on the very grid of TFLite.

A scale that is rounded to half precision is off by up to 2^-11, and with it everything on its grid: a value of 127 steps by a
sixteenth of a step, which sends one value in ten to its neighbour, layer after layer (measured: int8 packages named 95 to 99 % of
images as their TFLite file did, and all of them with scales in single precision). So the grid is chosen among those whose step
has 11 significant bits, a range at most 2^-10 wider, before anything is trained or written; every format then has the same.

Source: IEEE 754-2008, binary16: 11 significant bits; from 2^-14 on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

STEPS = 255
_BITS = 11
_FLOAT32 = 2e-7
"""What is less than this share above a number of 11 bits is that number, as computed in float32."""
_DROPPED = 2**13 - 1
"""The 13 bits that a float32 has more than a number of half precision."""

Range = tuple[float, float]


def up(step: float) -> float:
    """Find the next step that half precision can hold.

    Args:
        step: above zero.

    Returns:
        The smallest number of 11 significant bits that is not below it, save for the error of float32.
    """
    mantissa, exponent = np.frexp(float(step))
    return float(np.ldexp(np.ceil(mantissa * (1.0 - _FLOAT32) * 2**_BITS), int(exponent) - _BITS))


def up_tensor(steps: Any) -> Any:
    """`up` of a float32 tensor of positive steps, in TensorFlow."""
    bits = tf.bitcast(steps * (1.0 - _FLOAT32), tf.int32)
    return tf.bitcast(tf.bitwise.bitwise_and(bits + _DROPPED, ~_DROPPED), tf.float32)


def widened(limits: Range, most: float = 0.0) -> Iterator[Range]:
    """Go through the ranges of half-precision steps, from the narrowest on that is not below a range.

    Args:
        limits: low <= 0 <= high, not both 0.
        most: go on up to this share more than the range.

    Yields:
        Ranges with the zero point of the given one, rounded to an integer; one at least.
    """
    least = (limits[1] - limits[0]) / STEPS
    zero, step = round(-limits[0] / least), up(least)
    while True:
        yield -zero * step, (STEPS - zero) * step
        step = up(step * (1.0 + 2.0**-12))
        if step > least * (1.0 + most):
            return


def on_half(limits: Range) -> Range:
    """The narrowest range of a half-precision step that is as wide as another, with an integer zero point."""
    return next(widened(limits))


def of_bytes(limits: Range) -> Range:
    """The range of a half-precision step next to that of an input made of bytes, wider or narrower.

    Args:
        limits: value of byte 0 and of byte 255.

    Returns:
        A range with the same zero point. It is off by at most 2^-11, a sixteenth of a step at either end, so that every byte
        keeps its integer.
    """
    step = (limits[1] - limits[0]) / STEPS
    mantissa, exponent = np.frexp(step)
    factor = float(np.ldexp(np.rint(mantissa * 2**_BITS), int(exponent) - _BITS)) / step
    return limits[0] * factor, limits[1] * factor
