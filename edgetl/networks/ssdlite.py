"""SSDLite's layers on MobileNetV3-Large: a detector; sorting out of boxes is not drawn."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import inverted_residual

TITLE = "Single-shot detector of separable convolutions on MobileNetV3-Large."
PAPER = "Howard et al., Searching for MobileNetV3, 2019, arXiv:1905.02244, section 6.2; torchvision's ssdlite.py"
MODELS = {"ssdlite_mobilenet_v3_large": 320}
WIDTHS: dict[str, tuple[float, ...]] = {}

_BLOCKS = (
    (3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1), (5, 72, 40, 1, "relu", 2),
    (5, 120, 40, 1, "relu", 1), (5, 120, 40, 1, "relu", 1), (3, 240, 80, 0, "hard_swish", 2), (3, 200, 80, 0, "hard_swish", 1),
    (3, 184, 80, 0, "hard_swish", 1), (3, 184, 80, 0, "hard_swish", 1), (3, 480, 112, 1, "hard_swish", 1),
    (3, 672, 112, 1, "hard_swish", 1), (5, 672, 80, 1, "hard_swish", 2), (5, 480, 80, 1, "hard_swish", 1),
    (5, 480, 80, 1, "hard_swish", 1),
)  # fmt: skip
"""Kernel, channels within and out, squeeze-and-excite, activation, stride; the last three are half as wide as a classifier's."""
_TAP, _EXTRAS, _CLASSES, _BOXES = 12, (512, 256, 256, 128), 91, 6
"""Block whose inside is the first thing looked at; maps made after the backbone; classes and boxes of a place."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(16, 3, 2, act="hard_swish")
    maps = []
    for block, (kernel, within, leaving, excite, act, stride) in enumerate(_BLOCKS):
        if block == _TAP:
            maps.append((*net.shape[:2], within))
        squeezed = divisible(within / 4) if excite else 0
        inverted_residual(
            net, leaving, within=within, kernel=kernel, stride=stride, act=act, squeezed=squeezed, gate="hard_sigmoid"
        )
    net.conv(480, act="hard_swish")
    maps.append(net.shape)
    for channels in _EXTRAS:
        net.conv(channels // 2)
        net.depthwise(3, 2)
        net.conv(channels)
        maps.append(net.shape)
    boxes = 0
    for shape in maps:
        for answers in (_CLASSES, 4):
            net.shape = shape
            net.depthwise(3)
            net.conv(_BOXES * answers)
            net.move()
        boxes += shape[0] * shape[1] * _BOXES
    net.concatenate((1, boxes, 4))
    net.concatenate((1, boxes, _CLASSES))
    net.activate("softmax")
    return net
