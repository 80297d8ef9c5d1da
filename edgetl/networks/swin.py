"""Swin Transformer's layers, version 1 and 2."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import attention, linear

TITLE = "Transformers within shifted windows: tiny, small, base; v2."
PAPER = "Liu et al., 2021, arXiv:2103.14030; 2021, arXiv:2111.09883 (v2); as torchvision; biases of windows written out"

_SIZES = {"tiny": ((2, 2, 6, 2), 96, 3), "small": ((2, 2, 18, 2), 96, 3), "base": ((2, 2, 18, 2), 128, 4)}
"""Blocks of each stage, channels and heads of the first."""
_MEMBERS = {f"swin{'v2' if second else ''}_{size}": (size, second) for size in _SIZES for second in (False, True)}
MODELS = {model: 256 if second else 224 for model, (_, second) in _MEMBERS.items()}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    size, second = _MEMBERS[model]
    depths, channels, heads = _SIZES[size]
    net = Drawing(px)
    net.conv(channels, 4, 4, valid=True)
    net.norm()
    for stage, blocks in enumerate(depths):
        if stage:
            height, width, entering = net.shape
            net.move((-(-height // 2), -(-width // 2), 4 * entering))
            net.norm()
            net.conv(2 * entering, bias=False)
        for block in range(blocks):
            _block(net, heads * 2**stage, 8 if second else 7, shifted=block % 2 == 1)
    net.norm()
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _block(net: Drawing, heads: int, side: int, *, shifted: bool) -> None:
    """Attention in windows of `side` x `side`, the picture padded to whole windows, and two matrices."""
    start = net.shape
    height, width, channels = start
    net.norm()
    shifted = shifted and min(height, width) > side
    if shifted:
        net.move()
    net.move((-(-height // side) * side, -(-width // side) * side, channels))
    attention(net, heads, window=side * side, biased=True)
    net.move(start)
    if shifted:
        net.move()
    net.combine()
    net.norm()
    linear(net, 4 * channels, "gelu")
    linear(net, channels)
    net.combine()
