"""EfficientFormer's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import attention, linear, scaled_shortcut, two_heads

TITLE = "Pooling mixers, attention in the last blocks: l1, l3, l7."
PAPER = "Li et al., EfficientFormer, 2022, arXiv:2206.01191; snap-research/EfficientFormer"

_SIZES = {
    "l1": ((48, 96, 224, 448), (3, 2, 6, 4), 1),
    "l3": ((64, 128, 320, 512), (4, 4, 12, 6), 4),
    "l7": ((96, 192, 384, 768), (6, 6, 18, 8), 8),
}
"""Channels and blocks of each stage; blocks at the end that attend."""
MODELS = {f"efficientformer_{size}": 224 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    widths, depths, attending = _SIZES[model.removeprefix("efficientformer_")]
    net = Drawing(px)
    net.conv(widths[0] // 2, 3, 2)
    for stage, (channels, blocks) in enumerate(zip(widths, depths, strict=True)):
        net.conv(channels, 3, 2)
        for block in range(blocks):
            if stage == 3 and block >= blocks - attending:
                net.norm()
                attention(net, 8, qk=256, value=1024, biased=True)
                scaled_shortcut(net)
                net.norm()
                linear(net, 4 * channels, "gelu")
                linear(net, channels)
            else:
                net.pool(3, 1)
                net.combine()  # less what was there
                scaled_shortcut(net)
                net.conv(4 * channels, act="gelu")
                net.conv(channels)
            scaled_shortcut(net)
    net.norm()
    net.global_pool()
    two_heads(net)
    return net
