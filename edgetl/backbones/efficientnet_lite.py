"""EfficientNet-Lite: EfficientNet without squeeze-and-excite and with ReLU6 throughout, made for integers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults
from edgetl.errors import InputError

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "EfficientNet without squeeze-and-excite, ReLU6 throughout; more accurate and larger; loses little to int8."
LICENCE = "Apache-2.0 (TensorFlow TPU models)"
PAPER = "Tan and Le, EfficientNet, ICML 2019, arXiv:1905.11946; Lite: TensorFlow TPU models, 2020"
_SOURCE = (
    "tensorflow/tpu models/official/efficientnet/lite/README.md (top-1); macs and params without top counted from the network: "
    "published are {published} M macs"
)
SPECS = {
    f"efficientnet_lite_{variant}_1": BackboneSpec(
        variant=variant,
        alpha=1.0,
        input_px=px,
        params_m=params,
        macs_m=macs,
        top1_imagenet=top1,
        source=_SOURCE.format(published=published),
    )
    for variant, px, params, macs, top1, published in (
        ("lite0", 224, 3.41, 385, 0.751, 407),
        ("lite1", 240, 4.19, 600, 0.767, 631),
        ("lite2", 260, 4.87, 860, 0.776, 899),
        ("lite3", 280, 6.99, 1383, 0.798, 1440),
        ("lite4", 300, 11.84, 2553, 0.815, 2640),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("lite0", "lite1", "lite2", "lite3", "lite4")

_SCALES = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2), "lite3": (1.2, 1.4), "lite4": (1.4, 1.8)}
"""Width and depth, from efficientnet_lite_builder.py beside the README above."""
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
"""Repeats, filters, expansion, kernel, stride of EfficientNet-B0's stages."""


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
        found.append(("alpha", "efficientnet_lite is scaled by its variant (lite0 to lite4), not by alpha; leave alpha at 1."))
    return (*found, *width_faults(section, (), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    names = ["stem_conv"]
    for block in _blocks(section):
        parts = ("expand_conv", "dwconv", "project_conv")
        names += [block.prefix + part for part in parts[block.expansion == 1 :]]
    return (*names, "top_conv")


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`. None is published for Keras; `faults` says so before.

    Raises:
        InputError: always.
    """
    raise InputError("efficientnet_lite has no imagenet weights; use none, or a file.")


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """See `BackboneModule`. Lite's layers have names and shapes of EfficientNet's, which without its gates is another network.

    Raises:
        InputError: the file is EfficientNet's.
    """
    gates = [name for name in arrays if "_se_" in name]
    if gates:
        raise InputError(f"backbone.weights: the file holds squeeze-and-excite layers ({gates[0]} …): use backbone efficientnet.")
    return arrays


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`. Layers are named as in keras.applications' EfficientNet; batch norm has its epsilon."""
    import tf_keras

    image = tf_keras.Input((section.input_px, section.input_px, 3), name="image")
    x = _relu6(_convolution(image, "stem_", _STEM, kernel=3, stride=2), "stem_")
    for block in _blocks(section):
        x = _inverted_residual(x, block)
    x = _relu6(_convolution(x, "top_", _HEAD), "top_")
    return tf_keras.Model(image, x, name=f"efficientnet_{section.variant or VARIANTS[0]}")


def _blocks(section: Backbone) -> Iterator[_Block]:
    """Blocks in order; neither the first nor the last stage is made deeper."""
    width, depth = _SCALES[section.variant or VARIANTS[0]]
    for number, (repeats, filters, expansion, kernel, stride) in enumerate(_STAGES, start=1):
        count = repeats if number in (1, len(_STAGES)) else math.ceil(depth * repeats)
        for index in range(count):
            prefix = f"block{number}{chr(ord('a') + index)}_"
            yield _Block(prefix, _rounded(filters * width), expansion, kernel, 1 if index else stride)


def _rounded(channels: float) -> int:
    """Round to a multiple of 8, at least 8, never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _inverted_residual(x: Any, block: _Block) -> Any:
    from tf_keras import layers

    shortcut, channels = x, x.shape[-1]
    if block.expansion != 1:
        x = _convolution(x, f"{block.prefix}expand_", channels * block.expansion)
        x = _relu6(x, f"{block.prefix}expand_")
    depthwise = layers.DepthwiseConv2D(
        block.kernel,
        strides=block.stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{block.prefix}dwconv",
    )
    x = _relu6(layers.BatchNormalization(epsilon=1e-3, name=f"{block.prefix}bn")(depthwise(x)), block.prefix)
    x = _convolution(x, f"{block.prefix}project_", block.filters)
    if block.stride == 1 and channels == block.filters:
        x = layers.Add(name=f"{block.prefix}add")([x, shortcut])
    return x


def _initializer() -> Any:
    """Draw as EfficientNet does."""
    import tf_keras

    return tf_keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def _convolution(x: Any, prefix: str, filters: int, kernel: int = 1, stride: int = 1) -> Any:
    from tf_keras import layers

    convolution = layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer=_initializer(), name=f"{prefix}conv"
    )
    return layers.BatchNormalization(epsilon=1e-3, name=f"{prefix}bn")(convolution(x))


def _relu6(x: Any, prefix: str) -> Any:
    import tf_keras

    return tf_keras.layers.ReLU(6.0, name=f"{prefix}activation")(x)
