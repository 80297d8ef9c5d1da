"""HRNet's layers, with its classification head."""

from __future__ import annotations

from edgetl.networks._base import Drawing, Shape

TITLE = "Branches of several resolutions that exchange what they know: w18, w32, w48."
PAPER = "Wang et al., Deep High-Resolution Representation Learning, 2019, arXiv:1908.07919; timm's hrnet.py"

MODELS = {"hrnet_w18": 224, "hrnet_w32": 224, "hrnet_w48": 224}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    width = int(model.removeprefix("hrnet_w"))
    net = Drawing(px)
    net.conv(64, 3, 2)
    net.conv(64, 3, 2)
    for _ in range(4):
        _bottleneck(net, 64)
    branches: list[Shape] = []
    trunk = net.shape
    for branch, modules in ((1, 1), (2, 4), (3, 3)):
        if branch == 1:
            net.conv(width, 3)
            branches.append(net.shape)
        net.shape = branches[-1] if branch > 1 else trunk
        net.conv(width * 2**branch, 3, 2)
        branches.append(net.shape)
        for _ in range(modules):
            _exchange(net, branches)
    end = branches[0]
    for branch, shape in enumerate(branches):
        net.shape = shape
        _bottleneck(net, 32 * 2**branch)
        if branch:
            widened, net.shape = net.shape, end
            net.conv(widened[2], 3, 2)
            net.combine()
        end = net.shape
    net.conv(2048)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _bottleneck(net: Drawing, channels: int) -> None:
    start = net.shape
    net.conv(channels)
    net.conv(channels, 3)
    net.conv(4 * channels)
    if start[2] != 4 * channels:
        net.shape = start
        net.conv(4 * channels)
    net.combine()


def _exchange(net: Drawing, branches: list[Shape]) -> None:
    """Four basic blocks in each branch, then each branch adds all others at its own resolution."""
    for shape in branches:
        net.shape = shape
        for _ in range(4):
            net.conv(shape[2], 3)
            net.conv(shape[2], 3)
            net.combine()
    for i, target in enumerate(branches):
        for j, source in enumerate(branches):
            net.shape = source
            if j > i:
                net.conv(target[2])
                net.move(target)
            for step in range(j, i):
                net.conv(target[2] if step == i - 1 else source[2], 3, 2)
        net.shape = target
        for _ in range(len(branches) - 1):
            net.combine()
