"""EfficientNet: inverted residuals with squeeze-and-excite and swish; names and weights are those of keras.applications."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from edgetl.backbones import _swish_blocks as blocks
from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Squeeze-and-excite and swish, scaled in width, depth and pixels; more accurate than MobileNet, several times its cost."
LICENCE = "Apache-2.0 (TensorFlow TPU models and Keras applications)"
PAPER = "Tan and Le, EfficientNet, ICML 2019, arXiv:1905.11946"
SPECS = {
    f"efficientnet_{variant}_1": BackboneSpec(
        variant=variant,
        alpha=1.0,
        input_px=px,
        params_m=params,
        macs_m=macs,
        top1_imagenet=top1,
        source=f"paper, table 2 (top-1; published: {published}); macs and params without top counted from the network",
    )
    for variant, px, params, macs, top1, published in (
        ("b0", 224, 4.05, 386.3, 0.771, "0.39 B FLOPs, 5.3 M params"),
        ("b1", 240, 6.58, 687.3, 0.791, "0.70 B FLOPs, 7.8 M params"),
        ("b2", 260, 7.77, 994.2, 0.801, "1.0 B FLOPs, 9.2 M params"),
        ("b3", 300, 10.78, 1828, 0.816, "1.8 B FLOPs, 12 M params"),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("b0", "b1", "b2", "b3")

_SCALES = {"b0": (1.0, 1.0), "b1": (1.0, 1.1), "b2": (1.1, 1.2), "b3": (1.2, 1.4)}
"""Width and depth, from tf_keras/src/applications/efficientnet.py."""
_STEM, _HEAD = 32, 1280
_STAGES = (
    (1, 16, 1, 3, 1),
    (2, 24, 6, 3, 2),
    (2, 40, 6, 5, 2),
    (3, 80, 6, 3, 2),
    (3, 112, 6, 5, 1),
    (4, 192, 6, 5, 2),
    (1, 320, 6, 3, 1),
)
"""Repeats, filters, expansion, kernel, stride of B0's stages."""
_SQUEEZE = 0.25
"""Channels of the squeeze as a share of the block's input."""


class _Block(NamedTuple):
    prefix: str
    filters: int
    expansion: int
    kernel: int
    stride: int


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "efficientnet is scaled by its variant (b0 to b3), not by alpha; leave alpha at 1."))
        return tuple(found)
    return (*found, *width_faults(section, (1.0,), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    names = [blocks.NORMALISE, "stem_conv"]
    for block in _blocks(section):
        parts = ("expand_conv", "dwconv", "se_reduce", "se_expand", "project_conv")
        names += [block.prefix + part for part in parts[block.expansion == 1 :]]
    return (*names, "top_conv")


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`."""
    name = f"efficientnet{_variant(section)}_notop.h5"
    return ImagenetFile(name=name, url=f"https://storage.googleapis.com/keras-applications/{name}", sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Add the layer `normalise` to the weights of a keras.applications file, see `with_normalisation`.

    Why two variances are taken there: the published files hold the deviation in place of the variance of their layer
    `normalization`, and Keras divides by its root once more behind it (tensorflow/tensorflow#49930); a network that was built
    without the published weights has no such second division, so there the variance must be the deviation's square.
    """
    return blocks.with_normalisation(f"efficientnet {_variant(section)}", layer_names(section), arrays)


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`. Keras' dropping of whole residuals in training is left out."""
    import tf_keras

    width, _ = _SCALES[_variant(section)]
    image, x = blocks.image_input(section.input_px)
    x = blocks.swish(blocks.convolution(x, "stem_", _rounded(_STEM * width), kernel=3, stride=2), "stem_activation")
    for block in _blocks(section):
        x = _inverted_residual(x, block)
    x = blocks.swish(blocks.convolution(x, "top_", _rounded(_HEAD * width)), "top_activation")
    return tf_keras.Model(image, x, name=f"efficientnet_{_variant(section)}")


def _variant(section: Backbone) -> str:
    return section.variant or VARIANTS[0]


def _blocks(section: Backbone) -> Iterator[_Block]:
    """Blocks in order."""
    width, depth = _SCALES[_variant(section)]
    for number, (repeats, filters, expansion, kernel, stride) in enumerate(_STAGES, start=1):
        for index in range(math.ceil(depth * repeats)):
            prefix = f"block{number}{chr(ord('a') + index)}_"
            yield _Block(prefix, _rounded(filters * width), expansion, kernel, 1 if index else stride)


def _rounded(channels: float) -> int:
    """Round to a multiple of 8, at least 8, never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _inverted_residual(x: Any, block: _Block) -> Any:
    import tf_keras

    shortcut, channels, prefix = x, x.shape[-1], block.prefix
    if block.expansion != 1:
        x = blocks.convolution(x, f"{prefix}expand_", channels * block.expansion)
        x = blocks.swish(x, f"{prefix}expand_activation")
    x = blocks.swish(blocks.depthwise(x, prefix, "dwconv", block.kernel, block.stride), f"{prefix}activation")
    x = blocks.squeeze_excite(x, prefix, max(1, int(channels * _SQUEEZE)))
    x = blocks.convolution(x, f"{prefix}project_", block.filters)
    if block.stride == 1 and channels == block.filters:
        x = tf_keras.layers.Add(name=f"{prefix}add")([x, shortcut])
    return x
