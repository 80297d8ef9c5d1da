"""YOLOv8's layers: a detector; sorting out of boxes is not drawn."""

from __future__ import annotations

from functools import partial

from edgetl.networks._base import Drawing, Shape
from edgetl.networks._blocks import branched

TITLE = "Single-shot detectors without anchors: n, s, m, l, x."
PAPER = "Ultralytics' documentation of YOLOv8, 2023 (there is no paper); its table of parameters and FLOPs"

_SIZES = {
    "n": (1 / 3, 0.25, 1024),
    "s": (1 / 3, 0.5, 1024),
    "m": (2 / 3, 0.75, 768),
    "l": (1.0, 1.0, 512),
    "x": (1.0, 1.25, 512),
}
"""Factor of blocks and of channels, most channels before that factor."""
MODELS = {f"yolov8{size}": 640 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}

_CLASSES, _BINS = 80, 16
"""COCO's classes; bins of the distribution of each side of a box."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    depth, width, most = _SIZES[model.removeprefix("yolov8")]
    channels = [int(min(most, c) * width) for c in (64, 128, 256, 512, 1024)]
    few, many = round(3 * depth), round(6 * depth)
    net = Drawing(px)
    net.conv(channels[0], 3, 2, act="swish")
    levels: list[Shape] = []
    for level, blocks in ((1, few), (2, many), (3, many), (4, few)):
        net.conv(channels[level], 3, 2, act="swish")
        _cross(net, channels[level], blocks, adds=True)
        levels.append(net.shape)
    _pyramid_pool(net, channels[4])
    for level in (2, 1):  # down to the finer ones
        net.move((*levels[level][:2], net.shape[2]))
        net.concatenate((*net.shape[:2], net.shape[2] + levels[level][2]))
        _cross(net, channels[level + 1], few, adds=False)
        levels[level] = net.shape
    for level in (2, 3):
        net.conv(channels[level], 3, 2, act="swish")
        net.concatenate((*net.shape[:2], net.shape[2] + levels[level][2]))
        _cross(net, channels[level + 1], few, adds=False)
        levels[level] = net.shape
    _heads(net, levels[1:])
    return net


def _cross(net: Drawing, channels: int, blocks: int, *, adds: bool) -> None:
    """Half of the channels pass through the blocks; what each gives is kept for the last convolution."""
    half = channels // 2
    net.conv(2 * half, act="swish")
    net.move((*net.shape[:2], half))
    for _ in range(blocks):
        net.conv(half, 3, act="swish")
        net.conv(half, 3, act="swish")
        if adds:
            net.combine()
    net.concatenate((*net.shape[:2], (2 + blocks) * half))
    net.conv(channels, act="swish")


def _pyramid_pool(net: Drawing, channels: int) -> None:
    net.conv(channels // 2, act="swish")
    for _ in range(3):
        net.pool(5, 1)
    net.concatenate((*net.shape[:2], 2 * channels))
    net.conv(channels, act="swish")


def _answer(net: Drawing, within: int, numbers: int) -> None:
    net.conv(within, 3, act="swish")
    net.conv(within, 3, act="swish")
    net.conv(numbers)


def _heads(net: Drawing, levels: list[Shape]) -> None:
    finest = levels[0][2]
    boxes = sum(height * width for height, width, _ in levels)
    for shape in levels:
        net.shape = shape
        branched(
            net,
            partial(_answer, net, max(16, finest // 4, 4 * _BINS), 4 * _BINS),
            partial(_answer, net, max(finest, _CLASSES), _CLASSES),
        )
    net.concatenate((1, boxes, 4 * _BINS + _CLASSES))
    net.shape = (1, 4 * boxes, _BINS)
    net.activate("softmax")
    net.conv(1, bias=False)
    net.shape = (1, boxes, _CLASSES)
    net.activate("sigmoid")
    net.concatenate((1, boxes, 4 + _CLASSES))
