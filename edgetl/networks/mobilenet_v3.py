"""MobileNetV3's layers, large and small, with and without squeeze-and-excite, hard-swish and 5x5 kernels."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible

TITLE = "Inverted residuals with squeeze-and-excite and hard-swish; minimalistic ones without."
PAPER = "Howard et al., Searching for MobileNetV3, 2019, arXiv:1905.02244, tables 1 and 2; TF-slim mobilenet_v3.py"
MODELS = {
    "mobilenet_v3_large": 224,
    "mobilenet_v3_small": 224,
    "mobilenet_v3_large_minimalistic": 224,
    "mobilenet_v3_small_minimalistic": 224,
}
WIDTHS: dict[str, tuple[float, ...]] = dict.fromkeys(MODELS, ())

_LARGE = (
    (3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1), (5, 72, 40, 1, "relu", 2),
    (5, 120, 40, 1, "relu", 1), (5, 120, 40, 1, "relu", 1), (3, 240, 80, 0, "hard_swish", 2), (3, 200, 80, 0, "hard_swish", 1),
    (3, 184, 80, 0, "hard_swish", 1), (3, 184, 80, 0, "hard_swish", 1), (3, 480, 112, 1, "hard_swish", 1),
    (3, 672, 112, 1, "hard_swish", 1), (5, 672, 160, 1, "hard_swish", 2), (5, 960, 160, 1, "hard_swish", 1),
    (5, 960, 160, 1, "hard_swish", 1),
)  # fmt: skip
_SMALL = (
    (3, 16, 16, 1, "relu", 2), (3, 72, 24, 0, "relu", 2), (3, 88, 24, 0, "relu", 1), (5, 96, 40, 1, "hard_swish", 2),
    (5, 240, 40, 1, "hard_swish", 1), (5, 240, 40, 1, "hard_swish", 1), (5, 120, 48, 1, "hard_swish", 1),
    (5, 144, 48, 1, "hard_swish", 1), (5, 288, 96, 1, "hard_swish", 2), (5, 576, 96, 1, "hard_swish", 1),
    (5, 576, 96, 1, "hard_swish", 1),
)  # fmt: skip
"""Kernel, channels within, channels out, squeeze-and-excite, activation, stride of each block at width 1."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    plain, large = model.endswith("minimalistic"), "large" in model
    wide = "relu" if plain else "hard_swish"
    net = Drawing(px)
    net.conv(divisible(16 * alpha), 3, 2, act=wide)
    entering_at_1 = 16
    for kernel, within_at_1, leaving_at_1, excite, act, stride in _LARGE if large else _SMALL:
        entering, leaving = net.shape[2], divisible(leaving_at_1 * alpha)
        within = divisible(entering * within_at_1 / entering_at_1)
        used = "relu" if plain else act
        if within_at_1 != entering_at_1:
            net.conv(within, act=used)
        net.depthwise(3 if plain else kernel, stride, act=used)
        if excite and not plain:
            net.squeeze_excite(divisible(net.shape[2] / 4), gate="hard_sigmoid")
        net.conv(leaving)
        if stride == 1 and entering == leaving:
            net.combine()
        entering_at_1 = leaving_at_1
    net.conv(divisible((960 if large else 576) * alpha), act=wide)
    net.global_pool()
    last = 1280 if large else 1024
    net.conv(divisible(last * alpha) if alpha > 1 else last, act=wide)
    net.dense(1001)
    net.activate("softmax")
    return net
