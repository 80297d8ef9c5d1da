"""Sequencer2D's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import branched, linear, shared

TITLE = "Recurrent cells along rows and columns: small, medium, large."
PAPER = "Tatsunami and Taki, Sequencer, 2022, arXiv:2205.01972; timm's sequencer.py; recurrences unrolled step by step"

_DEPTHS = {"sequencer2d": (4, 3, 8, 3), "sequencer2d_m": (4, 3, 14, 3), "sequencer2d_l": (8, 8, 16, 4)}
"""Blocks of each stage; `sequencer2d` is the small one."""
MODELS = dict.fromkeys(_DEPTHS, 224)
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(192, 7, 7, valid=True)
    for stage, blocks in enumerate(_DEPTHS[model]):
        if stage == 1:
            net.conv(384, 2, 2, valid=True)
        elif stage:
            net.conv(384)
        for _ in range(blocks):
            _block(net, 48 if stage == 0 else 96)
    net.norm()
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _block(net: Drawing, hidden: int) -> None:
    channels = net.shape[2]
    net.norm()
    branched(net, lambda: _recurrent(net, hidden, 0), lambda: _recurrent(net, hidden, 1))
    linear(net, channels)
    net.combine()
    net.norm()
    linear(net, 3 * channels, "gelu")
    linear(net, channels)
    net.combine()


def _recurrent(net: Drawing, hidden: int, axis: int) -> None:
    """Draw long short-term memory in both directions along rows (0) or columns (1)."""
    height, width, _ = net.shape
    steps, lines = (height, width)[axis], (width, height)[axis]
    net.move()
    linear(net, 8 * hidden)
    for _ in range(2):
        for step in range(steps):
            since = len(net.layers)
            net.shape = (1, lines, hidden)
            linear(net, 4 * hidden)
            net.activate("sigmoid")
            net.shape = (1, lines, hidden)
            net.combine(others=3)
            if step:
                shared(net, since)
    net.shape = (height, width, 2 * hidden)
    net.move()
