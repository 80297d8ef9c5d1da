"""EfficientFormerV2's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import scaled_shortcut, two_heads

TITLE = "Inverted residuals, attention with local values in the last two stages: s0, s1, s2, l."
PAPER = (
    "Li et al., Rethinking Vision Transformers for MobileNet Size and Speed, 2022, arXiv:2212.08059; timm's efficientformer_v2.py"
)

_SIZES = {
    "s0": ((32, 48, 96, 176), (2, 2, 6, 4), 2, ("433344", "4334")),
    "s1": ((32, 48, 120, 224), (3, 3, 9, 6), 2, ("443333444", "443344")),
    "s2": ((32, 64, 144, 288), (4, 4, 12, 8), 4, ("443333334444", "44333344")),
    "l": ((40, 80, 192, 384), (5, 5, 15, 10), 6, ("444433333334444", "4443333444")),
}
"""Channels and blocks of each stage, blocks that attend, expansion of each block of the last two stages (else 4)."""
MODELS = {f"efficientformerv2_{size}": 224 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    widths, depths, attending, late = _SIZES[model.removeprefix("efficientformerv2_")]
    net = Drawing(px)
    net.conv(widths[0] // 2, 3, 2, act="gelu")
    net.conv(widths[0], 3, 2, act="gelu")
    for stage, (channels, blocks) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            start = net.shape
            net.conv(channels, 3, 2)
            if stage == 3:
                net.shape = start
                _attend(net, channels, key=16, queries=2)
                net.combine()
        for block in range(blocks):
            if stage > 1 and block >= blocks - attending:
                _attend(net, channels, key=32, strided=stage == 2)
                scaled_shortcut(net)
            within = channels * (int(late[stage - 2][block]) if stage > 1 else 4)
            net.conv(within, act="gelu")
            net.depthwise(3, act="gelu")
            net.conv(channels)
            scaled_shortcut(net)
    net.global_pool()
    two_heads(net)
    return net


def _attend(net: Drawing, leaving: int, *, key: int, queries: int = 1, strided: bool = False) -> None:
    """Eight heads. `queries` 2: from every second place; `strided`: all at half the size, and back; else heads are mixed."""
    start = net.shape
    if strided:
        net.depthwise(3, 2)
    height, width, channels = net.shape
    heads, value = 8, 8 * 4 * key
    places = height * width
    if queries == 2:
        net.pool(1, 2)
        net.shape = (height, width, channels)
        net.depthwise(3, 2)
        net.combine()
    net.conv(heads * key)
    asked = net.shape[:2]
    asking = asked[0] * asked[1]
    for units in (heads * key, value):
        net.shape = (height, width, channels)
        net.conv(units)
    net.depthwise(3, queries)
    net.move()
    net.matmul(asking * places * heads * key, (asking, places, heads), reads=(asking + places) * heads * key)
    net.add_constant(heads * asking * places)
    if queries == 1:
        net.conv(heads)
    net.activate("softmax")
    if queries == 1:
        net.conv(heads)
    net.matmul(asking * places * value, (*asked, value), reads=heads * asking * places + places * value)
    net.move()
    net.combine()
    if strided:
        net.move((*start[:2], value))
    net.activate("gelu")
    net.conv(leaving)
