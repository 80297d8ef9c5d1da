"""SwiftFormer's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import linear, scaled_shortcut, two_heads

TITLE = "Convolutions, and in each stage one attention of linear cost: xs, s, l1, l3."
PAPER = "Shaker et al., SwiftFormer, 2023, arXiv:2303.15446; Amshaker/SwiftFormer"

_SIZES = {
    "xs": ((48, 56, 112, 220), (3, 3, 6, 4)),
    "s": ((48, 64, 168, 224), (3, 3, 9, 6)),
    "l1": ((48, 96, 192, 384), (4, 3, 10, 5)),
    "l3": ((64, 128, 320, 512), (4, 4, 12, 6)),
}
"""Channels and blocks of each stage; the last block attends."""
MODELS = {f"swiftformer_{size}": 224 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    widths, depths = _SIZES[model.removeprefix("swiftformer_")]
    net = Drawing(px)
    net.conv(widths[0] // 2, 3, 2)
    for channels, blocks in zip(widths, depths, strict=True):
        net.conv(channels, 3, 2)
        for block in range(blocks):
            last = block == blocks - 1
            net.depthwise(3)
            net.conv(channels * (1 if last else 4), act="gelu")
            net.conv(channels)
            scaled_shortcut(net)
            if last:
                _attend(net)
                scaled_shortcut(net)
                net.conv(4 * channels, act="gelu")
                net.conv(channels)
                scaled_shortcut(net)
    net.global_pool()
    two_heads(net)
    return net


def _attend(net: Drawing) -> None:
    """Queries, weighed by one learned vector, make one query for the whole picture, which multiplies all keys."""
    shape = net.shape
    linear(net, shape[2])
    net.combine(others=0)
    net.shape = shape
    linear(net, shape[2])
    net.combine(others=0)
    net.scale()
    net.global_pool()
    net.shape = shape
    net.scale()
    linear(net, shape[2])
    net.combine()
    linear(net, shape[2])
