"""MobileNetV1's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing

TITLE = "Depthwise-separable convolutions; any width."
PAPER = "Howard et al., MobileNets, 2017, arXiv:1704.04861; widths as TF-slim mobilenet_v1.py rounds them; zeros are counted"
MODELS = {"mobilenet_v1": 224, "mobilenet_v1_sparse": 224}
WIDTHS: dict[str, tuple[float, ...]] = dict.fromkeys(MODELS, ())

_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""Channels and stride of the depthwise part."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(max(8, int(32 * alpha)), 3, 2)
    for channels, stride in _BLOCKS:
        net.depthwise(3, stride)
        net.conv(max(8, int(channels * alpha)))
    net.global_pool()
    net.dense(1001)
    net.activate("softmax")
    return net
