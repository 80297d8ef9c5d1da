"""GhostNet's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import branched

TITLE = "Half of the channels are made from the other half by depthwise convolutions; any width."
PAPER = "Han et al., GhostNet, 2019, arXiv:1911.11907; PaddleClas ghostnet.py"
MODELS = {"ghostnet": 224}
WIDTHS: dict[str, tuple[float, ...]] = {"ghostnet": ()}

_BLOCKS = (
    (3, 16, 16, 0, 1), (3, 48, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 1, 2), (5, 120, 40, 1, 1), (3, 240, 80, 0, 2),
    (3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 1, 1), (3, 672, 112, 1, 1), (5, 672, 160, 1, 2),
    (5, 960, 160, 0, 1), (5, 960, 160, 1, 1), (5, 960, 160, 0, 1), (5, 960, 160, 1, 1),
)  # fmt: skip
"""Kernel, channels within, channels out, squeeze-and-excite, stride."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(divisible(16 * alpha, 4), 3, 2)
    for kernel, within, channels, excite, stride in _BLOCKS:
        start = net.shape
        _ghost(net, divisible(within * alpha, 4))
        if stride == 2:
            net.depthwise(kernel, 2)
        if excite:
            net.squeeze_excite(net.shape[2] // 4, gate="clip")
        _ghost(net, divisible(channels * alpha, 4))
        end = net.shape
        if end != start:
            net.shape = start
            net.depthwise(kernel, stride)
            net.conv(end[2])
        net.combine()
    net.conv(divisible(960 * alpha, 4))
    net.global_pool()
    net.conv(1280)
    net.dense(1000)
    net.activate("softmax")
    return net


def _ghost(net: Drawing, channels: int) -> None:
    net.conv(-(-channels // 2))
    branched(net, lambda: None, lambda: net.depthwise(3))
