"""Layers of a saved Keras network, made anew as the flat layers that edgetl quantizes.

What does nothing at inference (dropout, random changes) is left out; a vector per image is kept as a map of one place, so that
Dense is a 1x1 convolution; Rescaling and Normalization right behind the image become the convolution `normalise`, together with
what the network expects to be fed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError
from edgetl.nn.saved.keras_settings import IDENTITY

if TYPE_CHECKING:
    import numpy as np

    from edgetl.nn.saved.keras_file import Arrays
    from edgetl.nn.saved.keras_graph import Node

    Affine = tuple[np.ndarray, np.ndarray]
    """Matrix (3, 3) and shift (3,): what RGB values become."""


def build(nodes: Sequence[Node], arrays: Arrays, px: int, expects: Any) -> Any:
    """Make the network and fill it.

    Args:
        nodes: from the image to the cut, each after what it reads; without faults.
        arrays: their weights.
        px: side of the input.
        expects: what the file's network is to be fed with, see `edgetl.recipe.Backbone`.

    Returns:
        Flat tf_keras model: float32 (N, px, px, 3), (byte - 128) / 127.5 → feature map.

    Raises:
        InputError: weights are missing or do not fit, with the first such layers.
    """
    from edgetl.nn import published_input

    kernel, bias = published_input.constants(expects)
    return made(nodes, arrays, px, (kernel[0, 0], bias))


def made(nodes: Sequence[Node], arrays: Arrays, px: int, first: Affine) -> Any:
    """Do as `build`, for a network fed in any way.

    Args:
        nodes: as there.
        arrays: as there.
        px: side of the input.
        first: matrix (3, 3) and shift (3,) that make what the file's network is fed with of the model's input.

    Returns:
        Flat tf_keras model: float32 (N, px, px, 3) → what the last node gives, a vector as a map of one place.

    Raises:
        InputError: weights are missing or do not fit, with the first such layers.
    """
    import tf_keras

    image = tf_keras.Input((px, px, 3), name="image")
    maker = _Maker(arrays, first)
    for node in nodes:
        maker.add(node, image)
    if nodes[-1].name in maker.flat:
        raise InputError(f"{nodes[-1].name}: the network ends with a flattened map; a classifier ends with one value a class.")
    model = tf_keras.Model(image, maker.value(nodes[-1].name, image), name="local")
    for layer, values in maker.weights.items():
        model.get_layer(layer).set_weights(values)
    return model


def seen_pixels(nodes: Sequence[Node], arrays: Arrays, first: Affine) -> Affine | None:
    """Say what the first layers that compute are given of the image, once Rescaling and Normalization are done.

    Args:
        nodes: as in `build`.
        arrays: their weights.
        first: as in `made`.

    Returns:
        Matrix (3, 3) and shift (3,); None where the image is read in several ways.
    """
    import numpy as np

    maker = _Maker(arrays, first)
    seen: list[Affine] = []
    for node in nodes:
        if not maker.passes(node):
            seen += [maker.pixels[name] for name in node.inputs if name in maker.pixels]
    same = all(np.allclose(a, b, rtol=1e-9, atol=0.0) for one in seen for a, b in zip(one, seen[0], strict=True))
    return seen[0] if seen and same else None


class _Maker:
    """Makes layers one after the other, and remembers their weights."""

    def __init__(self, arrays: Arrays, first: Affine) -> None:
        self.arrays, self.values, self.weights = arrays, dict[str, Any](), dict[str, list[Any]]()
        self.pixels: dict[str, Affine] = {}
        """Nodes that are still the image: matrix and shift of what they hold."""
        self.first = first
        self.flat = set[str]()
        """Nodes that stand for a map laid out as a vector, and are kept as the map."""

    def value(self, name: str, image: Any) -> Any:
        """Symbolic output of a node; the image is normalised when something first reads it."""
        import numpy as np

        from edgetl.nn.published_input import LAYER, convolution

        if name in self.pixels:
            kernel, bias = self.pixels[name]
            if np.allclose(kernel, np.eye(3), atol=1e-6) and np.allclose(bias, 0.0, atol=1e-6):
                return image
            if LAYER in self.weights:
                raise InputError(f"{name}: the image is read in two ways, before and after it is rescaled.")
            self.weights[LAYER] = [kernel[None, None].astype(np.float32), bias.astype(np.float32)]
            self.values[name] = convolution(image, self.weights[LAYER])
            del self.pixels[name]
        return self.values[name]

    def passes(self, node: Node) -> bool:
        """Take a node that leaves the image an image; tell whether it is one."""
        if node.kind == "InputLayer":
            self.pixels[node.name] = self.first
        elif node.kind in ("Rescaling", "Normalization") and node.inputs[0] in self.pixels:
            self.pixels[node.name] = self._rescaled(node, *self.pixels[node.inputs[0]])
        elif node.kind in IDENTITY and node.inputs[0] in self.pixels:
            self.pixels[node.name] = self.pixels[node.inputs[0]]
        else:
            return False
        return True

    def add(self, node: Node, image: Any) -> None:
        """Make one layer."""
        if self.passes(node):
            return
        read = [self.value(name, image) for name in node.inputs]
        if self.flat.intersection(node.inputs):
            if node.kind not in (*_FLAT, *IDENTITY):
                raise InputError(f"{node.name} ({node.kind}): reads a flattened map; only Dense and activations can.")
            self.flat |= {node.name} if node.kind != "Dense" else set()
        self.values[node.name] = _MAKERS.get(node.kind, _kept)(self, node, read)

    def take(self, node: Node, *shapes: tuple[int, ...]) -> list[Any]:
        """Weights of a node, which must have these shapes."""
        given = [value.shape for value in self.arrays.get(node.name, ())]
        if given != list(shapes):
            raise InputError(f"{node.name} ({node.kind}): its weights have shapes {given}, its settings say {list(shapes)}.")
        return self.arrays[node.name]

    def _rescaled(self, node: Node, kernel: Any, bias: Any) -> Any:
        import numpy as np

        if node.kind == "Rescaling":
            scale, offset = (np.broadcast_to(np.asarray(node.config[key], np.float64), 3) for key in ("scale", "offset"))
        else:
            given = [node.config.get(key) for key in ("mean", "variance")]
            values: list[Any] = given if None not in given else self.arrays.get(node.name, [])[:2]
            if len(values) != 2 or any(np.size(value) not in (1, 3) for value in values):
                raise InputError(f"{node.name} (Normalization): has no mean and variance; adapt it before the network is saved.")
            mean, variance = (np.broadcast_to(np.ravel(np.asarray(value, np.float64)), 3) for value in values)
            deviation = np.maximum(np.sqrt(variance), 1e-7)  # Keras' own floor
            scale, offset = 1.0 / deviation, -mean / deviation
        return kernel * scale, bias * scale + offset


def _kept(maker: _Maker, node: Node, read: list[Any]) -> Any:
    return read[0]


def _activated(x: Any, activation: str, name: str) -> Any:
    from tf_keras import layers

    from edgetl.nn.layers import HardSwish, Sigmoid

    if activation == "relu":
        return layers.ReLU(name=name)(x)
    if activation == "relu6":
        return layers.ReLU(6.0, name=name)(x)
    if activation == "sigmoid":
        return Sigmoid(name=name)(x)
    if activation in ("swish", "silu"):
        return layers.Multiply(name=name)([x, Sigmoid(name=f"{name}_sigmoid")(x)])
    return HardSwish(name=name)(x) if activation in ("hard_swish", "hard_silu") else x


def _convolution(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    x, config, channels = read[0], node.config, read[0].shape[-1]
    bias, activation = bool(config.get("use_bias", True)), config.get("activation", "linear")
    plain = {"strides": _pair(config.get("strides", 1)), "padding": config.get("padding", "valid")}
    plain["dilation_rate"] = _pair(config.get("dilation_rate", 1))
    size = _pair(config["kernel_size"])
    inline = "relu" if activation == "relu" else None
    if node.kind == "Conv2D":
        filters = int(config["filters"])
        maker.weights[node.name] = maker.take(node, (*size, channels, filters), *([(filters,)] if bias else []))
        x = layers.Conv2D(filters, size, use_bias=bias, activation=inline, name=node.name, **plain)(x)
    elif node.kind == "DepthwiseConv2D":
        many = int(config.get("depth_multiplier", 1))
        maker.weights[node.name] = maker.take(node, (*size, channels, many), *([(channels * many,)] if bias else []))
        x = layers.DepthwiseConv2D(
            size, depth_multiplier=many, use_bias=bias, activation=inline, name=node.name, **plain
        )(x)  # fmt: skip
    else:
        many, filters = int(config.get("depth_multiplier", 1)), int(config["filters"])
        shapes = [(*size, channels, many), (1, 1, channels * many, filters), *([(filters,)] if bias else [])]
        depthwise, *pointwise = maker.take(node, *shapes)
        maker.weights[f"{node.name}_depthwise"], maker.weights[node.name] = [depthwise], pointwise
        x = layers.DepthwiseConv2D(size, depth_multiplier=many, use_bias=False, name=f"{node.name}_depthwise", **plain)(x)
        x = layers.Conv2D(filters, 1, use_bias=bias, activation=inline, name=node.name)(x)
    return x if inline else _activated(x, activation, f"{node.name}_activation")


def _dense(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    bias, units, shape = bool(node.config.get("use_bias", True)), int(node.config["units"]), tuple(read[0].shape[1:])
    size = shape[:2] if maker.flat.intersection(node.inputs) else (1, 1)  # of a flattened map: a kernel as large as the map
    kernel, *rest = maker.take(node, (size[0] * size[1] * shape[-1], units), *([(units,)] if bias else []))
    maker.weights[node.name] = [kernel.reshape(*size, shape[-1], units), *rest]
    activation = node.config.get("activation", "linear")
    inline = "relu" if activation == "relu" else None
    x = layers.Conv2D(units, size, use_bias=bias, activation=inline, name=node.name)(read[0])
    return x if inline else _activated(x, activation, f"{node.name}_activation")


def _batch_norm(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    config, channels, rank = node.config, read[0].shape[-1], len(read[0].shape)
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, rank - 1) and not (axis == 1 and tuple(read[0].shape[1:3]) == (1, 1)):
        raise InputError(f"{node.name} ({node.kind}): axis {axis!r} is not the channels'.")
    center, scale = bool(config.get("center", True)), bool(config.get("scale", True))
    maker.weights[node.name] = maker.take(node, *([(channels,)] * (2 + center + scale)))
    return layers.BatchNormalization(
        epsilon=float(config.get("epsilon", 1e-3)), center=center, scale=scale, name=node.name
    )(read[0])  # fmt: skip


def _relu(maker: _Maker, node: Node, read: list[Any]) -> Any:
    return _activated(read[0], "relu" if node.config.get("max_value") is None else "relu6", node.name)


def _activation(maker: _Maker, node: Node, read: list[Any]) -> Any:
    return _activated(read[0], node.config["activation"], node.name)


def _padding(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    padding = node.config["padding"]
    return layers.ZeroPadding2D(tuple(map(tuple, padding)) if isinstance(padding[0], list) else padding, name=node.name)(read[0])


def _merge(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    kind = {"Add": layers.Add, "Multiply": layers.Multiply, "Concatenate": layers.Concatenate}[node.kind]
    return kind(name=node.name)(read)


def _pooling(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    size = _pair(node.config["pool_size"])
    if node.kind == "AveragePooling2D" and size == tuple(read[0].shape[1:3]) and node.config.get("padding", "valid") == "valid":
        return _mean(maker, node, read)  # the same, and every runtime rounds it alike
    strides = node.config.get("strides")
    kind = layers.AveragePooling2D if node.kind == "AveragePooling2D" else layers.MaxPooling2D
    return kind(
        size, strides=size if strides is None else _pair(strides), padding=node.config.get("padding", "valid"), name=node.name
    )(read[0])  # fmt: skip


def _mean(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    return layers.GlobalAveragePooling2D(keepdims=True, name=node.name)(read[0])


def _reshape(maker: _Maker, node: Node, read: list[Any]) -> Any:
    shape = list(node.config["target_shape"])
    if tuple(read[0].shape[1:3]) != (1, 1) or shape[:-1] not in ([1, 1], []) or shape[-1] not in (-1, read[0].shape[-1]):
        raise InputError(f"{node.name} (Reshape): to {shape} is not known; only a mean over all places can be reshaped.")
    return read[0]


def _flattened(maker: _Maker, node: Node, read: list[Any]) -> Any:
    if tuple(read[0].shape[1:3]) != (1, 1):
        maker.flat.add(node.name)
    return read[0]


def _largest(maker: _Maker, node: Node, read: list[Any]) -> Any:
    from tf_keras import layers

    return layers.MaxPooling2D(tuple(read[0].shape[1:3]), name=node.name)(read[0])


def _scaled(maker: _Maker, node: Node, read: list[Any]) -> Any:
    """Scale and offset within the network: a depthwise 1x1 convolution."""
    import numpy as np
    from tf_keras import layers

    channels = read[0].shape[-1]
    scale, offset = (np.broadcast_to(np.asarray(node.config[key], np.float32), channels) for key in ("scale", "offset"))
    maker.weights[node.name] = [scale.reshape(1, 1, -1, 1), offset]
    return layers.DepthwiseConv2D(1, name=node.name)(read[0])


def _pair(value: Any) -> tuple[int, int]:
    first, second = value if isinstance(value, list | tuple) else (value, value)
    return int(first), int(second)


_MAKERS: Mapping[str, Callable[[_Maker, Node, list[Any]], Any]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "SeparableConv2D": _convolution,
    "Dense": _dense,
    "BatchNormalization": _batch_norm,
    "ReLU": _relu,
    "Activation": _activation,
    "ZeroPadding2D": _padding,
    "Add": _merge,
    "Multiply": _merge,
    "Concatenate": _merge,
    "AveragePooling2D": _pooling,
    "MaxPooling2D": _pooling,
    "GlobalAveragePooling2D": _mean,
    "Reshape": _reshape,
    "Flatten": _flattened,
    "GlobalMaxPooling2D": _largest,
    "Rescaling": _scaled,
}
"""Class → what makes it; classes of `IDENTITY` are passed over."""
_FLAT = ("Dense", "ReLU", "Activation")
"""Classes to which a map laid out as a vector is the same as the map."""
