"""FastViT's layers and those of MobileCLIP's image encoders, as they are deployed: branches of the training folded."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import attention, linear, transformer

TITLE = "Large depthwise convolutions, attention in the last stage: FastViT t8 to ma36, MobileCLIP's image encoders."
PAPER = "Vasu et al., FastViT, 2023, arXiv:2303.14189; MobileCLIP, 2023, arXiv:2311.17049; apple/ml-fastvit, apple/ml-mobileclip"

_SIZES = {
    "fastvit_t8": ((2, 2, 4, 2), 48, 3, False, 1000),
    "fastvit_t12": ((2, 2, 6, 2), 64, 3, False, 1000),
    "fastvit_s12": ((2, 2, 6, 2), 64, 4, False, 1000),
    "fastvit_sa12": ((2, 2, 6, 2), 64, 4, True, 1000),
    "fastvit_sa24": ((4, 4, 12, 4), 64, 4, True, 1000),
    "fastvit_sa36": ((6, 6, 18, 6), 64, 4, True, 1000),
    "fastvit_ma36": ((6, 6, 18, 6), 76, 4, True, 1000),
    "mobileclip_s0": ((2, 6, 10, 2), 64, 3, True, 512),
    "mobileclip_s1": ((4, 12, 20, 4), 64, 3, True, 512),
    "mobileclip_s2": ((4, 12, 24, 4), 80, 3, True, 512),
}
"""Blocks of each stage, channels of the first, expansion, attention in the last stage, numbers that come out."""
_CLIP = {f"mobileclip{generation}-s{size}_image_encoder": f"mobileclip_s{size}" for generation in ("", "2") for size in (0, 1, 2)}
_PLAIN = {
    **dict.fromkeys(
        ("mobileclip-b_image_encoder", "mobileclip-b_(lt)_image_encoder", "mobileclip2-b_image_encoder"), (768, 12, 16, 512)
    ),
    **dict.fromkeys(("mobileclip-l/14_image_encoder", "mobileclip2-l/14_image_encoder"), (1024, 24, 14, 768)),
}
"""Encoders that are plain transformers: channels, layers, side of a patch in pixels, numbers that come out."""
MODELS = {
    **dict.fromkeys((*(size for size in _SIZES if size.startswith("fastvit")), *_CLIP), 256),
    **dict.fromkeys(_PLAIN, 224),
}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    net = Drawing(px)
    if model in _PLAIN:
        _plain(net, *_PLAIN[model])
        return net
    depths, first, expansion, attends, answers = _SIZES[_CLIP.get(model, model)]
    net.conv(first, 3, 2, act="gelu")
    net.conv(first, 3, 2, groups=first, act="gelu")
    net.conv(first, act="gelu")
    for stage, blocks in enumerate(depths):
        channels = first * 2**stage
        if stage:
            net.conv(channels, 7, 2, groups=channels // 2, act="gelu" if answers == 512 else "")
            net.conv(channels, act="gelu")
        looks = attends and stage == 3
        if looks:
            net.depthwise(7)
        for _ in range(blocks):
            if looks:
                net.norm()
                attention(net, channels // 32)
                net.add_constant(channels)
                net.combine()
            else:
                net.depthwise(3)
            _feed(net, channels, expansion)
    net.conv(2 * net.shape[2], 3, groups=net.shape[2])
    net.squeeze_excite(net.shape[2] // 16)
    net.activate("gelu")
    net.global_pool()
    net.dense(answers)
    if answers == 1000:
        net.activate("softmax")
    return net


def _feed(net: Drawing, channels: int, expansion: int) -> None:
    """Draw a large depthwise convolution and two matrices at each place."""
    net.depthwise(7)
    net.conv(expansion * channels, act="gelu")
    net.conv(channels)
    net.add_constant(channels)
    net.combine()


def _plain(net: Drawing, channels: int, layers: int, patch: int, answers: int) -> None:
    if patch == 16:  # a stem of convolutions makes the patches
        net.conv(channels // 4, 4, 4, valid=True, act="gelu")
        net.conv(channels // 4, 2, 2, valid=True, act="gelu")
        net.conv(channels, 2, 2, valid=True)
    else:
        net.conv(channels, patch, patch, valid=True)
    net.move((1, net.shape[0] * net.shape[1] + 1, channels))
    net.add_constant(net.elements)
    for _ in range(layers):
        transformer(net, channels // 64, 4 * channels)
    net.norm()
    net.move((1, 1, channels))
    linear(net, answers)
