"""MobileNetV4's layers, those of convolutions alone."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import fused_residual

TITLE = "Universal inverted bottlenecks: conv small, medium, large."
PAPER = "Qin et al., MobileNetV4, 2024, arXiv:2404.10518; timm's mobilenetv3.py"

_SMALL = ((5, 5, 2, 3, 96, 1), (0, 3, 1, 2, 96, 4), (3, 0, 1, 4, 96, 1), (3, 3, 2, 6, 128, 1), (5, 5, 1, 4, 128, 1),
          (0, 5, 1, 4, 128, 1), (0, 5, 1, 3, 128, 1), (0, 3, 1, 4, 128, 2))  # fmt: skip
_MEDIUM = ((3, 5, 2, 4, 80, 1), (3, 3, 1, 2, 80, 1), (3, 5, 2, 6, 160, 1), (3, 3, 1, 4, 160, 2), (3, 5, 1, 4, 160, 1),
           (3, 3, 1, 4, 160, 1), (3, 0, 1, 4, 160, 1), (0, 0, 1, 2, 160, 1), (3, 0, 1, 4, 160, 1), (5, 5, 2, 6, 256, 1),
           (5, 5, 1, 4, 256, 1), (3, 5, 1, 4, 256, 2), (0, 0, 1, 4, 256, 1), (3, 0, 1, 4, 256, 1), (3, 5, 1, 2, 256, 1),
           (5, 5, 1, 4, 256, 1), (0, 0, 1, 4, 256, 2), (5, 0, 1, 2, 256, 1))  # fmt: skip
_LARGE = ((3, 5, 2, 4, 96, 1), (3, 3, 1, 4, 96, 1), (3, 5, 2, 4, 192, 1), (3, 3, 1, 4, 192, 3), (3, 5, 1, 4, 192, 1),
          (5, 3, 1, 4, 192, 5), (3, 0, 1, 4, 192, 1), (5, 5, 2, 4, 512, 1), (5, 5, 1, 4, 512, 3), (5, 0, 1, 4, 512, 1),
          (5, 3, 1, 4, 512, 1), (5, 0, 1, 4, 512, 2), (5, 3, 1, 4, 512, 1), (5, 5, 1, 4, 512, 1),
          (5, 0, 1, 4, 512, 3))  # fmt: skip
"""Kernel of the first and second depthwise convolution (0: none), stride, expansion, channels, blocks."""
_STEMS: dict[str, tuple[int, tuple[tuple[int, int, int], ...]]] = {
    "small": (32, ((32, 32, 3), (96, 64, 3))),
    "medium": (32, ((128, 48, 3),)),
    "large": (24, ((96, 48, 3),)),
}
"""Channels of the first convolution; within and out of each pair of convolutions that halves the size."""
_STAGES = {"small": _SMALL, "medium": _MEDIUM, "large": _LARGE}
MODELS = {"mobilenet_v4_conv_small": 224, "mobilenet_v4_conv_medium": 256, "mobilenet_v4_conv_large": 384}
WIDTHS: dict[str, tuple[float, ...]] = dict.fromkeys(MODELS, ())


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    size = model.removeprefix("mobilenet_v4_conv_")
    stem, pairs = _STEMS[size]
    net = Drawing(px)
    net.conv(divisible(stem * alpha), 3, 2)
    for within, leaving, kernel in pairs:
        if size == "small":
            net.conv(divisible(within * alpha), kernel, 2)
            net.conv(divisible(leaving * alpha))
        else:
            fused_residual(net, divisible(leaving * alpha), within=4 * net.shape[2], kernel=kernel, stride=2)
    for first, second, stride, expansion, channels, blocks in _STAGES[size]:
        for _ in range(blocks):
            _universal(net, divisible(channels * alpha), first, second, stride, expansion)
    net.conv(divisible(960 * alpha))
    net.global_pool()
    net.conv(1280)
    net.dense(1000)
    net.activate("softmax")
    return net


def _universal(net: Drawing, channels: int, first: int, second: int, stride: int, expansion: int) -> None:
    start = net.shape
    if first:
        net.depthwise(first, 1 if second else stride)
    net.conv(divisible(start[2] * expansion))
    if second:
        net.depthwise(second, stride)
    net.conv(channels)
    if net.shape == start:
        net.combine()
