"""EfficientNet's body, which classifiers and detectors share."""

from __future__ import annotations

import math

from edgetl.networks._base import Drawing, Shape, divisible

_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, blocks, stride of the first, kernel."""


def body(net: Drawing, width: float, depth: float, lite: bool) -> list[Shape]:
    """Draw all before the head; returns the shape at the end of each stage."""
    act = "relu" if lite else "swish"
    ends = []
    net.conv(32 if lite else divisible(32 * width), 3, 2, act=act)
    for stage, (expansion, channels, blocks, first, kernel) in enumerate(_STAGES):
        edge = stage in (0, len(_STAGES) - 1)
        for block in range(blocks if lite and edge else math.ceil(blocks * depth)):
            entering, stride, leaving = net.shape[2], first if block == 0 else 1, divisible(channels * width)
            if expansion > 1:
                net.conv(entering * expansion, act=act)
            net.depthwise(kernel, stride, act=act)
            if not lite:
                net.squeeze_excite(max(1, entering // 4), act="swish")
            net.conv(leaving)
            if stride == 1 and leaving == entering and block:
                net.combine()
        ends.append(net.shape)
    return ends
