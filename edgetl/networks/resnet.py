"""ResNet's layers, and its kin ResNeXt and Wide ResNet."""

from __future__ import annotations

from edgetl.networks._base import Drawing

TITLE = "Residual networks of 18 to 152 layers, and of 8 for 32 px; v1, v1.5, v2, ResNeXt, Wide ResNet."
PAPER = "He et al., 2015, arXiv:1512.03385; v1.5 and kin as torchvision's resnet.py; resnet8 as mlcommons/tiny"

_DEPTHS = {"18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "50": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}
_KIN = {
    "resnext50": ("50", 32, 4),
    "resnext101": ("101", 32, 8),
    "resnext101_32x8d": ("101", 32, 8),
    "wideresnet50": ("50", 1, 128),
}
"""Depth, groups, channels of a group at the first stage."""
_VERSIONS = {
    **{f"resnet{depth}": (depth, 1.5) for depth in _DEPTHS},
    **{f"torchvision_resnet{depth}": (depth, 1.5) for depth in _DEPTHS},
    **{f"resnet{depth}_v{version:g}": (depth, version) for depth in ("50", "101", "152") for version in (1.0, 1.5, 2.0)},
}
MODELS = {**dict.fromkeys((*_VERSIONS, *_KIN), 224), "resnet8_cifar10": 32}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    if model == "resnet8_cifar10":
        return _tiny(px)
    depth, groups, base = _KIN.get(model, ("", 1, 64))
    version = 1.5
    if not depth:
        depth, version = _VERSIONS[model]
    net = Drawing(px)
    net.conv(64, 7, 2, pad=3)
    net.pool(3, 2, pad=1)
    for stage, blocks in enumerate(_DEPTHS[depth]):
        for block in range(blocks):
            stride = 2 if stage and block == 0 else 1
            (_basic if depth in ("18", "34") else _bottleneck)(net, 64 * 2**stage, stride, version, groups, base)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _tiny(px: int) -> Drawing:
    """Draw MLPerf Tiny's network of eight convolutions."""
    net = Drawing(px)
    net.conv(16, 3)
    for stage in range(3):
        _basic(net, 16 * 2**stage, 2 if stage else 1, 1.0, 1, 64)
    net.global_pool()
    net.dense(10)
    net.activate("softmax")
    return net


def _basic(net: Drawing, channels: int, stride: int, version: float, groups: int, base: int) -> None:
    start = net.shape
    net.conv(channels, 3, stride)
    net.conv(channels, 3)
    _join(net, start, stride)


def _bottleneck(net: Drawing, channels: int, stride: int, version: float, groups: int, base: int) -> None:
    start = net.shape
    within = channels * base // 64 * groups
    net.conv(within, 1, stride if version == 1.0 else 1)
    net.conv(within, 3, 1 if version == 1.0 else stride, groups=groups)
    net.conv(4 * channels)
    _join(net, start, stride)


def _join(net: Drawing, start: tuple[int, int, int], stride: int) -> None:
    end = net.shape
    if end != start:
        net.shape = start
        net.conv(end[2], 1, stride)
    net.combine()
