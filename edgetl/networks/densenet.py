"""DenseNet's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import branched

TITLE = "Each layer reads all before it; 121 to 201 layers."
PAPER = "Huang et al., Densely Connected Convolutional Networks, 2016, arXiv:1608.06993; torchvision's densenet.py"

_DEPTHS = {
    "121": ((6, 12, 24, 16), 32),
    "161": ((6, 12, 36, 24), 48),
    "169": ((6, 12, 32, 32), 32),
    "201": ((6, 12, 48, 32), 32),
}
"""Layers of each block, channels that each adds."""
_VERSIONS = {"densenet": "121", **{f"{origin}densenet{depth}": depth for depth in _DEPTHS for origin in ("", "torchvision_")}}
MODELS = dict.fromkeys(_VERSIONS, 224)
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    blocks, growth = _DEPTHS[_VERSIONS[model]]
    net = Drawing(px)
    net.conv(2 * growth, 7, 2, pad=3)
    net.pool(3, 2, pad=1)
    for block, layers in enumerate(blocks):
        if block:
            net.norm()
            net.conv(net.shape[2] // 2, bias=False)
            net.pool(2, valid=True)
        for _ in range(layers):
            branched(net, lambda: None, lambda: _layer(net, growth))
    net.norm()
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _layer(net: Drawing, growth: int) -> None:
    """Its first batch normalisation follows a concatenation and stays a layer."""
    net.norm()
    net.conv(4 * growth)
    net.conv(growth, 3, bias=False)
