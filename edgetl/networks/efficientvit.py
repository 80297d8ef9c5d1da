"""EfficientViT's layers (of MIT), b and l series."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import branched, fused_residual, inverted_residual

TITLE = "Attention of linear cost at several scales: b1, b2, b3, l1, l2."
PAPER = "Cai et al., EfficientViT, 2022, arXiv:2205.14756; mit-han-lab/efficientvit"

_SIZES = {
    "b1": ((16, 32, 64, 128, 256), (1, 2, 3, 3, 4), 16, (1536, 1600)),
    "b2": ((24, 48, 96, 192, 384), (1, 3, 4, 4, 6), 32, (2304, 2560)),
    "b3": ((32, 64, 128, 256, 512), (1, 4, 6, 6, 9), 32, (2304, 2560)),
    "l1": ((32, 64, 128, 256, 512), (1, 1, 1, 6, 6), 32, (3072, 3200)),
    "l2": ((32, 64, 128, 256, 512), (1, 2, 2, 8, 8), 32, (3072, 3200)),
}
"""Channels and blocks of each stage, channels of a head, channels of the last two layers."""
_MEMBERS = {f"efficientvit_{size}{end}": size for size in _SIZES for end in ("", "_cls")}
MODELS = dict.fromkeys(_MEMBERS, 224)
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    widths, depths, head, last = _SIZES[_MEMBERS[model]]
    net = Drawing(px)
    act = "gelu" if _MEMBERS[model].startswith("l") else "hard_swish"
    net.conv(widths[0], 3, 2, act=act)
    for _ in range(depths[0]):
        if act == "gelu":
            net.conv(widths[0], 3, act=act)
            net.conv(widths[0], 3)
            net.combine()
        else:
            inverted_residual(net, widths[0], within=widths[0], act=act)
    for stage in range(1, 5):
        (_stage_l if act == "gelu" else _stage_b)(net, stage, widths[stage], depths[stage], head)
    net.conv(last[0], act=act)
    net.global_pool()
    net.dense(last[1])
    net.norm()
    net.activate(act)
    net.dense(1000)
    net.activate("softmax")
    return net


def _stage_b(net: Drawing, stage: int, channels: int, blocks: int, head: int) -> None:
    for block in range(blocks + (stage > 2)):
        if block and stage > 2:
            _attend(net, head)
        inverted_residual(net, channels, within=4 * net.shape[2], stride=1 if block else 2, act="hard_swish")


def _stage_l(net: Drawing, stage: int, channels: int, blocks: int, head: int) -> None:
    expansion = 6 if stage == 4 else 4
    for block in range(blocks + 1):
        within, stride = net.shape[2] * expansion * (1 if block else 4), 1 if block else 2
        if block and stage == 4:
            _attend(net, head)
        if stage < 3:
            fused_residual(net, channels, within=within, stride=stride, act="gelu")
        else:
            inverted_residual(net, channels, within=within, stride=stride, act="gelu")


def _attend(net: Drawing, head: int) -> None:
    """Draw attention with relu in place of softmax, so that keys and values are multiplied first, at two scales."""
    height, width, channels = net.shape
    places = height * width

    def wider() -> None:
        net.depthwise(5)
        net.conv(3 * channels, groups=3 * channels // head, bias=False)

    net.conv(3 * channels, bias=False)
    branched(net, lambda: None, wider)
    net.move()
    net.matmul(places * (head + 1) * 2 * channels, (2 * channels // head, head + 1, head), reads=places * 4 * channels)
    net.matmul(places * (head + 1) * 2 * channels, (height, width, 2 * channels), reads=places * 2 * channels)
    net.combine(others=0)  # divided by the sum
    net.move()
    net.conv(channels)
    net.combine()
