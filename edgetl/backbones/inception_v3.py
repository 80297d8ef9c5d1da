"""Inception-v3: parallel branches of factorised convolutions, concatenated; the favourite of transfer-learning courses.

keras.applications numbers its layers as they are made (`conv2d_17`), so a second network in one process has other names than
the published file. Here each number is given; files are renumbered to begin at 1, whatever they begin at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Parallel branches of factorised convolutions, usually at 299 px; accurate, twenty times a mobile network's cost."
LICENCE = "Apache-2.0 (TensorFlow models and Keras applications)"
PAPER = "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, arXiv:1512.00567"
SPECS = {
    "inception_v3_1": BackboneSpec(
        alpha=1.0,
        input_px=299,
        params_m=21.80,
        macs_m=5713,
        top1_imagenet=0.779,
        source="keras.io/api/applications (top-1; 23.9 M params with the classifier); macs and params without top counted from "
        "the network (published: 5.7 G macs, torchvision)",
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ()

SMALLEST_PX = 75
"""Below, nothing is left of the image in the last blocks (keras.applications has the same limit)."""
_BLOCKS = (
    *[(3, 1, 4, 0, 2, 5, 6)] * 3,
    (1, 2, 0, 3),
    *[(4, 5, 1, 6, 2, 7, 0, 3, 8, 9)] * 4,
    (2, 3, 0, 4, 1, 5),
    *[(4, 1, 5, 2, 3, 6, 7, 0, 8)] * 2,
)
"""Of each block after the fifth convolution, in which order its convolutions come: the longest branch begins."""
_NUMBERED = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "inception_v3 comes in one width; leave alpha at 1."))
    if section.input_px < SMALLEST_PX:
        found.append(("input_px", f"inception_v3 needs at least {SMALLEST_PX}; 299 is usual."))
    return tuple(found or width_faults(section, (1.0,), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`. Branches lie beside each other, so numbers are not in ascending order."""
    numbers = [1, 2, 3, 4, 5]
    for block in _BLOCKS:
        before = len(numbers) + 1
        numbers += [before + place for place in block]
    return tuple(f"conv2d_{number}" for number in numbers)


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`."""
    name = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/{name}"
    return ImagenetFile(name=name, url=url, sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Renumber the layers of a keras.applications file from 1.

    Args:
        section: the recipe's `backbone`.
        arrays: layer name → float weights in Keras' order.

    Returns:
        The same under this network's names.
    """
    numbers: dict[str, list[tuple[int, str]]] = {"conv2d": [], "batch_normalization": []}
    for name in arrays:
        match = _NUMBERED.fullmatch(name)
        if match:
            numbers[match[1]].append((int(match[2] or 0), name))
    adapted = {name: given for name, given in arrays.items() if not _NUMBERED.fullmatch(name)}
    for kind, found in numbers.items():
        adapted.update({f"{kind}_{place}": arrays[name] for place, (_, name) in enumerate(sorted(found), start=1)})
    return adapted


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`."""
    import tf_keras

    image = tf_keras.Input((section.input_px, section.input_px, 3), name="image")
    net = _Numbered()
    x = net.convolution(image, 32, 3, strides=2, padding="valid")
    x = net.convolution(x, 32, 3, padding="valid")
    x = net.convolution(x, 64, 3)
    x = tf_keras.layers.MaxPooling2D(3, strides=2, name="max_pooling2d_1")(x)
    x = net.convolution(x, 80, 1, padding="valid")
    x = net.convolution(x, 192, 3, padding="valid")
    x = tf_keras.layers.MaxPooling2D(3, strides=2, name="max_pooling2d_2")(x)
    for number, pooled in enumerate((32, 64, 64)):
        x = _grid_35(net, x, pooled, f"mixed{number}")
    x = _shrink_35(net, x, "mixed3")
    for number, inner in enumerate((128, 160, 160, 192), start=4):
        x = _grid_17(net, x, inner, f"mixed{number}")
    x = _shrink_17(net, x, "mixed8")
    for number in (9, 10):
        x = _grid_8(net, x, number)
    return tf_keras.Model(image, x, name="inception_v3")


class _Numbered:
    """Convolutions, each with batch normalisation and ReLU, numbered as they are made."""

    def __init__(self) -> None:
        self.made = 0

    def convolution(self, x: Any, filters: int, kernel: int | tuple[int, int], strides: int = 1, padding: str = "same") -> Any:
        from tf_keras import layers

        self.made += 1
        name = f"conv2d_{self.made}"
        convolution = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, name=name)
        norm = layers.BatchNormalization(scale=False, name=f"batch_normalization_{self.made}")
        return layers.Activation("relu", name=f"activation_{self.made}")(norm(convolution(x)))

    def chain(self, x: Any, *rows: tuple[int, int | tuple[int, int]]) -> Any:
        for filters, kernel in rows:
            x = self.convolution(x, filters, kernel)
        return x


def _pooled(net: _Numbered, x: Any, filters: int, name: str) -> Any:
    from tf_keras import layers

    return net.convolution(layers.AveragePooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x), filters, 1)


def _grid_35(net: _Numbered, x: Any, pooled: int, name: str) -> Any:
    from tf_keras import layers

    branches = [net.chain(x, (64, 1)), net.chain(x, (48, 1), (64, 5)), net.chain(x, (64, 1), (96, 3), (96, 3))]
    return layers.Concatenate(name=name)([*branches, _pooled(net, x, pooled, name)])


def _shrink_35(net: _Numbered, x: Any, name: str) -> Any:
    from tf_keras import layers

    single = net.convolution(x, 384, 3, strides=2, padding="valid")
    double = net.convolution(net.chain(x, (64, 1), (96, 3)), 96, 3, strides=2, padding="valid")
    return layers.Concatenate(name=name)([single, double, layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(x)])


def _grid_17(net: _Numbered, x: Any, inner: int, name: str) -> Any:
    from tf_keras import layers

    row, column = (1, 7), (7, 1)
    branches = [
        net.chain(x, (192, 1)),
        net.chain(x, (inner, 1), (inner, row), (192, column)),
        net.chain(x, (inner, 1), (inner, column), (inner, row), (inner, column), (192, row)),
    ]
    return layers.Concatenate(name=name)([*branches, _pooled(net, x, 192, name)])


def _shrink_17(net: _Numbered, x: Any, name: str) -> Any:
    from tf_keras import layers

    single = net.convolution(net.chain(x, (192, 1)), 320, 3, strides=2, padding="valid")
    factorised = net.chain(x, (192, 1), (192, (1, 7)), (192, (7, 1)))
    factorised = net.convolution(factorised, 192, 3, strides=2, padding="valid")
    return layers.Concatenate(name=name)([single, factorised, layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(x)])


def _grid_8(net: _Numbered, x: Any, number: int) -> Any:
    from tf_keras import layers

    name = f"mixed{number}"
    branches = [net.chain(x, (320, 1))]
    for part, rows in enumerate((((384, 1),), ((448, 1), (384, 3)))):
        stem = net.chain(x, *rows)
        pair = [net.convolution(stem, 384, (1, 3)), net.convolution(stem, 384, (3, 1))]
        branches.append(layers.Concatenate(name=f"{name}_pair_{part}")(pair))
    return layers.Concatenate(name=name)([*branches, _pooled(net, x, 192, name)])
