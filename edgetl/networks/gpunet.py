"""GPUNet-0's layers."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import fused_residual, inverted_residual

TITLE = "Found by search for graphics processors: GPUNet-0."
PAPER = "Wang et al., GPUNet, 2022, arXiv:2205.00841; NVIDIA/DeepLearningExamples, GPUNet/configs/batch1/GV100/0.65ms.json"
MODELS = {"gpunet": 320}
WIDTHS: dict[str, tuple[float, ...]] = {}

_FUSED = ((32, 2), (32, 1), (64, 2), (64, 1), (64, 1))
_DEEP = ((256, 2, 0), (256, 1, 0), (256, 1, 0), (704, 2, 1), (704, 1, 1))
"""Channels, stride, whether squeeze-and-excite (with relu; without it swish)."""


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    net.conv(32, 3, 2)
    for _ in range(2):
        net.conv(32, 3)
    for channels, stride in _FUSED:
        fused_residual(net, channels, within=5 * net.shape[2], stride=stride)
    for channels, stride, excite in _DEEP:
        entering = net.shape[2]
        inverted_residual(net, channels, within=5 * entering, stride=stride, act="relu" if excite else "swish",
                          squeezed=entering // 4 if excite else 0)  # fmt: skip
    net.conv(1280)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net
