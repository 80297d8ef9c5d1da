"""Inception's layers, version 1 (GoogLeNet) to 4, and Inception-ResNet v2."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import branched

TITLE = "Parallel convolutions of several sizes; v1 to v4, Inception-ResNet v2."
PAPER = (
    "Szegedy et al., 2014, arXiv:1409.4842 (v1, as torchvision: 3x3 where the paper has 5x5); 2015, arXiv:1512.00567 "
    "(v2 as TF-slim, v3 as Keras); 2016, arXiv:1602.07261 (v4, Inception-ResNet v2)"
)
MODELS = {
    "inception_v1": 224,
    "googlenet": 224,
    "inception_v2": 224,
    "inception_v3": 299,
    "inception_v4": 299,
    "inception_resnet_v2": 299,
}
WIDTHS: dict[str, tuple[float, ...]] = {}

Step: TypeAlias = "tuple[Any, ...] | list[list[Step]]"
"""(channels, kernel, stride, "valid"), ("max" or "avg", stride), or a list of paths that are concatenated."""

_V1 = ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), None, (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64),
       (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128), None,
       (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128))  # fmt: skip
"""Channels: 1x1; before the first 3x3, it; before the second, it; after the pool. None: the size is halved."""
_V2 = ((64, 64, 64, 64, 96, 32), (64, 64, 96, 64, 96, 64), (0, 128, 160, 64, 96, 0), (224, 64, 96, 96, 128, 128),
       (192, 96, 128, 96, 128, 128), (160, 128, 160, 128, 160, 96), (96, 128, 192, 160, 192, 96), (0, 128, 192, 192, 256, 0),
       (352, 192, 320, 160, 224, 128), (352, 192, 320, 192, 224, 128))  # fmt: skip
"""The same with two 3x3 in the second; where the first is 0 the size is halved."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    {"inception_v2": _v2, "inception_v3": _v3, "inception_v4": _v4, "inception_resnet_v2": _resnet}.get(model, _v1)(net)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _path(net: Drawing, steps: list[Step], padded: bool) -> None:
    for step in steps:
        if isinstance(step, list):
            _mix(net, *step, padded=padded)
        elif step[0] in ("max", "avg"):
            stride = 2 if 2 in step else 1
            net.pool(3, stride, valid=stride == 2 and not padded)
        else:
            channels, kernel, stride = (*step, 1, 1)[:3]
            net.conv(channels, kernel, stride, valid="valid" in step or (stride == 2 and not padded))


def _mix(net: Drawing, *paths: list[Step], padded: bool = False) -> None:
    """Draw parallel paths; what halves the size is not padded unless `padded`."""
    branched(net, *(partial(_path, net, path, padded) for path in paths))


def _v1(net: Drawing) -> None:
    net.conv(64, 7, 2, pad=3)
    net.pool(3, 2, valid=True, ceil=True)
    net.conv(64)
    net.conv(192, 3)
    net.pool(3, 2, valid=True, ceil=True)
    for stage, block in enumerate(_V1):
        if block is None:
            net.pool(3 if stage == 2 else 2, 2, valid=True, ceil=True)
        else:
            one, before, three, before_second, second, pooled = block
            _mix(net, [(one,)], [(before,), (three, 3)], [(before_second,), (second, 3)], [("max",), (pooled,)])


def _v2(net: Drawing) -> None:
    net.conv(24, 7, 2, groups=3)  # TF-slim: eight filters for each colour, then 1x1
    net.conv(64)
    net.pool(3, 2)
    net.conv(64)
    net.conv(192, 3)
    net.pool(3, 2)
    for one, before, three, before_second, second, pooled in _V2:
        if one:
            deep: list[Step] = [(before_second,), (second, 3), (second, 3)]
            _mix(net, [(one,)], [(before,), (three, 3)], deep, [("avg",), (pooled,)])
        else:
            _mix(net, [(before,), (three, 3, 2)], [(before_second,), (second, 3), (second, 3, 2)], [("max", 2)], padded=True)


def _stem(net: Drawing) -> None:
    _path(net, [(32, 3, 2), (32, 3, 1, "valid"), (64, 3), ("max", 2), (80,), (192, 3, 1, "valid"), ("max", 2)], False)


def _v3(net: Drawing) -> None:
    _stem(net)
    for pooled in (32, 64, 64):
        _mix(net, [(64,)], [(48,), (64, 5)], [(64,), (96, 3), (96, 3)], [("avg",), (pooled,)])
    _mix(net, [(384, 3, 2)], [(64,), (96, 3), (96, 3, 2)], [("max", 2)])
    for w in (128, 160, 160, 192):
        deep: list[Step] = [(w,), (w, (7, 1)), (w, (1, 7)), (w, (7, 1)), (192, (1, 7))]
        _mix(net, [(192,)], [(w,), (w, (1, 7)), (192, (7, 1))], deep, [("avg",), (192,)])
    _mix(net, [(192,), (320, 3, 2)], [(192,), (192, (1, 7)), (192, (7, 1)), (192, 3, 2)], [("max", 2)])
    fork: Step = [[(384, (1, 3))], [(384, (3, 1))]]
    for _ in range(2):
        _mix(net, [(320,)], [(384,), fork], [(448,), (384, 3), fork], [("avg",), (192,)])


def _v4(net: Drawing) -> None:
    _path(net, [(32, 3, 2), (32, 3, 1, "valid"), (64, 3)], False)
    _mix(net, [("max", 2)], [(96, 3, 2)])
    _mix(net, [(64,), (96, 3, 1, "valid")], [(64,), (64, (7, 1)), (64, (1, 7)), (96, 3, 1, "valid")])
    _mix(net, [(192, 3, 2)], [("max", 2)])
    for _ in range(4):
        _mix(net, [(96,)], [(64,), (96, 3)], [(64,), (96, 3), (96, 3)], [("avg",), (96,)])
    _mix(net, [(384, 3, 2)], [(192,), (224, 3), (256, 3, 2)], [("max", 2)])
    for _ in range(7):
        deep: list[Step] = [(192,), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7))]
        _mix(net, [(384,)], [(192,), (224, (1, 7)), (256, (7, 1))], deep, [("avg",), (128,)])
    _mix(net, [(192,), (192, 3, 2)], [(256,), (256, (1, 7)), (320, (7, 1)), (320, 3, 2)], [("max", 2)])
    fork: Step = [[(256, (1, 3))], [(256, (3, 1))]]
    for _ in range(3):
        _mix(net, [(256,)], [(384,), fork], [(384,), (448, (1, 3)), (512, (3, 1)), fork], [("avg",), (256,)])


def _resnet(net: Drawing) -> None:
    _stem(net)
    _mix(net, [(96,)], [(48,), (64, 5)], [(64,), (96, 3), (96, 3)], [("avg",), (64,)])
    for _ in range(10):
        _residual(net, [(32,)], [(32,), (32, 3)], [(32,), (48, 3), (64, 3)])
    _mix(net, [(384, 3, 2)], [(256,), (256, 3), (384, 3, 2)], [("max", 2)])
    for _ in range(20):
        _residual(net, [(192,)], [(128,), (160, (1, 7)), (192, (7, 1))])
    _mix(net, [(256,), (384, 3, 2)], [(256,), (288, 3, 2)], [(256,), (288, 3), (320, 3, 2)], [("max", 2)])
    for _ in range(10):
        _residual(net, [(192,)], [(192,), (224, (1, 3)), (256, (3, 1))])
    net.conv(1536)


def _residual(net: Drawing, *paths: list[Step]) -> None:
    channels = net.shape[2]
    _mix(net, *paths)
    net.conv(channels)
    net.combine()
