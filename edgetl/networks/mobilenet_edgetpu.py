"""MobileNetEdgeTPU's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import fused_residual, inverted_residual

TITLE = "Full convolutions in the first stages, for accelerators; any width."
PAPER = "Howard and Gupta, Introducing the Next Generation of On-Device Vision Models, 2019; TF-slim's mobilenet_v3.py"
MODELS = {"mobilenet_edgetpu": 224}
WIDTHS: dict[str, tuple[float, ...]] = {"mobilenet_edgetpu": ()}

_STAGES = ((32, 3, 2, 4, 1), (48, 3, 2, 4, 1), (96, 3, 2, 4, 0), (96, 3, 1, 4, 0), (160, 5, 2, 4, 0), (192, 3, 1, 1, 0))
"""Channels, kernel, stride of the first, blocks, whether with full convolutions. The first expands by 8, the others by 4."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(divisible(32 * alpha), 3, 2)
    net.conv(divisible(16 * alpha))
    for channels, kernel, first, blocks, fused in _STAGES:
        for block in range(blocks):
            leaving, stride, within = divisible(channels * alpha), 1 if block else first, net.shape[2] * (4 if block else 8)
            if fused:
                fused_residual(net, leaving, within=within, kernel=kernel, stride=stride)
            else:
                inverted_residual(net, leaving, within=within, kernel=kernel, stride=stride, add=block > 0)
    net.conv(1280)
    net.global_pool()
    net.dense(1001)
    net.activate("softmax")
    return net
