"""LeViT's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import attention, linear, two_heads

TITLE = "Convolutions, then attention on ever fewer places: 128S, 128, 192, 256."
PAPER = "Graham et al., LeViT, 2021, arXiv:2104.01136; facebookresearch/LeViT; biases of attention written out"

_SIZES = {
    "128s": ((128, 256, 384), (2, 3, 4), (4, 6, 8), 16),
    "128": ((128, 256, 384), (4, 4, 4), (4, 8, 12), 16),
    "192": ((192, 288, 384), (4, 4, 4), (3, 5, 6), 32),
    "256": ((256, 384, 512), (4, 4, 4), (4, 6, 8), 32),
}
"""Channels, blocks, heads of each stage; channels of a key."""
MODELS = {f"levit_{size}": 224 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    widths, depths, heads, key = _SIZES[model.removeprefix("levit_")]
    net = Drawing(px)
    for layer, part in enumerate((8, 4, 2, 1)):
        net.conv(widths[0] // part, 3, 2, pad=1, act="hard_swish" if layer < 3 else "")
    net.move()
    for stage, (width, blocks, count) in enumerate(zip(widths, depths, heads, strict=True)):
        if stage:
            _shrink(net, width, net.shape[2] // key, key)
            _double(net)
        for _ in range(blocks):
            attention(net, count, qk=count * key, value=2 * count * key, biased=True, act="hard_swish")
            net.combine()
            _double(net)
    net.global_pool()
    two_heads(net)
    return net


def _double(net: Drawing) -> None:
    channels = net.shape[2]
    linear(net, 2 * channels, "hard_swish")
    linear(net, channels)
    net.combine()


def _shrink(net: Drawing, width: int, heads: int, key: int) -> None:
    """Draw attention whose queries come from every second place in each direction."""
    height, wide, channels = net.shape
    places, half = height * wide, (-(-height // 2), -(-wide // 2))
    fewer, qk, value = half[0] * half[1], heads * key, 4 * heads * key
    linear(net, qk + value)
    net.move()
    net.shape = (height, wide, channels)
    net.move((*half, channels))
    linear(net, qk)
    net.matmul(fewer * places * qk, (heads, fewer, places), reads=(fewer + places) * qk)
    net.add_constant(heads * fewer * places)
    net.activate("softmax")
    net.matmul(fewer * places * value, (*half, value), reads=heads * fewer * places + places * value)
    net.move()
    net.activate("hard_swish")
    linear(net, width)
