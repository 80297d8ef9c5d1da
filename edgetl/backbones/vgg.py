"""VGG: plain 3x3 convolutions, one after the other; the classic of transfer learning, very large.

Published weights expect bytes in BGR less the mean; the first layer, `normalise`, makes them from edgetl's pixels
(`edgetl.nn.published_input`). The published network's three dense layers are not part of the backbone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Plain 3x3 convolutions; the classic, fifty times a mobile network's cost."
LICENCE = "CC BY 4.0 (Simonyan and Zisserman's models) and Apache-2.0 (Keras applications)"
PAPER = "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015, arXiv:1409.1556"
_SOURCE = (
    "keras.io/api/applications (top-1); macs and params counted from the network, pooled and with one dense layer of 1000: "
    "published are {published} with its own three dense layers"
)
SPECS = {
    f"vgg_{variant}_1": BackboneSpec(
        variant=variant,
        alpha=1.0,
        input_px=224,
        params_m=params,
        macs_m=macs,
        top1_imagenet=0.713,
        source=_SOURCE.format(published=published),
    )
    for variant, params, macs, published in (
        ("vgg16", 14.71, 15347, "138.4 M params (keras.io) and 15.5 G macs (torchvision)"),
        ("vgg19", 20.02, 19509, "143.7 M params (keras.io) and 19.6 G macs (torchvision)"),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("vgg16", "vgg19")
ADDED: tuple[str, ...] = ("normalise",)

_REPEATS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_FILTERS = (64, 128, 256, 512, 512)


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "vgg comes in one width; leave alpha at 1."))
    return tuple(found or width_faults(section, (1.0,), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    blocks = enumerate(_REPEATS[_variant(section)], start=1)
    return ("normalise", *(f"block{block}_conv{i}" for block, repeats in blocks for i in range(1, repeats + 1)))


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`."""
    variant = _variant(section)
    name = f"{variant}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/{variant}/{name}"
    return ImagenetFile(name=name, url=url, sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Add `normalise`, which published files do not have; see `BackboneModule`."""
    from edgetl.nn import published_input

    return published_input.adapt(arrays, "caffe")


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`. Layers are named as in keras.applications."""
    import tf_keras

    from edgetl.nn.published_input import normalise

    image = tf_keras.Input((section.input_px, section.input_px, 3), name="image")
    x = normalise(image, "caffe")
    for block, (repeats, filters) in enumerate(zip(_REPEATS[_variant(section)], _FILTERS, strict=True), start=1):
        for i in range(1, repeats + 1):
            x = tf_keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{i}")(x)
        x = tf_keras.layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    return tf_keras.Model(image, x, name=_variant(section))


def _variant(section: Backbone) -> str:
    return section.variant or VARIANTS[0]
