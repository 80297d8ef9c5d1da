"""MobileOne's layers, as they are deployed: branches of the training folded into one convolution each."""

from __future__ import annotations

from edgetl.networks._base import Drawing

TITLE = "Depthwise-separable convolutions, branches folded: s0 to s4."
PAPER = "Vasu et al., MobileOne, 2022, arXiv:2206.04040; apple/ml-mobileone"

_SIZES = {
    "s0": (0.75, 1.0, 1.0, 2.0),
    "s1": (1.5, 1.5, 2.0, 2.5),
    "s2": (1.5, 2.0, 2.5, 4.0),
    "s3": (2.0, 2.5, 3.0, 4.0),
    "s4": (3.0, 3.5, 3.5, 4.0),
}
"""Factors of the channels of each stage."""
MODELS = {f"mobileone_{size}": 224 for size in _SIZES}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    factors = _SIZES[model.removeprefix("mobileone_")]
    net = Drawing(px)
    net.conv(min(64, int(64 * factors[0])), 3, 2)
    for stage, (factor, blocks) in enumerate(zip(factors, (2, 8, 10, 1), strict=True)):
        for block in range(blocks):
            excite = model.endswith("s4") and (stage == 3 or (stage == 2 and block >= blocks // 2))
            net.depthwise(3, 1 if block else 2)
            if excite:
                net.squeeze_excite(net.shape[2] // 16)
            net.conv(int(64 * 2**stage * factor))
            if excite:
                net.squeeze_excite(net.shape[2] // 16)
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net
