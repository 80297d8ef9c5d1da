"""RepViT's layers, as they are deployed: branches of the training folded."""

from __future__ import annotations

from edgetl.networks._base import Drawing

TITLE = "Depthwise convolutions and 1x1 ones arranged as in a transformer: m0.9 to m2.3."
PAPER = "Wang et al., RepViT, 2023, arXiv:2307.09283; THU-MIG/RepViT"

_SIZES = {
    "m0_9": ((2, 2, 14, 2), 48),
    "m1_0": ((2, 2, 14, 2), 56),
    "m1_1": ((2, 2, 12, 2), 64),
    "m1_5": ((4, 4, 24, 4), 64),
    "m2_3": ((6, 6, 34, 2), 80),
}
"""Blocks of each stage, channels of the first."""
MODELS = {f"repvit_{size}": 224 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    depths, first = _SIZES[model.removeprefix("repvit_")]
    net = Drawing(px)
    net.conv(first // 2, 3, 2, act="gelu")
    net.conv(first, 3, 2)
    for stage, blocks in enumerate(depths):
        if stage:
            _block(net, excite=False)
            net.depthwise(3, 2)
            net.conv(first * 2**stage)
            _feed(net)
        for block in range(blocks):
            _block(net, excite=block % 2 == 0)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _block(net: Drawing, *, excite: bool) -> None:
    net.depthwise(3)
    if excite:
        net.squeeze_excite(net.shape[2] // 4)
    _feed(net)


def _feed(net: Drawing) -> None:
    channels = net.shape[2]
    net.conv(2 * channels, act="gelu")
    net.conv(channels)
    net.combine()
