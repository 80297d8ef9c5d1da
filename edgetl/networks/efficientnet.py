"""EfficientNet's layers: lite0 to lite4, and b0 to b7 with squeeze-and-excite and swish."""

from __future__ import annotations

from edgetl.networks._base import Drawing, divisible
from edgetl.networks._efficientnet import body

TITLE = "Scaled inverted residuals; lite ones without squeeze-and-excite and swish."
PAPER = "Tan and Le, EfficientNet, 2019, arXiv:1905.11946; tensorflow/tpu efficientnet/lite for the lite ones"

_SCALES = {"lite0": (1.0, 1.0, 224), "lite1": (1.0, 1.1, 240), "lite2": (1.1, 1.2, 260), "lite3": (1.2, 1.4, 280),
           "lite4": (1.4, 1.8, 300), "b0": (1.0, 1.0, 224), "b1": (1.0, 1.1, 240), "b2": (1.1, 1.2, 260), "b3": (1.2, 1.4, 300),
           "b4": (1.4, 1.8, 380), "b5": (1.6, 2.2, 456), "b6": (1.8, 2.6, 528), "b7": (2.0, 3.1, 600)}  # fmt: skip
"""Factor of channels, factor of blocks, usual input side in pixels."""
MODELS = {f"efficientnet_{member}": px for member, (_, _, px) in _SCALES.items()}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    member = model.removeprefix("efficientnet_")
    width, depth, _ = _SCALES[member]
    lite = member.startswith("lite")
    net = Drawing(px)
    body(net, width, depth, lite)
    net.conv(1280 if lite else divisible(1280 * width), act="relu" if lite else "swish")
    net.global_pool()
    net.dense(1000)
    net.activate("softmax")
    return net
