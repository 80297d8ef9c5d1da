"""DenseNet: each layer reads the outputs of all before it; accurate for its few parameters.

Published weights expect pixels normalised by mean and deviation; the first layer, `normalise`, makes them from edgetl's
(`edgetl.nn.published_input`). Batch normalisation stands before the activations and after concatenations, where no convolution
can take it up; int8 schemes turn it into a depthwise 1x1 convolution (`edgetl.nn.lone_norms`). All that meets in a block's
concatenations shares one step, so the narrowest of a block's features get few of the 256 values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Every layer reads all before it; few parameters, much memory traffic."
LICENCE = "BSD-3-Clause (Huang et al.'s models) and Apache-2.0 (Keras applications)"
PAPER = "Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993"
_SOURCE = (
    "keras.io/api/applications (top-1; {published} M params with the classifier); macs and params without top counted from the "
    "network"
)
SPECS = {
    f"densenet_{variant}_1": BackboneSpec(
        variant=variant,
        alpha=1.0,
        input_px=224,
        params_m=params,
        macs_m=macs,
        top1_imagenet=top1,
        source=_SOURCE.format(published=published),
    )
    for variant, params, macs, top1, published in (
        ("densenet121", 7.04, 2835, 0.750, 8.1),
        ("densenet169", 12.64, 3360, 0.762, 14.3),
        ("densenet201", 18.32, 4292, 0.773, 20.2),
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ("densenet121", "densenet169", "densenet201")
ADDED: tuple[str, ...] = ("normalise",)

_BLOCKS = {"densenet121": (6, 12, 24, 16), "densenet169": (6, 12, 32, 32), "densenet201": (6, 12, 48, 32)}


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "densenet comes in one width; leave alpha at 1."))
    return tuple(found or width_faults(section, (1.0,), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`."""
    names = ["normalise", "conv1/conv"]
    blocks = _BLOCKS[_variant(section)]
    for stage, repeats in enumerate(blocks, start=2):
        names += [f"conv{stage}_block{block}_{part}_conv" for block in range(1, repeats + 1) for part in (1, 2)]
        names += [f"pool{stage}_conv"] if stage <= len(blocks) else []
    return tuple(names)


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`."""
    name = f"{_variant(section)}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    url = f"https://storage.googleapis.com/tensorflow/keras-applications/densenet/{name}"
    return ImagenetFile(name=name, url=url, sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Add `normalise`, which published files do not have; see `BackboneModule`."""
    from edgetl.nn import published_input

    return published_input.adapt(arrays, "torch")


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`. Layers are Keras' own."""
    import tf_keras

    from edgetl.nn.published_input import normalise

    px = section.input_px
    make = {
        "densenet121": tf_keras.applications.DenseNet121,
        "densenet169": tf_keras.applications.DenseNet169,
        "densenet201": tf_keras.applications.DenseNet201,
    }[_variant(section)]
    image = tf_keras.Input((px, px, 3), name="image")
    return make(input_tensor=normalise(image, "torch"), input_shape=(px, px, 3), include_top=False, weights=None)


def _variant(section: Backbone) -> str:
    return section.variant or VARIANTS[0]
