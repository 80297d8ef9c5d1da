"""ESNet's layers: ShuffleNet v2 with squeeze-and-excite."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import branched

TITLE = "ShuffleNet v2 with squeeze-and-excite and hard-swish; any width."
PAPER = "Yu et al., PP-PicoDet, 2021, arXiv:2111.00902; PaddleClas esnet.py"
MODELS = {"esnet": 224}
WIDTHS: dict[str, tuple[float, ...]] = {"esnet": ()}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(24, 3, 2, act="hard_swish")
    net.pool(3, 2, pad=1)
    for channels, blocks in ((116, 3), (232, 7), (464, 3)):
        for block in range(blocks):
            (_same if block else _halved)(net, divisible(channels * alpha) // 2)
    net.conv(1024, act="hard_swish")
    net.global_pool()
    net.conv(1280, act="hard_swish", bias=False)
    net.dense(1000)
    net.activate("softmax")
    return net


def _halved(net: Drawing, half: int) -> None:
    def left() -> None:
        net.depthwise(3, 2)
        net.conv(half, act="hard_swish")

    def right() -> None:
        net.conv(half, act="hard_swish")
        net.depthwise(3, 2)
        net.squeeze_excite(half // 4, gate="hard_sigmoid")
        net.conv(half, act="hard_swish")

    branched(net, left, right)
    net.depthwise(3, act="hard_swish")
    net.conv(2 * half, act="hard_swish")


def _same(net: Drawing, half: int) -> None:
    start = net.shape

    def right() -> None:
        net.move((*start[:2], half))
        net.conv(half, act="hard_swish")
        branched(net, lambda: None, lambda: net.depthwise(3))
        net.squeeze_excite(half // 2, gate="hard_sigmoid")
        net.conv(half, act="hard_swish")

    branched(net, lambda: net.move((*start[:2], half)), right)
    net.move()
