"""What EfficientNet and EfficientNetV2 are both made of, in layers a quantizer knows; names are those of keras.applications.

keras.applications' networks take bytes and normalise them inside, by the mean and deviation of ImageNet's channels. edgetl's
take (byte - 128) / 127.5, so a 1x1 convolution `normalise` does the rest. It stands before the first padding: a border of zeros
is then the same colour as in Keras' network, which folding it into the first convolution would change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


NORMALISE = "normalise"
"""Name of the layer that keras.applications' networks do not have."""
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, pixels from 0 to 1 (tf_keras/src/applications/efficientnet.py and efficientnet_v2.py)."""
_TOLERANCE = 1e-4
_BLOCK = re.compile(r"block\d+[a-z]_")
_SHOWN = 12


def constants() -> list[Any]:
    """Compute the weights of `normalise`: (byte - 128) / 127.5 → (byte / 255 - mean) / deviation.

    Returns:
        float32 kernel (1, 1, 3, 3), diagonal, and bias (3,).
    """
    import numpy as np

    mean, deviation = np.array(_MEAN), np.array(_DEVIATION)
    kernel = np.diag(127.5 / 255.0 / deviation)[None, None]
    return [kernel.astype(np.float32), ((128.0 / 255.0 - mean) / deviation).astype(np.float32)]


def with_normalisation(name: str, names: tuple[str, ...], arrays: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Add the weights of `normalise` to those of a keras.applications file, after seeing that the file is of this network.

    Args:
        name: of family and variant, for the error.
        names: the network's convolutions.
        arrays: layer name → float weights in Keras' order.

    Returns:
        The same and `normalise`; the very same when the file was saved from edgetl's own network, which has it.

    Raises:
        InputError: the file has blocks that the network has not (a deeper variant has all layers of a shallower one, of the same
            shapes), its network normalises otherwise, or it has no layer names to tell how it does.
    """
    import numpy as np

    known = {layer.partition("_")[0] for layer in names}
    foreign = [layer for layer, given in arrays.items() if given and _BLOCK.match(layer) and layer.partition("_")[0] not in known]
    if foreign:
        listing = [f"{layer}: in the file, not in the backbone." for layer in foreign[:_SHOWN]]
        more = [f"and {len(foreign) - _SHOWN} more layers."] if len(foreign) > _SHOWN else []
        raise InputError(f"backbone.weights: the file does not fit {name} (check name and variant).", [*listing, *more])
    kernel, bias = constants()
    given = arrays.get(NORMALISE)
    if given and given[0].shape == kernel.shape:
        return dict(arrays)
    if given:
        raise InputError(
            f"backbone.weights: the file numbers its layers instead of naming them, and is not of edgetl's own {name}, which has "
            "one convolution more. Save the keras.applications network as .h5: model.save_weights('weights.h5') names them."
        )
    for layer, weights in arrays.items():
        if not layer.startswith("normalization") or len(weights) < 2:
            continue
        found = [np.ravel(w) for w in weights[:2]]
        if not any(_near(found, (_MEAN, variance)) for variance in (_DEVIATION, np.square(_DEVIATION))):
            raise InputError(
                f"backbone.weights: the file's layer {layer} has mean {_listing(found[0])} and variance {_listing(found[1])}; "
                f"{name} here normalises by mean {_listing(_MEAN)} and deviation {_listing(_DEVIATION)}, as the published "
                "weights do. Use weights that were trained with these."
            )
    return {**arrays, NORMALISE: [kernel, bias]}


def _near(found: list[Any], wanted: tuple[Any, Any]) -> bool:
    import numpy as np

    return all(a.shape == (3,) and np.allclose(a, b, rtol=0.0, atol=_TOLERANCE) for a, b in zip(found, wanted, strict=True))


def _listing(values: Any) -> str:
    return ", ".join(f"{float(v):.4g}" for v in values)


def image_input(px: int) -> tuple[Any, Any]:
    """Start a network.

    Args:
        px: side of the input.

    Returns:
        The input, (N, px, px, 3) of (byte - 128) / 127.5, and the same in the normalisation of the published weights.
    """
    from tf_keras import Input, initializers, layers

    kernel, bias = ([float(v) for v in weights.ravel()] for weights in constants())
    image = Input((px, px, 3), name="image")
    normalise = layers.Conv2D(
        3,
        1,
        kernel_initializer=initializers.Constant(kernel),
        bias_initializer=initializers.Constant(bias),
        name=NORMALISE,
    )
    return image, normalise(image)


def convolution(x: Any, prefix: str, filters: int, kernel: int = 1, stride: int = 1) -> Any:
    """Add `<prefix>conv` and its batch normalisation `<prefix>bn`. "same" pads as Keras' padding layers do."""
    from tf_keras import layers

    conv = layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer=_initializer(), name=f"{prefix}conv"
    )
    return layers.BatchNormalization(epsilon=1e-3, name=f"{prefix}bn")(conv(x))


def depthwise(x: Any, prefix: str, name: str, kernel: int, stride: int) -> Any:
    """Add a depthwise convolution `<prefix><name>` and its batch normalisation `<prefix>bn`."""
    from tf_keras import layers

    conv = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, depthwise_initializer=_initializer(), name=f"{prefix}{name}"
    )
    return layers.BatchNormalization(epsilon=1e-3, name=f"{prefix}bn")(conv(x))


def swish(x: Any, name: str) -> Any:
    """Add x · sigmoid(x) as two layers, `<name>_sigmoid` and the product `<name>`: two operators of TFLite, both in int8."""
    import tf_keras

    from edgetl.nn.layers import Sigmoid

    return tf_keras.layers.Multiply(name=name)([x, Sigmoid(name=f"{name}_sigmoid")(x)])


def squeeze_excite(x: Any, prefix: str, filters: int) -> Any:
    """Multiply each channel by a gate of 0 to 1, computed from the means of all channels.

    Args:
        x: (N, h, w, channels).
        prefix: of the layers' names.
        filters: channels between the two convolutions.

    Returns:
        The same shape.
    """
    from tf_keras import layers

    from edgetl.nn.layers import Sigmoid

    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}se_squeeze")(x)
    gate = layers.Conv2D(filters, 1, kernel_initializer=_initializer(), name=f"{prefix}se_reduce")(gate)
    gate = swish(gate, f"{prefix}se_activation")
    gate = layers.Conv2D(x.shape[-1], 1, kernel_initializer=_initializer(), name=f"{prefix}se_expand")(gate)
    return layers.Multiply(name=f"{prefix}se_excite")([x, Sigmoid(name=f"{prefix}se_gate")(gate)])


def _initializer() -> Any:
    """Draw as EfficientNet does."""
    import tf_keras

    return tf_keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")
