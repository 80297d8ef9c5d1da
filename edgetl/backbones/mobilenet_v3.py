"""MobileNetV3: inverted residuals with squeeze-and-excite and hard-swish; names and weights are those of keras.applications.

The gate of squeeze-and-excite is hard_sigmoid(x) = relu6(x + 3) / 6. Here the 3 stands in the bias of the convolution before it
and the 1/6 in the kernel of the (linear) convolution after the product, so that between the two lies a plain ReLU6, which every
quantizer knows. `adapt` brings published weights into that form; the function computed is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Squeeze-and-excite, hard-swish; more accurate than V2 at the same cost; the minimalistic ones have neither."
LICENCE = "Apache-2.0 (TensorFlow models and Keras applications)"
PAPER = "Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv:1905.02244"
_SOURCE = (
    "keras.applications MobileNetV3 docstring (top-1); macs and params without top counted from the network, with one dense "
    "layer of 1000: published are {published} M macs with its own two (for the small ones that is more than any count of them)"
)
SPECS = {
    f"mobilenet_v3_{variant}_{alpha:g}": BackboneSpec(
        variant=variant,
        alpha=alpha,
        input_px=224,
        params_m=params,
        macs_m=macs,
        top1_imagenet=top1,
        source=_SOURCE.format(published=published),
    )
    for variant, alpha, params, macs, top1, published in (
        ("small", 0.75, 0.58, 42.4, 0.654, 44),
        ("small", 1.0, 0.94, 55.5, 0.681, 66),
        ("large", 0.75, 1.81, 153, 0.733, 155),
        ("large", 1.0, 3.0, 215, 0.756, 217),
        ("small_minimalistic", 1.0, 0.44, 51.3, 0.619, 65),
        ("large_minimalistic", 1.0, 1.44, 208, 0.723, 209),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("small", "large", "small_minimalistic", "large_minimalistic")


class _Block(NamedTuple):
    expansion: float
    filters: int
    kernel: int
    stride: int
    squeeze: bool
    swish: bool


_SMALL = (
    _Block(1, 16, 3, 2, True, False),
    _Block(72 / 16, 24, 3, 2, False, False),
    _Block(88 / 24, 24, 3, 1, False, False),
    _Block(4, 40, 5, 2, True, True),
    _Block(6, 40, 5, 1, True, True),
    _Block(6, 40, 5, 1, True, True),
    _Block(3, 48, 5, 1, True, True),
    _Block(3, 48, 5, 1, True, True),
    _Block(6, 96, 5, 2, True, True),
    _Block(6, 96, 5, 1, True, True),
    _Block(6, 96, 5, 1, True, True),
)
_LARGE = (
    _Block(1, 16, 3, 1, False, False),
    _Block(4, 24, 3, 2, False, False),
    _Block(3, 24, 3, 1, False, False),
    _Block(3, 40, 5, 2, True, False),
    _Block(3, 40, 5, 1, True, False),
    _Block(3, 40, 5, 1, True, False),
    _Block(6, 80, 3, 2, False, True),
    _Block(2.5, 80, 3, 1, False, True),
    _Block(2.3, 80, 3, 1, False, True),
    _Block(2.3, 80, 3, 1, False, True),
    _Block(6, 112, 3, 1, True, True),
    _Block(6, 112, 3, 1, True, True),
    _Block(6, 160, 5, 2, True, True),
    _Block(6, 160, 5, 1, True, True),
    _Block(6, 160, 5, 1, True, True),
)


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    unknown = variant_faults(section, VARIANTS)
    widths = tuple(spec.alpha for spec in SPECS.values() if spec.variant == _variant(section))
    return tuple(unknown or width_faults(section, widths, BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    names = ["Conv"]
    for prefix, block in _blocks(section).items():
        parts = (
            *(("expand",) if prefix != "expanded_conv/" else ()),
            "depthwise",
            *(("squeeze_excite/Conv", "squeeze_excite/Conv_1") if block.squeeze else ()),
            "project",
        )
        names += [prefix + part for part in parts]
    return (*names, "Conv_1")


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`. There are weights for 224 px only; other sizes take them, as Keras does."""
    name = f"weights_mobilenet_v3_{_variant(section)}_224_{float(section.alpha)}_float_no_top_v2.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/{name}"
    return ImagenetFile(name=name, url=url, sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Fold the gate's + 3 and / 6 of a keras.applications file into the convolutions around it.

    Files of Keras 3 are taken too: it has no "/" and no capitals in names, and `_bn` for `/BatchNorm`.

    Args:
        section: the recipe's `backbone`.
        arrays: layer name → float weights in Keras' order.

    Returns:
        The same with other biases and kernels, under this network's names; the very same when the file was saved from this
        module's own network, which is known by its hard-swish layers (those of Keras are spelled out in sums and products).
    """
    if "Conv/HardSwish" in arrays:
        return arrays
    folded = dict(arrays)
    for name in layer_names(section):
        keras_3 = name.replace("/", "_").lower()
        for old, new in ((name, keras_3), (f"{name}/BatchNorm", f"{keras_3}_bn")):
            if new in arrays:
                folded.setdefault(old, arrays[new])
    for prefix, block in _blocks(section).items():
        gate, project = f"{prefix}squeeze_excite/Conv_1", f"{prefix}project"
        if block.squeeze and len(folded.get(gate, ())) == 2 and len(folded.get(project, ())) == 1:
            folded[gate] = [folded[gate][0], folded[gate][1] + 3.0]
            folded[project] = [folded[project][0] / 6.0]
    return folded


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`. Strides pad as "same" does, which is what Keras' padding layers add up to."""
    import tf_keras

    swish = not _variant(section).endswith("_minimalistic")
    image = tf_keras.Input((section.input_px, section.input_px, 3), name="image")
    x = _activation(_convolution(image, "Conv", 16, kernel=3, stride=2), "Conv", swish)
    for prefix, block in _blocks(section).items():
        x = _inverted_residual(x, prefix, block, _depth(block.filters * section.alpha))
    x = _activation(_convolution(x, "Conv_1", _depth(x.shape[-1] * 6)), "Conv_1", swish)
    return tf_keras.Model(image, x, name=f"mobilenet_v3_{_variant(section)}")


def _variant(section: Backbone) -> str:
    return section.variant or VARIANTS[0]


def _blocks(section: Backbone) -> dict[str, _Block]:
    """Prefix of the layers' names → what the block is."""
    variant = _variant(section)
    blocks: tuple[_Block, ...] = _SMALL if variant.startswith("small") else _LARGE
    if variant.endswith("_minimalistic"):
        blocks = tuple(block._replace(kernel=3, squeeze=False, swish=False) for block in blocks)
    return {f"expanded_conv_{i}/" if i else "expanded_conv/": block for i, block in enumerate(blocks)}


def _depth(channels: float) -> int:
    """Round to a multiple of 8, at least 8, never down by more than a tenth (as TF-slim does)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _inverted_residual(x: Any, prefix: str, block: _Block, filters: int) -> Any:
    import tf_keras

    shortcut, channels = x, x.shape[-1]
    if prefix != "expanded_conv/":
        x = _convolution(x, f"{prefix}expand", _depth(channels * block.expansion))
        x = _activation(x, f"{prefix}expand", block.swish)
    name = f"{prefix}depthwise"
    depthwise = tf_keras.layers.DepthwiseConv2D(block.kernel, strides=block.stride, padding="same", use_bias=False, name=name)
    x = _activation(_batch_norm(depthwise(x), name), name, block.swish)
    if block.squeeze:
        x = _squeeze_excite(x, f"{prefix}squeeze_excite/")
    x = _convolution(x, f"{prefix}project", filters, sixth=block.squeeze)
    if block.stride == 1 and channels == filters:
        x = tf_keras.layers.Add(name=f"{prefix}Add")([shortcut, x])
    return x


def _squeeze_excite(x: Any, prefix: str) -> Any:
    from tf_keras import initializers, layers

    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}AvgPool")(x)
    gate = layers.Conv2D(_depth(channels / 4), 1, name=f"{prefix}Conv")(gate)
    gate = layers.ReLU(name=f"{prefix}Relu")(gate)
    three = initializers.Constant(3.0)
    gate = layers.Conv2D(channels, 1, bias_initializer=three, name=f"{prefix}Conv_1")(gate)
    return layers.Multiply(name=f"{prefix}Mul")([x, layers.ReLU(6.0, name=f"{prefix}Gate")(gate)])


def _convolution(x: Any, name: str, filters: int, kernel: int = 1, stride: int = 1, sixth: bool = False) -> Any:
    """Convolution and batch normalisation; with `sixth`, random kernels are a sixth of Keras' (Glorot uniform)."""
    from tf_keras import initializers, layers

    draw = initializers.VarianceScaling(1 / 36 if sixth else 1.0, mode="fan_avg", distribution="uniform")
    convolution = layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer=draw, name=name
    )
    return _batch_norm(convolution(x), name)


def _batch_norm(x: Any, name: str) -> Any:
    import tf_keras

    return tf_keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=f"{name}/BatchNorm")(x)


def _activation(x: Any, name: str, swish: bool) -> Any:
    import tf_keras

    from edgetl.nn.layers import HardSwish

    return HardSwish(name=f"{name}/HardSwish")(x) if swish else tf_keras.layers.ReLU(name=f"{name}/Relu")(x)
