"""MixNet's layers."""

from __future__ import annotations

from functools import partial

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import branched

TITLE = "Depthwise convolutions of several kernels in one layer: s, m, l."
PAPER = "Tan and Le, MixConv, 2019, arXiv:1907.09595; tensorflow/tpu mixnet_builder.py"
MODELS = {"mixnet_s": 224, "mixnet_m": 224, "mixnet_l": 224}
WIDTHS: dict[str, tuple[float, ...]] = {}

_S = (
    (16, 1, 1, (3,), 1, 1, 1, 0.0), (24, 1, 2, (3,), 6, 2, 2, 0.0), (24, 1, 1, (3,), 3, 2, 2, 0.0),
    (40, 1, 2, (3, 5, 7), 6, 1, 1, 0.5), (40, 3, 1, (3, 5), 6, 2, 2, 0.5), (80, 1, 2, (3, 5, 7), 6, 1, 2, 0.25),
    (80, 2, 1, (3, 5), 6, 1, 2, 0.25), (120, 1, 1, (3, 5, 7), 6, 2, 2, 0.5), (120, 2, 1, (3, 5, 7, 9), 3, 2, 2, 0.5),
    (200, 1, 2, (3, 5, 7, 9, 11), 6, 1, 1, 0.5), (200, 2, 1, (3, 5, 7, 9), 6, 1, 2, 0.5),
)  # fmt: skip
_M = (
    (24, 1, 1, (3,), 1, 1, 1, 0.0), (32, 1, 2, (3, 5, 7), 6, 2, 2, 0.0), (32, 1, 1, (3,), 3, 2, 2, 0.0),
    (40, 1, 2, (3, 5, 7, 9), 6, 1, 1, 0.5), (40, 3, 1, (3, 5), 6, 2, 2, 0.5), (80, 1, 2, (3, 5, 7), 6, 1, 1, 0.25),
    (80, 3, 1, (3, 5, 7, 9), 6, 2, 2, 0.25), (120, 1, 1, (3,), 6, 1, 1, 0.5), (120, 3, 1, (3, 5, 7, 9), 3, 2, 2, 0.5),
    (200, 1, 2, (3, 5, 7, 9), 6, 1, 1, 0.5), (200, 3, 1, (3, 5, 7, 9), 6, 1, 2, 0.5),
)  # fmt: skip
"""Channels, blocks, stride of the first, kernels, expansion, groups of the first and of the last 1x1, squeeze."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    width = 1.3 if model == "mixnet_l" else 1.0
    stages = _S if model == "mixnet_s" else _M
    net = Drawing(px)
    net.conv(divisible(stages[0][0] * width), 3, 2)
    for channels, blocks, first, kernels, expansion, wide, narrow, squeeze in stages:
        act = "swish" if squeeze else "relu"
        for block in range(blocks):
            start, stride = net.shape, 1 if block else first
            if expansion > 1:
                _pointwise(net, expansion * start[2], wide)
                net.activate(act)
            _mixed(net, kernels, stride)
            net.activate(act)
            if squeeze:
                net.squeeze_excite(int(start[2] * squeeze), act=act)
            _pointwise(net, divisible(channels * width), narrow)
            if net.shape == start:
                net.combine()
    net.conv(1536)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _parts(channels: int, count: int) -> list[int]:
    """Share channels out; the first takes what is left over."""
    return [channels - channels // count * (count - 1), *[channels // count] * (count - 1)]


def _part(net: Drawing, entering: int, kernel: int, stride: int, leaving: int) -> None:
    """Draw a convolution of some of the channels; 0 leave: as many, depthwise."""
    net.move((*net.shape[:2], entering))
    if leaving:
        net.conv(leaving)
    else:
        net.depthwise(kernel, stride)


def _pointwise(net: Drawing, channels: int, groups: int) -> None:
    if groups == 1:
        net.conv(channels)
    else:
        pairs = zip(_parts(net.shape[2], groups), _parts(channels, groups), strict=True)
        branched(net, *(partial(_part, net, entering, 1, 1, leaving) for entering, leaving in pairs))


def _mixed(net: Drawing, kernels: tuple[int, ...], stride: int) -> None:
    if len(kernels) == 1:
        net.depthwise(kernels[0], stride)
    else:
        pairs = zip(_parts(net.shape[2], len(kernels)), kernels, strict=True)
        branched(net, *(partial(_part, net, entering, kernel, stride, 0) for entering, kernel in pairs))
