"""MnasNet-B1's layers, and those of ProxylessNAS (mobile)."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._blocks import inverted_residual

TITLE = "Inverted residuals found by search: MnasNet-B1 of any width, ProxylessNAS for mobile CPUs."
PAPER = "Tan et al., MnasNet, 2018, arXiv:1807.11626 (torchvision's mnasnet.py); Cai et al., ProxylessNAS, 2018, arXiv:1812.00332"

_TORCHVISION = {f"torchvision_mnasnet{str(width).replace('.', '_')}": width for width in (0.5, 0.75, 1.0, 1.3)}
MODELS = {"mnasnet": 224, **dict.fromkeys(_TORCHVISION, 224), "proxylessnas": 224}
WIDTHS: dict[str, tuple[float, ...]] = {"mnasnet": ()}

_MNASNET = ((3, 24, 3, 2, 3), (5, 40, 3, 2, 3), (5, 80, 3, 2, 6), (3, 96, 2, 1, 6), (5, 192, 4, 2, 6), (3, 320, 1, 1, 6))
"""Kernel, channels, blocks, stride of the first, expansion."""
_PROXYLESS = (
    (32, 2, ((5, 3), (3, 3))),
    (40, 2, ((7, 3), (3, 3), (5, 3), (5, 3))),
    (80, 2, ((7, 6), (5, 3), (5, 3), (5, 3))),
    (96, 1, ((5, 6), (5, 3), (5, 3), (5, 3))),
    (192, 2, ((7, 6), (7, 6), (7, 3), (7, 3))),
    (320, 1, ((7, 6),)),
)
"""Channels, stride of the first block, kernel and expansion of each."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    width = _TORCHVISION.get(model, alpha)
    net = Drawing(px)
    net.conv(divisible(32 * width), 3, 2)
    inverted_residual(net, divisible(16 * width), within=net.shape[2], add=False)
    stages: tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...] = _PROXYLESS
    if model != "proxylessnas":
        stages = tuple((divisible(c * width), stride, ((kernel, e),) * n) for kernel, c, n, stride, e in _MNASNET)
    for channels, first, blocks in stages:
        for block, (kernel, expansion) in enumerate(blocks):
            stride, within = 1 if block else first, net.shape[2] * expansion
            inverted_residual(net, channels, within=within, kernel=kernel, stride=stride, add=block > 0)
    net.conv(1280)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net
