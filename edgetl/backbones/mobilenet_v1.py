"""MobileNetV1: depthwise-separable convolutions with ReLU6; the simplest mobile backbone and the kindest to int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Depthwise-separable convolutions; small, simple, loses least to int8."
LICENCE = "Apache-2.0 (TensorFlow models and Keras applications)"
PAPER = "Howard et al., MobileNets, 2017, arXiv:1704.04861"
_SOURCE = "keras.applications MobileNet docstring (after the TF-slim MobileNet_v1 README)"
SPECS = {
    f"mobilenet_v1_{alpha:g}": BackboneSpec(
        alpha=alpha, input_px=224, params_m=params, macs_m=macs, top1_imagenet=top1, source=_SOURCE
    )
    for alpha, params, macs, top1 in (
        (0.25, 0.22, 41, 0.506),
        (0.5, 0.83, 149, 0.637),
        (0.75, 1.83, 325, 0.684),
        (1.0, 3.23, 569, 0.706),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ()

_ALPHA_WORDS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
_SHA256 = {"mobilenet_2_5_224_tf_no_top.h5": "dbdb03ee2a22fd895301636cd328b234bb3a9952358f436d82f46b81e0d5b0bf"}


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    return (*variant_faults(section, VARIANTS), *width_faults(section, tuple(_ALPHA_WORDS), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    return ("conv1", *(f"conv_{kind}_{block}" for block in range(1, 14) for kind in ("dw", "pw")))


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`. Sizes other than the published ones take the weights of 224 px, as Keras does."""
    rows = section.input_px if section.input_px in (128, 160, 192, 224) else 224
    name = f"mobilenet_{_ALPHA_WORDS[section.alpha]}_{rows}_tf_no_top.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/{name}"
    return ImagenetFile(name=name, url=url, sha256=_SHA256.get(name))


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`."""
    import tf_keras

    px = section.input_px
    image = tf_keras.Input((px, px, 3), name="image")
    return tf_keras.applications.MobileNet(
        input_tensor=image, input_shape=(px, px, 3), alpha=section.alpha, include_top=False, weights=None
    )
