"""EfficientNetV2's layers."""

from __future__ import annotations

import math

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import fused_residual, inverted_residual

TITLE = "Full convolutions in the first stages, squeeze-and-excite in the last."
PAPER = "Tan and Le, EfficientNetV2, 2021, arXiv:2104.00298; b0 to b3 as Keras' efficientnet_v2.py, s, m and l as torchvision's"

_BASE = ((1, 16, 1, 1, 0), (4, 32, 2, 2, 0), (4, 48, 2, 2, 0), (4, 96, 3, 2, 1), (6, 112, 5, 1, 1), (6, 192, 8, 2, 1))
_S = ((1, 24, 2, 1, 0), (4, 48, 4, 2, 0), (4, 64, 4, 2, 0), (4, 128, 6, 2, 1), (6, 160, 9, 1, 1), (6, 256, 15, 2, 1))
_M = ((1, 24, 3, 1, 0), (4, 48, 5, 2, 0), (4, 80, 5, 2, 0), (4, 160, 7, 2, 1), (6, 176, 14, 1, 1), (6, 304, 18, 2, 1),
      (6, 512, 5, 1, 1))  # fmt: skip
_L = ((1, 32, 4, 1, 0), (4, 64, 7, 2, 0), (4, 96, 7, 2, 0), (4, 192, 10, 2, 1), (6, 224, 19, 1, 1), (6, 384, 25, 2, 1),
      (6, 640, 7, 1, 1))  # fmt: skip
"""Expansion, channels, blocks, stride of the first, whether depthwise with squeeze-and-excite."""
_MEMBERS = {
    "efficientnetv2_b0": (_BASE, 32, 1.0, 1.0, 224),
    "efficientnetv2_b1": (_BASE, 32, 1.0, 1.1, 240),
    "efficientnetv2_b2": (_BASE, 32, 1.1, 1.2, 260),
    "efficientnetv2_b3": (_BASE, 32, 1.2, 1.4, 300),
    "efficientnet_v2_s": (_S, 24, 1.0, 1.0, 384),
    "efficientnet_v2_m": (_M, 24, 1.0, 1.0, 480),
    "efficientnet_v2_l": (_L, 32, 1.0, 1.0, 480),
}
"""Stages, channels of the first convolution, factor of channels, factor of blocks, usual input side in pixels."""
MODELS = {model: facts[-1] for model, facts in _MEMBERS.items()}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    stages, stem, width, depth, _ = _MEMBERS[model]
    net = Drawing(px)
    net.conv(divisible(stem * width), 3, 2, act="swish")
    for expansion, channels, blocks, first, deep in stages:
        for block in range(math.ceil(blocks * depth)):
            entering, stride, leaving = net.shape[2], 1 if block else first, divisible(channels * width)
            if deep:
                inverted_residual(net, leaving, within=entering * expansion, stride=stride, act="swish",
                                  squeezed=max(1, entering // 4), squeeze_act="swish")  # fmt: skip
            else:
                fused_residual(net, leaving, within=entering * expansion, stride=stride, act="swish")
    net.conv(divisible(1280 * width), act="swish")
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net
