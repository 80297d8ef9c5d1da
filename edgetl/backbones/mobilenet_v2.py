"""MobileNetV2: inverted residuals with linear bottlenecks; the usual choice, more accurate than V1 at the same cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Inverted residuals, linear bottlenecks; the usual choice for a phone."
LICENCE = "Apache-2.0 (TensorFlow models and Keras applications)"
PAPER = "Sandler et al., MobileNetV2, CVPR 2018, arXiv:1801.04381"
_SOURCE = "TF-slim MobileNetV2 README, table of models at 224 px; params without top counted from the network"
SPECS = {
    f"mobilenet_v2_{alpha:g}": BackboneSpec(
        alpha=alpha, input_px=224, params_m=params, macs_m=macs, top1_imagenet=top1, source=_SOURCE
    )
    for alpha, params, macs, top1 in (
        (0.35, 0.41, 59, 0.603),
        (0.5, 0.71, 97, 0.654),
        (0.75, 1.38, 209, 0.698),
        (1.0, 2.26, 300, 0.718),
        (1.3, 3.77, 509, 0.744),
        (1.4, 4.36, 582, 0.750),
    )
}
BUNDLED: tuple[float, ...] = (0.35,)
VARIANTS: tuple[str, ...] = ()

_BLOCKS = 16


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    return (*variant_faults(section, VARIANTS), *width_faults(section, tuple(spec.alpha for spec in SPECS.values()), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    blocks = (f"block_{b}_{part}" for b in range(1, _BLOCKS + 1) for part in ("expand", "depthwise", "project"))
    return ("Conv1", "expanded_conv_depthwise", "expanded_conv_project", *blocks, "Conv_1")


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`. Sizes other than the published ones take the weights of 224 px, as Keras does."""
    rows = section.input_px if section.input_px in (96, 128, 160, 192, 224) and section.alpha <= 1.0 else 224
    alpha = section.alpha if section.alpha != 1 else 1.0
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{rows}_no_top.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/{name}"
    return ImagenetFile(name=name, url=url, sha256=None)


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`."""
    import tf_keras

    px = section.input_px
    image = tf_keras.Input((px, px, 3), name="image")
    return tf_keras.applications.MobileNetV2(
        input_tensor=image, input_shape=(px, px, 3), alpha=section.alpha, include_top=False, weights=None
    )
