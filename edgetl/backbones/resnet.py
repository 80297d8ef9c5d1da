"""ResNet: full convolutions with residual connections; for boards and desktops, large for a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults
from edgetl.errors import InputError

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Full convolutions, residual; accurate, ten times a mobile network's cost."
LICENCE = "MIT (He et al.'s models) and Apache-2.0 (Keras applications)"
PAPER = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
SPECS = {
    "resnet_resnet50_1": BackboneSpec(
        variant="resnet50",
        alpha=1.0,
        input_px=224,
        params_m=23.59,
        macs_m=3800,
        top1_imagenet=0.749,
        source="paper, table 1 (macs); keras.io/api/applications (top-1); params without top counted from the network",
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("resnet50",)

_STAGES = (3, 4, 6, 3)
_NO_IMAGENET = (
    "resnet's published imagenet weights expect another normalisation (BGR, mean subtracted) than edgetl's x / 127.5 - 1; "
    "use none, or a file trained with edgetl's."
)


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "resnet comes in one width; leave alpha at 1."))
    if section.weights == "imagenet":
        return (*found, ("weights", _NO_IMAGENET))
    return (*found, *width_faults(section, (), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    names = ["conv1_conv"]
    for stage, repeats in enumerate(_STAGES, start=2):
        for block in range(1, repeats + 1):
            parts = (1, 2, 0, 3) if block == 1 else (1, 2, 3)  # 0 is the shortcut's
            names += [f"conv{stage}_block{block}_{part}_conv" for part in parts]
    return tuple(names)


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`. None that can be used; `faults` says so before.

    Raises:
        InputError: always.
    """
    raise InputError(_NO_IMAGENET)


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`."""
    import tf_keras

    px = section.input_px
    image = tf_keras.Input((px, px, 3), name="image")
    return tf_keras.applications.ResNet50(input_tensor=image, input_shape=(px, px, 3), include_top=False, weights=None)
