"""EfficientNet's layers: lite0 to lite4, and b0 to b7 with squeeze-and-excite and swish."""

from __future__ import annotations

import math

from edgetl.networks._base import Drawing, divisible

TITLE = "Scaled inverted residuals; lite ones without squeeze-and-excite and swish."
PAPER = "Tan and Le, EfficientNet, 2019, arXiv:1905.11946; tensorflow/tpu efficientnet/lite for the lite ones"

_SCALES = {"lite0": (1.0, 1.0, 224), "lite1": (1.0, 1.1, 240), "lite2": (1.1, 1.2, 260), "lite3": (1.2, 1.4, 280),
           "lite4": (1.4, 1.8, 300), "b0": (1.0, 1.0, 224), "b1": (1.0, 1.1, 240), "b2": (1.1, 1.2, 260), "b3": (1.2, 1.4, 300),
           "b4": (1.4, 1.8, 380), "b5": (1.6, 2.2, 456), "b6": (1.8, 2.6, 528), "b7": (2.0, 3.1, 600)}  # fmt: skip
"""Factor of channels, factor of blocks, usual input side in pixels."""
MODELS = {f"efficientnet_{member}": px for member, (_, _, px) in _SCALES.items()}
WIDTHS: dict[str, tuple[float, ...]] = {}

STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, blocks, stride of the first, kernel."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    member = model.removeprefix("efficientnet_")
    width, depth, _ = _SCALES[member]
    lite = member.startswith("lite")
    net = Drawing(px)
    body(net, width, depth, lite)
    net.conv(1280 if lite else divisible(1280 * width), act="relu" if lite else "swish")
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def body(net: Drawing, width: float, depth: float, lite: bool) -> list[tuple[int, int, int]]:
    """Draw all before the head; returns the shape at the end of each stage."""
    act = "relu" if lite else "swish"
    ends = []
    net.conv(32 if lite else divisible(32 * width), 3, 2, act=act)
    for stage, (expansion, channels, blocks, first, kernel) in enumerate(STAGES):
        edge = stage in (0, len(STAGES) - 1)
        for block in range(blocks if lite and edge else math.ceil(blocks * depth)):
            entering, stride, leaving = net.shape[2], first if block == 0 else 1, divisible(channels * width)
            if expansion > 1:
                net.conv(entering * expansion, act=act)
            net.depthwise(kernel, stride, act=act)
            if not lite:
                net.squeeze_excite(max(1, entering // 4), act="swish")
            net.conv(leaving)
            if stride == 1 and leaving == entering and block:
                net.combine()
        ends.append(net.shape)
    return ends
