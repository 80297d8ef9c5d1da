"""MobileViT's layers, version 1 and 2."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import branched, inverted_residual, linear, transformer

TITLE = "Inverted residuals with transformers between: xxs, xs, small; v2 with attention of linear cost."
PAPER = "Mehta and Rastegari, 2021, arXiv:2110.02178; 2022, arXiv:2206.02680 (v2); apple/ml-cvnets"

_FIRST: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], int]] = {
    "xx_small": (2, (16, 16, 24, 48, 64, 80), (64, 80, 96), 320),
    "x_small": (4, (16, 32, 48, 64, 80, 96), (96, 120, 144), 384),
    "small": (4, (16, 32, 64, 96, 128, 160), (144, 192, 240), 640),
}
"""Expansion, channels of each stage, channels of the transformers, channels before the classifier."""
_SECOND = {f"v2_{width:g}" if width != int(width) else f"v2_{width:.1f}": width for width in (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)}
MODELS = {f"mobilevit_{member}": 256 for member in (*_FIRST, *_SECOND)}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    member = model.removeprefix("mobilevit_")
    net = Drawing(px)
    if member in _FIRST:
        expansion, channels, inside, last = _FIRST[member]
    else:
        width = _SECOND[member]
        expansion, last = 2, 0
        channels = tuple(int(width * c) for c in (32, 64, 128, 256, 384, 512))
        inside = tuple(int(width * c) for c in (128, 192, 256))
    net.conv(channels[0], 3, 2, act="swish")
    _mobile(net, channels[1], expansion, 1)
    for block in range(2 if not last else 3):
        _mobile(net, channels[2], expansion, 1 if block else 2)
    for leaving, within, layers in zip(channels[3:], inside, (2, 4, 3), strict=True):
        _mobile(net, leaving, expansion, 2)
        (_attend if last else _attend_linear)(net, within, layers)
    if last:
        net.conv(last, act="swish")
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _mobile(net: Drawing, channels: int, expansion: int, stride: int) -> None:
    inverted_residual(net, channels, within=expansion * net.shape[2], stride=stride, act="swish")


def _attend(net: Drawing, within: int, layers: int) -> None:
    """Each place of a 2x2 patch attends to the same place of the others; an odd picture is resized to even."""
    start = net.shape
    channels = start[2]

    def mixed() -> None:
        net.conv(channels, 3, act="swish")
        net.conv(within)
        height, width, _ = net.shape
        even = (height + height % 2, width + width % 2, within)
        net.move(even)
        for _ in range(layers):
            transformer(net, 4, 2 * within, window=even[0] * even[1] // 4, act="swish")
        net.norm()
        net.move((height, width, within))
        net.conv(channels, act="swish")

    branched(net, lambda: None, mixed)
    net.conv(channels, 3, act="swish")


def _attend_linear(net: Drawing, within: int, layers: int) -> None:
    """Version 2: one score for each place; the keys weighted by it make one vector for all places of a kind."""
    channels = net.shape[2]
    net.depthwise(3, act="swish")
    net.conv(within)
    height, width, _ = net.shape
    net.move((height + height % 2, width + width % 2, within))
    places = net.shape[:2]
    for _ in range(layers):
        net.norm()
        linear(net, 1 + 2 * within)
        net.shape = (*places, 1)
        net.activate("softmax")
        net.shape = (*places, within)
        net.scale()
        net.pool(max(places), 1)
        net.combine()
        linear(net, within)
        net.combine()
        net.norm()
        linear(net, 2 * within, "swish")
        linear(net, within)
        net.combine()
    net.norm()
    net.move((height, width, within))
    net.conv(channels)
