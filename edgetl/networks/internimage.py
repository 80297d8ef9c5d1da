"""InternImage's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import linear

TITLE = "Deformable convolutions: tiny, small, base."
PAPER = (
    "Wang et al., InternImage, 2022, arXiv:2211.05778; OpenGVLab/InternImage; sampling counts nine products a channel and place"
)

_SIZES = {
    "internimage": ((4, 4, 18, 4), 64),
    "internimage_s": ((4, 4, 21, 4), 80),
    "internimage_b": ((4, 4, 21, 4), 112),
}
"""Blocks of each stage, channels of the first; `internimage` is the tiny one."""
MODELS = dict.fromkeys(_SIZES, 224)
WIDTHS: dict[str, tuple[float, ...]] = {}

_GROUP, _POINTS = 16, 9
"""Channels that share offsets; points that are sampled."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    depths, first = _SIZES[model]
    net = Drawing(px)
    net.conv(first // 2, 3, 2)
    net.norm()
    net.activate("gelu")
    for stage, blocks in enumerate(depths):
        channels = first * 2**stage
        net.conv(channels, 3, 2, bias=stage == 0)
        net.norm()
        for _ in range(blocks):
            net.norm()
            _deform(net, channels)
            _join(net, channels)
            net.norm()
            linear(net, 4 * channels, "gelu")
            linear(net, channels)
            _join(net, channels)
    net.conv(net.shape[2] * 3 // 2, act="gelu")
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _join(net: Drawing, channels: int) -> None:
    """Scale each channel, add what came in."""
    net.add_constant(channels)
    net.combine()


def _deform(net: Drawing, channels: int) -> None:
    """Offsets and weights of nine points come from the picture; what lies there is gathered, weighed and added up."""
    height, width, _ = net.shape
    shape, groups = net.shape, channels // _GROUP
    net.depthwise(3)
    net.norm()
    net.activate("gelu")
    for numbers in (2, 1):
        net.shape = shape
        linear(net, groups * _POINTS * numbers)
    net.activate("softmax")
    net.shape = shape
    linear(net, channels)
    net.move((height, width, _POINTS * channels))
    net.matmul(height * width * _POINTS * channels, shape)
    linear(net, channels)
