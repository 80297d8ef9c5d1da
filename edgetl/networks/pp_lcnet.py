"""PP-LCNet's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible

TITLE = "Depthwise-separable convolutions with hard-swish, for x86 processors; any width."
PAPER = "Cui et al., PP-LCNet, 2021, arXiv:2109.15099; PaddleClas pp_lcnet.py"
MODELS = {"pp_lcnet": 224}
WIDTHS: dict[str, tuple[float, ...]] = {"pp_lcnet": ()}

_BLOCKS = ((3, 32, 1, 0), (3, 64, 2, 0), (3, 64, 1, 0), (3, 128, 2, 0), (3, 128, 1, 0), (3, 256, 2, 0), *((5, 256, 1, 0),) * 5,
           (5, 512, 2, 1), (5, 512, 1, 1))  # fmt: skip
"""Kernel, channels, stride, squeeze-and-excite."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(divisible(16 * alpha), 3, 2, act="hard_swish")
    for kernel, channels, stride, excite in _BLOCKS:
        net.depthwise(kernel, stride, act="hard_swish")
        if excite:
            net.squeeze_excite(net.shape[2] // 4, gate="hard_sigmoid")
        net.conv(divisible(channels * alpha), act="hard_swish")
    net.global_pool()
    net.conv(1280, act="hard_swish", bias=False)
    net.dense(1000)
    net.activate("softmax")
    return net
