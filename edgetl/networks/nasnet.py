"""NASNet-A's layers, mobile and large."""

from __future__ import annotations

from edgetl.networks._base import Drawing, Shape

TITLE = "Cells found by search, of many small separable convolutions: mobile, large."
PAPER = "Zoph et al., Learning Transferable Architectures, 2017, arXiv:1707.07012; Keras' nasnet.py"

_SIZES = {"nasnet_mobile": (4, 44, 32, 224), "nasnet_large": (6, 168, 96, 331)}
"""Cells of a stage, channels of the first, channels of the first convolution, usual input side in pixels."""
MODELS = {model: facts[-1] for model, facts in _SIZES.items()}
WIDTHS: dict[str, tuple[float, ...]] = {}

_RELU = "relu before a convolution"
"""It follows an addition or a concatenation that others read too, so nothing can fuse it."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    cells, channels, stem, _ = _SIZES[model]
    net = Drawing(px)
    net.conv(stem, 3, 2, valid=True)
    before = _reduction(net, None, channels // 4)
    before = _reduction(net, before, channels // 2)
    for stage in range(3):
        if stage:
            entering = before
            before = _reduction(net, before, channels * 2**stage)
            if model == "nasnet_large":  # as Keras: the next cell reads what this one read
                before = entering
        for _ in range(cells):
            before = _normal(net, before, channels * 2**stage)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _separable(net: Drawing, start: Shape, channels: int, kernel: int, stride: int = 1) -> None:
    """Draw two separable convolutions, one after the other."""
    net.shape = start
    net.depthwise(kernel, stride)
    net.conv(channels)
    net.depthwise(kernel)
    net.conv(channels)


def _pooled(net: Drawing, start: Shape, stride: int = 1) -> None:
    net.shape = start
    net.pool(3, stride)


def _adjusted(net: Drawing, before: Shape | None, channels: int) -> tuple[Shape, Shape]:
    """Bring what the cell before read, and what it made, to the same shape; returns both, the former first.

    The first cell of all (`before` is None) reads what there is twice, and does not bring it to its channels.
    """
    now = net.shape
    net.activate(_RELU)
    net.shape = before or now
    if before is None:
        before = now
    elif before[:2] != now[:2]:
        for _ in range(2):
            net.shape = before
            net.pool(1, 2)
            net.conv(channels // 2)
        net.concatenate((*now[:2], channels // 2 * 2))
        net.norm()
    elif before[2] != channels:
        net.conv(channels)
    adjusted = net.shape
    net.shape = now
    net.conv(channels)
    made = net.shape
    for shape in (adjusted, made):
        net.shape = shape
        net.activate(_RELU)
    return adjusted, made


def _normal(net: Drawing, before: Shape, channels: int) -> Shape:
    now = net.shape
    p, h = _adjusted(net, before, channels)
    for first, second in (((h, 5), (p, 3)), ((p, 5), (p, 3))):
        _separable(net, first[0], channels, first[1])
        _separable(net, second[0], channels, second[1])
        net.combine()
    _pooled(net, h)
    net.combine()
    _pooled(net, p)
    net.combine()  # the average and itself: it is made once
    _separable(net, h, channels, 3)
    net.combine()
    net.concatenate((*now[:2], channels * 5 + p[2]))
    return now


def _reduction(net: Drawing, before: Shape | None, channels: int) -> Shape:
    now = net.shape
    p, h = _adjusted(net, before, channels)
    _separable(net, h, channels, 5, 2)
    _separable(net, p, channels, 7, 2)
    net.combine()
    half = net.shape
    _pooled(net, h, 2)
    _separable(net, p, channels, 7, 2)
    net.combine()
    _pooled(net, h, 2)
    _separable(net, p, channels, 5, 2)
    net.combine()
    _pooled(net, half)
    net.combine()
    _separable(net, half, channels, 3)
    _pooled(net, h, 2)
    net.combine()
    net.concatenate((*half[:2], 4 * channels))
    return now
