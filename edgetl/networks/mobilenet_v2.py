"""MobileNetV2's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible

TITLE = "Inverted residuals; any width."
PAPER = "Sandler et al., MobileNetV2, 2018, arXiv:1801.04381; widths as TF-slim mobilenet_v2.py rounds them"
MODELS = {"mobilenet_v2": 224, "torchvision_mobilenet_v2": 224}
WIDTHS: dict[str, tuple[float, ...]] = {"mobilenet_v2": ()}

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks, stride of the first."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(divisible(32 * alpha), 3, 2)
    for expansion, channels, blocks, first in _STAGES:
        for block in range(blocks):
            entering, stride, leaving = net.shape[2], first if block == 0 else 1, divisible(channels * alpha)
            if expansion > 1:
                net.conv(entering * expansion)
            net.depthwise(3, stride)
            net.conv(leaving)
            if stride == 1 and leaving == entering and block:
                net.combine()
    net.conv(divisible(1280 * max(1.0, alpha)))
    net.global_pool()
    net.dense(1001)
    net.activate("softmax")
    return net
