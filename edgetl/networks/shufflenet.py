"""ShuffleNet's layers, version 1 (three groups) and 2."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import branched

TITLE = "Grouped or split convolutions whose channels are shuffled; v1 of three groups, v2."
PAPER = "Zhang et al., 2017, arXiv:1707.01083; Ma et al., 2018, arXiv:1807.11164; v2's narrow widths as PaddleClas"

_STAGES = {
    0.25: (24, 48, 96, 512),
    0.33: (32, 64, 128, 512),
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}
"""v2: channels of the stages and of the last convolution for each width."""
_TORCHVISION = {f"torchvision_shufflenet_v2_x{width:.1f}".replace(".", "_"): width for width in (0.5, 1.0, 1.5, 2.0)}
MODELS = {"shufflenet_v1": 224, "shufflenet_v2": 224, **dict.fromkeys(_TORCHVISION, 224)}
WIDTHS: dict[str, tuple[float, ...]] = {"shufflenet_v2": tuple(_STAGES)}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(24, 3, 2)
    net.pool(3, 2)
    first = model == "shufflenet_v1"
    *stages, last = (240, 480, 960, 0) if first else _STAGES[_TORCHVISION.get(model, alpha)]
    for channels, blocks in zip(stages, (4, 8, 4), strict=True):
        for block in range(blocks):
            (_grouped if first else _split)(net, channels, 2 if block == 0 else 1)
    if last:
        net.conv(last)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _grouped(net: Drawing, channels: int, stride: int) -> None:
    """Version 1; its first block of all has no groups in its first convolution (paper, section 3.2)."""
    start = net.shape

    def narrow() -> None:
        net.conv(channels // 4, groups=1 if start[2] == 24 else 3)
        net.move()
        net.depthwise(3, stride)
        net.conv(channels - (start[2] if stride == 2 else 0), groups=3)

    if stride == 2:
        branched(net, narrow, lambda: net.pool(3, 2))
    else:
        narrow()
        net.combine()


def _split(net: Drawing, channels: int, stride: int) -> None:
    """Version 2: half of the channels pass, or both halves are made anew at half the size."""
    half, start = channels // 2, net.shape

    def left() -> None:
        if stride == 2:
            net.depthwise(3, 2)
            net.conv(half)
        else:
            net.move((*start[:2], half))

    def right() -> None:
        if stride == 1:
            net.move((*start[:2], half))
        net.conv(half)
        net.depthwise(3, stride)
        net.conv(half)

    branched(net, left, right)
    net.move()
