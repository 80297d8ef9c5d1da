"""EfficientNetV2: full convolutions where maps are large, squeeze-and-excite where they are small, swish throughout.

Names and weights are those of keras.applications.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from edgetl.backbones import _swish_blocks as blocks
from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "EfficientNet with full convolutions in its first stages; more accurate, and quicker where those are, but larger."
LICENCE = "Apache-2.0 (google/automl and Keras applications)"
PAPER = "Tan and Le, EfficientNetV2, ICML 2021, arXiv:2104.00298"
SPECS = {
    f"efficientnet_v2_{variant}_1": BackboneSpec(
        variant=variant,
        alpha=1.0,
        input_px=px,
        params_m=params,
        macs_m=macs,
        top1_imagenet=top1,
        source=f"google/automl efficientnetv2/README.md (top-1; published: {published}); macs and params without top counted "
        "from the network",
    )
    for variant, px, params, macs, top1, published in (
        ("b0", 224, 5.92, 718.5, 0.787, "0.72 B FLOPs, 7.1 M params"),
        ("b1", 240, 6.93, 1197, 0.798, "1.2 B FLOPs, 8.1 M params"),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("b0", "b1")

_DEPTHS = {"b0": 1.0, "b1": 1.1}
"""From tf_keras/src/applications/efficientnet_v2.py; both have the same width."""
_STEM, _HEAD = 32, 1280
_STAGES = (
    (1, 16, 1, 1, True),
    (2, 32, 4, 2, True),
    (2, 48, 4, 2, True),
    (3, 96, 4, 2, False),
    (5, 112, 6, 1, False),
    (8, 192, 6, 2, False),
)
"""Repeats, filters, expansion, stride, whether the block is fused, of B0's stages; all kernels are 3x3."""
_SQUEEZE = 0.25
"""Channels of the squeeze as a share of the block's input."""


class _Block(NamedTuple):
    prefix: str
    filters: int
    expansion: int
    stride: int
    fused: bool


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "efficientnet_v2 is scaled by its variant (b0, b1), not by alpha; leave alpha at 1."))
        return tuple(found)
    return (*found, *width_faults(section, (1.0,), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    names = [blocks.NORMALISE, "stem_conv"]
    for block in _blocks(section):
        parts = (
            ("expand_conv", "project_conv")
            if block.fused
            else ("expand_conv", "dwconv2", "se_reduce", "se_expand", "project_conv")
        )
        names += [block.prefix + part for part in parts[block.expansion == 1 :]]
    return (*names, "top_conv")


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`."""
    name = f"efficientnetv2-{_variant(section)}_notop.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/{name}"
    return ImagenetFile(name=name, url=url, sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Add the layer `normalise` to the weights of a keras.applications file, see `with_normalisation`.

    Keras' own normalisation has no weights here, so a file does not tell whether its network had it (`include_preprocessing`).
    """
    return blocks.with_normalisation(f"efficientnet_v2 {_variant(section)}", layer_names(section), arrays)


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`. Keras' dropping of whole residuals in training is left out."""
    import tf_keras

    image, x = blocks.image_input(section.input_px)
    x = blocks.swish(blocks.convolution(x, "stem_", _STEM, kernel=3, stride=2), "stem_activation")
    for block in _blocks(section):
        x = _residual(x, block)
    x = blocks.swish(blocks.convolution(x, "top_", _HEAD), "top_activation")
    return tf_keras.Model(image, x, name=f"efficientnet_v2_{_variant(section)}")


def _variant(section: Backbone) -> str:
    return section.variant or VARIANTS[0]


def _blocks(section: Backbone) -> Iterator[_Block]:
    """Blocks in order."""
    for number, (repeats, filters, expansion, stride, fused) in enumerate(_STAGES, start=1):
        for index in range(math.ceil(_DEPTHS[_variant(section)] * repeats)):
            yield _Block(f"block{number}{chr(ord('a') + index)}_", filters, expansion, 1 if index else stride, fused)


def _residual(x: Any, block: _Block) -> Any:
    import tf_keras

    shortcut = x
    x = (_fused if block.fused else _inverted)(x, block)
    if block.stride == 1 and shortcut.shape[-1] == block.filters:
        x = tf_keras.layers.Add(name=f"{block.prefix}add")([x, shortcut])
    return x


def _fused(x: Any, block: _Block) -> Any:
    """A full convolution in place of the expanding and the depthwise one; where nothing is expanded, it is all there is."""
    prefix = block.prefix
    if block.expansion == 1:
        return blocks.swish(
            blocks.convolution(x, f"{prefix}project_", block.filters, 3, block.stride), f"{prefix}project_activation"
        )
    x = blocks.convolution(x, f"{prefix}expand_", x.shape[-1] * block.expansion, 3, block.stride)
    return blocks.convolution(blocks.swish(x, f"{prefix}expand_activation"), f"{prefix}project_", block.filters)


def _inverted(x: Any, block: _Block) -> Any:
    channels, prefix = x.shape[-1], block.prefix
    x = blocks.swish(blocks.convolution(x, f"{prefix}expand_", channels * block.expansion), f"{prefix}expand_activation")
    x = blocks.swish(blocks.depthwise(x, prefix, "dwconv2", 3, block.stride), f"{prefix}activation")
    x = blocks.squeeze_excite(x, prefix, max(1, int(channels * _SQUEEZE)))
    return blocks.convolution(x, f"{prefix}project_", block.filters)
