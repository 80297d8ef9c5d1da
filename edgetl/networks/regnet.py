"""RegNet's layers, X and Y."""

from __future__ import annotations

import math

from edgetl.networks._base import Drawing, divisible

TITLE = "Residual networks whose widths follow a line: X, and Y with squeeze-and-excite."
PAPER = "Radosavovic et al., Designing Network Design Spaces, 2020, arXiv:2003.13678; figures as torchvision's regnet.py"

_LINES = {
    "y_400mf": (16, 48, 27.89, 2.09, 8), "y_800mf": (14, 56, 38.84, 2.4, 16), "y_1_6gf": (27, 48, 20.71, 2.65, 24),
    "y_3_2gf": (21, 80, 42.63, 2.66, 24), "y_8gf": (17, 192, 76.82, 2.19, 56), "x_400mf": (22, 24, 24.48, 2.54, 16),
    "x_800mf": (16, 56, 35.73, 2.28, 16), "x_1_6gf": (18, 80, 34.01, 2.25, 24), "x_3_2gf": (25, 88, 26.31, 2.25, 48),
    "x_8gf": (23, 80, 49.56, 2.88, 120),
}  # fmt: skip
"""Depth, first width, slope, step between widths, channels of a group."""
_MEMBERS = {**{f"regnet_{line}": line for line in _LINES}, "regnety_400m": "y_400mf"}
MODELS = dict.fromkeys(_MEMBERS, 224)
WIDTHS: dict[str, tuple[float, ...]] = {}


def _widths(depth: int, first: int, slope: float, step: float, group: int) -> list[tuple[int, int]]:
    """Channels of each block and of its groups: the line, rounded to powers of the step, then to groups as torchvision rounds."""
    found = []
    for block in range(depth):
        power = round(math.log((first + slope * block) / first) / math.log(step))
        width = round(first * step**power / 8) * 8
        size = min(group, width)
        found.append((divisible(width, size), size))
    return found


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    line = _MEMBERS[model]
    net = Drawing(px)
    net.conv(32, 3, 2)
    previous = 0
    for channels, group in _widths(*_LINES[line]):
        start, stride = net.shape, 1 if channels == previous else 2
        net.conv(channels)
        net.conv(channels, 3, stride, groups=channels // group)
        if line.startswith("y"):
            net.squeeze_excite(round(start[2] / 4))
        net.conv(channels)
        end = net.shape
        if end != start:
            net.shape = start
            net.conv(channels, 1, stride)
        net.combine()
        previous = channels
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net
