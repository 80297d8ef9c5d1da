"""ResNet: full convolutions with residual connections; for boards and desktops, large for a phone.

`resnet50`'s published weights expect bytes in BGR less the mean; its first layer, `normalise`, makes them from edgetl's pixels
(`edgetl.nn.published_input`). `resnet50v2` normalises before each convolution instead of after it; where such a normalisation
follows an addition, int8 schemes turn it into a depthwise 1x1 convolution (`edgetl.nn.lone_norms`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Full convolutions, residual; accurate, ten times a mobile network's cost."
LICENCE = "MIT (He et al.'s models) and Apache-2.0 (Keras applications)"
PAPER = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385; V2: ECCV 2016, arXiv:1603.05027"
_SOURCE = "keras.io/api/applications (top-1); macs and params counted from the network: published are {published}"
SPECS = {
    f"resnet_{variant}_1": BackboneSpec(
        variant=variant,
        alpha=1.0,
        input_px=224,
        params_m=params,
        macs_m=macs,
        top1_imagenet=top1,
        source=_SOURCE.format(published=published),
    )
    for variant, params, macs, top1, published in (
        ("resnet50", 23.59, 3858, 0.749, "3.8 G macs (paper, table 1)"),
        ("resnet50v2", 23.56, 3482, 0.760, "25.6 M params with the classifier (keras.io), no macs"),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("resnet50", "resnet50v2")
ADDED: tuple[str, ...] = ("normalise",)

_STAGES = (3, 4, 6, 3)


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "resnet comes in one width; leave alpha at 1."))
    return tuple(found or width_faults(section, (1.0,), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    names = ["conv1_conv"] if _second(section) else ["normalise", "conv1_conv"]
    for stage, repeats in enumerate(_STAGES, start=2):
        for block in range(1, repeats + 1):
            parts = (1, 2, 0, 3) if block == 1 else (1, 2, 3)  # 0 is the shortcut's
            names += [f"conv{stage}_block{block}_{part}_conv" for part in parts]
    return tuple(names)


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`."""
    name = f"{section.variant or VARIANTS[0]}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{name}"
    return ImagenetFile(name=name, url=url, sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Add `normalise`, which published files of `resnet50` do not have; see `BackboneModule`."""
    from edgetl.nn import published_input

    return arrays if _second(section) else published_input.adapt(arrays, "caffe")


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`. Layers are Keras' own."""
    import tf_keras

    from edgetl.nn.published_input import normalise

    px = section.input_px
    image = tf_keras.Input((px, px, 3), name="image")
    options = {"input_shape": (px, px, 3), "include_top": False, "weights": None}
    if _second(section):
        return tf_keras.applications.ResNet50V2(input_tensor=image, **options)
    return tf_keras.applications.ResNet50(input_tensor=normalise(image, "caffe"), **options)


def _second(section: Backbone) -> bool:
    """Whether it is the second version, which expects what edgetl feeds."""
    return section.variant == "resnet50v2"
