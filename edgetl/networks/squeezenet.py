"""SqueezeNet's layers."""

from __future__ import annotations

from functools import partial

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import branched

TITLE = "Squeeze and expand, no dense layer; 1.0, and 1.1 with less than half of the work."
PAPER = "Iandola et al., SqueezeNet, 2016, arXiv:1602.07360; sizes as torchvision's squeezenet.py"
MODELS = {
    "squeezenet": 227,
    "squeezenet1_0": 224,
    "squeezenet1_1": 224,
    "torchvision_squeezenet1_0": 224,
    "torchvision_squeezenet1_1": 224,
}
"""`squeezenet` is 1.1, which ncnn's benchmark holds; TensorFlow's hosted file is 1.0."""
WIDTHS: dict[str, tuple[float, ...]] = {}

_FIRES = (16, 16, 32, 32, 48, 48, 64, 64)
"""Channels squeezed to; four times as many come of the 1x1 and of the 3x3 convolution."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    old = model.endswith("1_0")
    net = Drawing(px)
    net.conv(96 if old else 64, 7 if old else 3, 2, valid=True)
    net.pool(3, 2, valid=True, ceil=True)
    for fire, squeezed in enumerate(_FIRES):
        if fire in ((3, 7) if old else (2, 4)):
            net.pool(3, 2, valid=True, ceil=True)
        net.conv(squeezed)
        branched(net, partial(net.conv, 4 * squeezed), partial(net.conv, 4 * squeezed, 3))
    net.conv(1000)
    net.global_pool()
    net.activate("softmax")
    return net
