"""Deep layer aggregation: DLA-102x and its kin of bottlenecks."""

from __future__ import annotations

from edgetl.networks._base import Drawing, Shape

TITLE = "Trees of residual blocks whose nodes join all below: 60, 102, 102x, 169."
PAPER = "Yu et al., Deep Layer Aggregation, 2017, arXiv:1707.06484; timm's dla.py"

_SIZES = {
    "dla60": ((1, 2, 3, 1), 1, 64, False),
    "dla102": ((1, 3, 4, 1), 1, 64, True),
    "dla102x": ((1, 3, 4, 1), 32, 4, True),
    "dla169": ((2, 3, 5, 1), 1, 64, True),
}
"""Depth of each tree, groups, channels of a group at 64, whether joints add their first child."""
MODELS = dict.fromkeys(_SIZES, 224)
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    depths, groups, base, adds = _SIZES[model]
    net = Drawing(px)
    net.conv(16, 7)
    net.conv(16, 3)
    net.conv(32, 3, 2)
    for level, depth in enumerate(depths):
        start, children = net.shape, 0
        if level:  # what came in, halved, is a child too
            net.pool(2, valid=True)
            children, net.shape = start[2], start
        _tree(net, depth, 128 * 2**level, 2, children, groups, base, adds)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net


def _tree(net: Drawing, depth: int, channels: int, stride: int, children: int, groups: int, base: int, adds: bool) -> None:
    """Two subtrees, or at depth 1 two blocks and a joint, a 1x1 convolution of both and all `children` channels."""
    if depth == 1:
        start = net.shape
        _block(net, start, channels, stride, groups, base)
        _block(net, net.shape, channels, 1, groups, base)
        net.concatenate((*net.shape[:2], 2 * channels + children))
        net.conv(channels)
        if adds:
            net.combine()
    else:
        _tree(net, depth - 1, channels, stride, 0, groups, base, adds)
        _tree(net, depth - 1, channels, 1, children + channels, groups, base, adds)


def _block(net: Drawing, start: Shape, channels: int, stride: int, groups: int, base: int) -> None:
    within = channels * base // 64 * groups // 2
    net.conv(within)
    net.conv(within, 3, stride, groups=groups)
    net.conv(channels)
    end = net.shape
    if start != end:
        net.shape = start
        if stride == 2:
            net.pool(2, valid=True)
        if start[2] != channels:
            net.conv(channels)
    net.shape = end
    net.combine()
