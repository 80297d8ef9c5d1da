"""Vision transformers' layers: ViT, DeiT, BEiT, and CLIP's image encoder."""

from __future__ import annotations

from edgetl.networks._base import Drawing
from edgetl.networks._blocks import transformer

TITLE = "Transformers on patches of the picture: ViT and DeiT, BEiT, CLIP's image encoder."
PAPER = (
    "Dosovitskiy et al., 2020, arXiv:2010.11929; Touvron et al., 2020, arXiv:2012.12877; Bao et al., BEiT, 2021, arXiv:2106.08254"
)

_SIZES = {"tiny": (192, 3, 12), "small": (384, 6, 12), "base": (768, 12, 12), "large": (1024, 16, 24)}
"""Channels, heads, layers."""
_MEMBERS = {
    "vit": ("base", 16, 224),
    "vit_b_16": ("base", 16, 224),
    "vit_b_32": ("base", 32, 224),
    "vit_l_16": ("large", 16, 224),
    "vit_b_384": ("base", 16, 384),
    "vit_tiny": ("tiny", 16, 224),
    "vit_small": ("small", 16, 224),
    "deit_tiny": ("tiny", 16, 224),
    "deit_small": ("small", 16, 224),
    "deit_base": ("base", 16, 224),
    "beit": ("base", 16, 224),
    "openai_clip": ("base", 16, 224),
}
"""Size, side of a patch and usual input in pixels."""
MODELS = {model: px for model, (_, _, px) in _MEMBERS.items()}
WIDTHS: dict[str, tuple[float, ...]] = {}


def draw(model: str, alpha: float, px: int) -> Drawing:
    """See `NetworkModule.draw`."""
    size, patch, _ = _MEMBERS[model]
    channels, heads, layers = _SIZES[size]
    clip, beit = model == "openai_clip", model == "beit"
    net = Drawing(px)
    net.conv(channels, patch, patch, valid=True, bias=not clip)
    net.move((1, net.shape[0] * net.shape[1] + 1, channels))  # and the class token
    if not beit:
        net.add_constant(net.elements)  # positions
    if clip:
        net.norm()
    for _ in range(layers):
        transformer(net, heads, 4 * channels, biased=beit)
    net.norm()
    net.move((1, 1, channels))  # the class token alone
    net.dense(512 if clip else 1000)
    if not clip:
        net.activate("softmax")
    return net
