"""EfficientDet-Lite's layers: a detector; decoding and sorting out of boxes are not drawn."""

from __future__ import annotations

from edgetl.networks._base import Drawing, Shape
from edgetl.networks._blocks import shared
from edgetl.networks._efficientnet import body

TITLE = "Detectors on EfficientNet-Lite with a pyramid of features that runs both ways: lite0 to lite4, lite3x."
PAPER = "Tan et al., EfficientDet, 2019, arXiv:1911.09070; google/automl efficientdet, hparams_config.py for the lite ones"

_SIZES = {
    "lite0": (1.0, 1.0, 64, 3, 3, 320),
    "lite1": (1.0, 1.1, 88, 4, 3, 384),
    "lite2": (1.1, 1.2, 112, 5, 3, 448),
    "lite3": (1.2, 1.4, 160, 6, 4, 512),
    "lite3x": (1.2, 1.4, 200, 6, 4, 640),
    "lite4": (1.4, 1.8, 224, 7, 4, 640),
}
"""Factor of channels and of blocks of the body; channels and layers of the pyramid; layers of a head; usual input in pixels."""
MODELS = {f"efficientdet_{size}": facts[-1] for size, facts in _SIZES.items()}
WIDTHS: dict[str, tuple[float, ...]] = {}

_CLASSES, _BOXES = 90, 9
"""COCO's numbering of classes; boxes of a place."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    width, depth, channels, cells, repeats, _ = _SIZES[model.removeprefix("efficientdet_")]
    net = Drawing(px)
    ends = body(net, width, depth, lite=True)
    levels = [ends[2], ends[4], ends[6]]
    for level in range(2):
        if level == 0:
            net.conv(channels)
        net.pool(3, 2)
        levels.append(net.shape)
    for _ in range(cells):
        levels = _cell(net, levels, channels)
    for answers in (_CLASSES, 4):
        for level, shape in enumerate(levels):
            net.shape = shape
            for _ in range(repeats):
                _separable(net, channels, again=level > 0, folded=True)
            _separable(net, _BOXES * answers, again=level > 0, folded=False)
            net.move()
        net.concatenate((1, sum(height * width for height, width, _ in levels) * _BOXES, answers))
        if answers == _CLASSES:
            net.activate("sigmoid")
    return net


def _separable(net: Drawing, channels: int, *, again: bool, folded: bool) -> None:
    """Draw a layer of a head. `again`: weights are those of the level before, save where each level's norm is folded in."""
    since = len(net.layers)
    net.depthwise(3)
    if again:
        shared(net, since)
    since = len(net.layers)
    net.conv(channels)
    if again and not folded:
        shared(net, since)


def _cell(net: Drawing, levels: list[Shape], channels: int) -> list[Shape]:
    """Draw one layer of the pyramid: from the coarsest level down, then up again."""
    targets = [(*level[:2], channels) for level in levels]
    for level in (3, 2, 1, 0):
        _fuse(net, targets[level], levels[level], targets[level + 1])
    for level in (1, 2, 3):
        _fuse(net, targets[level], levels[level], targets[level], targets[level - 1])
    _fuse(net, targets[4], levels[4], targets[3])
    return targets


def _fuse(net: Drawing, target: Shape, *sources: Shape) -> None:
    """Bring all sources to one shape, add them, filter."""
    for source in sources:
        net.shape = source
        if source[2] != target[2]:
            net.conv(target[2])
        if source[0] > target[0]:
            net.pool(3, 2)
        elif source[0] < target[0]:
            net.move(target)
    net.shape = target
    net.combine(others=len(sources) - 1)
    net.depthwise(3)
    net.conv(target[2])
