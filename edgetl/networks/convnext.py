"""ConvNeXt's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import linear

TITLE = "Large depthwise convolutions between layer norms: tiny, small, base, large."
PAPER = "Liu et al., A ConvNet for the 2020s, 2022, arXiv:2201.03545; torchvision's convnext.py"

_SIZES = {
    "tiny": ((3, 3, 9, 3), 96),
    "small": ((3, 3, 27, 3), 96),
    "base": ((3, 3, 27, 3), 128),
    "large": ((3, 3, 27, 3), 192),
}
"""Blocks of each stage, channels of the first."""
MODELS = {f"convnext_{size}": 224 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    depths, first = _SIZES[model.removeprefix("convnext_")]
    net = Drawing(px)
    for stage, blocks in enumerate(depths):
        channels = first * 2**stage
        if stage:
            net.norm()
            net.conv(channels, 2, 2, valid=True)
        else:
            net.conv(channels, 4, 4, valid=True)
            net.norm()
        for _ in range(blocks):
            net.depthwise(7)
            net.norm()
            linear(net, 4 * channels, "gelu")
            linear(net, channels)
            net.add_constant(channels)  # multiplied: the scale of the layer
            net.combine()
    net.global_pool()
    net.norm()
    net.dense(1000)
    net.activate("softmax")
    return net
