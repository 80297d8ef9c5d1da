"""VGG's layers, and AlexNet's: plain stacks of convolutions with three dense layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing

TITLE = "Plain stacks with three large dense layers: AlexNet, VGG of 11 to 19 layers."
PAPER = "Simonyan and Zisserman, 2014, arXiv:1409.1556; Krizhevsky, 2012 (alexnet: Caffe's, two groups) and 2014, arXiv:1404.5997"

_BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_VGG = {
    name: blocks
    for depth, blocks in _BLOCKS.items()
    for name in (f"vgg{depth}", f"vgg{depth}_bn", f"torchvision_vgg{depth}", f"torchvision_vgg{depth}_bn")
}
"""Batch normalisation is folded, so `_bn` changes nothing."""
MODELS = {**dict.fromkeys(_VGG, 224), "alexnet": 227, "torchvision_alexnet": 224}
WIDTHS: dict[str, tuple[float, ...]] = {}

_ALEXNET = {
    "alexnet": ((96, 11, 0, 1), (256, 5, 2, 2), (384, 3, 1, 1), (384, 3, 1, 2), (256, 3, 1, 2)),
    "torchvision_alexnet": ((64, 11, 2, 1), (192, 5, 2, 1), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1)),
}
"""Channels, kernel, padding, groups."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    if model in _ALEXNET:
        for layer, (channels, kernel, pad, groups) in enumerate(_ALEXNET[model]):
            net.conv(channels, kernel, 1 if layer else 4, pad=pad, groups=groups)
            if layer < 2 and model == "alexnet":
                net.scale()  # local response normalisation
            if layer in (0, 1, 4):
                net.pool(3, 2, valid=True)
    else:
        for stage, count in enumerate(_VGG[model]):
            for _ in range(count):
                net.conv(min(512, 64 * 2**stage), 3)
            net.pool(2, valid=True)
    net.dense(4096)
    net.dense(4096)
    net.dense(1000)
    net.activate("softmax")
    return net
