"""NASNet-A Mobile: cells that a search found, of separable convolutions and poolings; accurate for few multiplications.

The function is that of keras.applications' network; it is built of layers that a quantizer knows:

- a separable convolution is a depthwise and a 1x1 convolution, `<name>_depthwise` and `<name>_pointwise`;
- an average over one pixel with stride 2, followed by a 1x1 convolution, is that convolution with stride 2;
- where several convolutions read the same ReLU, it is computed once.

Published weights expect byte / 127.5 - 1, half a byte more than edgetl's pixels. Elsewhere that goes unnoticed; here the small
network amplifies it, and since the first convolution pads nothing, the mean that is subtracted after it can take it up exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.backbones._base import BackboneSpec, ImagenetFile, variant_faults, width_faults

if TYPE_CHECKING:
    from edgetl.recipe import Backbone

TITLE = "Cells found by search; few multiplications, but many small layers: slower than its figures."
LICENCE = "Apache-2.0 (TensorFlow models and Keras applications)"
PAPER = "Zoph et al., Learning Transferable Architectures for Scalable Image Recognition, CVPR 2018, arXiv:1707.07012"
SPECS = {
    "nasnet_mobile_1": BackboneSpec(
        alpha=1.0,
        input_px=224,
        params_m=4.27,
        macs_m=564,
        top1_imagenet=0.744,
        source="paper, table 3 (564 M macs; 5.3 M params with the classifier); keras.io/api/applications (top-1); params without "
        "top counted from the network",
    )
}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ()

_FILTERS, _REPEATS = 44, 4
"""Filters of the first normal cells (1056 / 24), and how many cells of one size follow each other."""
_HALF_BYTE = 128.0 / 127.5 - 1.0
"""What the published network's pixels have more than edgetl's."""
_ORDER: dict[str, tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]] = {
    "normal": ((("left1", "right1", "left2", "right2", "left5"), (1, 2)),),
    "reduction": (
        (("left1", "right1"), (1, 2)),
        (("right2",), (1,)),
        (("right3", "left4"), (1,)),
        (("right2",), (2,)),
        (("right3", "left4"), (2,)),
    ),
}
"""Of each kind of cell, in which order its separable convolutions come: branches, and which of their two."""


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = variant_faults(section, VARIANTS)
    if section.alpha != 1.0:
        found.append(("alpha", "nasnet_mobile comes in one width; leave alpha at 1."))
    return tuple(found or width_faults(section, (1.0,), BUNDLED))


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`. Branches of equal length lie beside each other, the longest begin."""
    names = ["stem_conv1"]
    for place, (cell, kind, _) in enumerate(_cells()):
        halved = place and _cells()[place - 1][1] == "reduction"
        adjust = [f"adjust_conv_{i}_{cell}" for i in (1, 2)] if halved else [f"adjust_conv_projection_{cell}"]
        own = [f"{kind}_conv_1_{cell}"]
        names += own if not place else (own + adjust if kind == "reduction" and not halved else adjust + own)
        for branches, turns in _ORDER[kind]:
            for turn in turns:
                for part in ("depthwise", "pointwise"):
                    names += [f"separable_conv_{turn}_{kind}_{branch}_{cell}_{part}" for branch in branches]
    return tuple(names)


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`."""
    url = "https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-mobile-no-top.h5"
    return ImagenetFile(name="nasnet_mobile_no_top.h5", url=url, sha256=None)


def adapt(section: Backbone, arrays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Split the separable convolutions of a keras.applications file and take up the half byte of its pixels.

    Args:
        section: the recipe's `backbone`.
        arrays: layer name → float weights in Keras' order.

    Returns:
        The same under this network's names; the very same when it has no separable convolution, so is from this network.
    """
    adapted = dict(arrays)
    for name, given in arrays.items():
        if name.startswith("separable_conv_") and len(given) == 2:
            adapted[f"{name}_depthwise"], adapted[f"{name}_pointwise"] = [given[0]], [given[1]]
    kernels, statistics = arrays.get("stem_conv1", []), arrays.get("stem_bn1", [])
    if len(adapted) > len(arrays) and len(kernels) == 1 and len(statistics) == 4 and kernels[0].shape[-1:] == statistics[2].shape:
        gamma, beta, mean, variance = statistics
        adapted["stem_bn1"] = [gamma, beta, mean - kernels[0].sum((0, 1, 2)) * mean.dtype.type(_HALF_BYTE), variance]
    return adapted


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`."""
    import tf_keras

    image = tf_keras.Input((section.input_px, section.input_px, 3), name="image")
    stem = tf_keras.layers.Conv2D(32, 3, strides=2, kernel_initializer="he_normal", use_bias=False, name="stem_conv1")(image)
    x = _norm(stem, "stem_bn1")
    net = _Cells()
    before = None
    for cell, kind, filters in _cells():
        make = net.reduction if kind == "reduction" else net.normal
        x, before = make(x, before, filters, cell), x
    return tf_keras.Model(image, net.relu(x), name="nasnet_mobile")


def _cells() -> list[tuple[str, str, int]]:
    """Name, kind and filters of each cell, in order."""
    cells = [("stem_1", "reduction", _FILTERS // 4), ("stem_2", "reduction", _FILTERS // 2)]
    for size in range(3):
        filters, first = _FILTERS * 2**size, size * (_REPEATS + 1)
        if size:
            cells.append((f"reduce_{size * _REPEATS}", "reduction", filters))
            first = size * _REPEATS + 1
        cells += [(str(first + i), "normal", filters) for i in range(_REPEATS)]
    return cells


def _norm(x: Any, name: str) -> Any:
    import tf_keras

    return tf_keras.layers.BatchNormalization(momentum=0.9997, epsilon=1e-3, name=name)(x)


def _convolution(x: Any, filters: int, name: str, strides: int = 1) -> Any:
    from tf_keras import layers

    return layers.Conv2D(filters, 1, strides=strides, use_bias=False, kernel_initializer="he_normal", name=name)(x)


def _padded(x: Any, kernel: int, name: str) -> Any:
    """Zeros around an image, for a kernel with stride 2, as keras.applications puts them."""
    import tf_keras

    sides = tuple((kernel // 2 - 1 + side % 2, kernel // 2) for side in x.shape[1:3])
    return tf_keras.layers.ZeroPadding2D(sides, name=name)(x)


class _Cells:
    """The two kinds of cells. Each reads the cell before it and the one before that."""

    def __init__(self) -> None:
        self.activated: dict[str, Any] = {}

    def relu(self, x: Any) -> Any:
        """ReLU, one for all who ask for it."""
        import tf_keras

        maker = x._keras_history.layer.name
        if maker not in self.activated:
            self.activated[maker] = tf_keras.layers.Activation("relu", name=f"{maker}_relu")(x)
        return self.activated[maker]

    def separable(self, x: Any, filters: int, kernel: int, name: str, strides: int = 1) -> Any:
        """ReLU, separable convolution, batch normalisation: twice."""
        from tf_keras import layers

        for turn in (1, 2):
            x, padding = self.relu(x), "same"
            if turn == 1 and strides == 2:
                x, padding = _padded(x, kernel, f"separable_conv_1_pad_{name}"), "valid"
            x = layers.DepthwiseConv2D(
                kernel,
                strides=strides if turn == 1 else 1,
                padding=padding,
                use_bias=False,
                depthwise_initializer="he_normal",
                name=f"separable_conv_{turn}_{name}_depthwise",
            )(x)
            x = _convolution(x, filters, f"separable_conv_{turn}_{name}_pointwise")
            x = _norm(x, f"separable_conv_{turn}_bn_{name}")
        return x

    def adjust(self, x: Any, like: Any, filters: int, cell: str) -> Any:
        """Bring the cell before the last to the size and depth of this one."""
        from tf_keras import layers

        if x is None:
            return like
        if x.shape[1] != like.shape[1]:
            x = self.relu(x)
            even = _convolution(x, filters // 2, f"adjust_conv_1_{cell}", strides=2)
            odd = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"adjust_pad_{cell}")(x)
            odd = layers.Cropping2D(((1, 0), (1, 0)), name=f"adjust_crop_{cell}")(odd)
            odd = _convolution(odd, filters // 2, f"adjust_conv_2_{cell}", strides=2)
            return _norm(layers.Concatenate(name=f"adjust_concat_{cell}")([even, odd]), f"adjust_bn_{cell}")
        if x.shape[-1] != filters:
            return _norm(_convolution(self.relu(x), filters, f"adjust_conv_projection_{cell}"), f"adjust_bn_{cell}")
        return x

    def normal(self, x: Any, before: Any, filters: int, cell: str) -> Any:
        """A cell that keeps the size of the image."""
        from tf_keras import layers

        p = self.adjust(before, x, filters, cell)
        h = _norm(_convolution(self.relu(x), filters, f"normal_conv_1_{cell}"), f"normal_bn_1_{cell}")
        x1 = self.separable(h, filters, 5, f"normal_left1_{cell}"), self.separable(p, filters, 3, f"normal_right1_{cell}")
        x2 = self.separable(p, filters, 5, f"normal_left2_{cell}"), self.separable(p, filters, 3, f"normal_right2_{cell}")
        x3 = _mean(h, f"normal_left3_{cell}"), p
        x4 = _mean(p, f"normal_left4_{cell}"), _mean(p, f"normal_right4_{cell}")
        x5 = self.separable(h, filters, 3, f"normal_left5_{cell}"), h
        sums = [layers.Add(name=f"normal_add_{i}_{cell}")(list(pair)) for i, pair in enumerate((x1, x2, x3, x4, x5), start=1)]
        return layers.Concatenate(name=f"normal_concat_{cell}")([p, *sums])

    def reduction(self, x: Any, before: Any, filters: int, cell: str) -> Any:
        """A cell that halves the image."""
        from tf_keras import layers

        p = self.adjust(before, x, filters, cell)
        h = _norm(_convolution(self.relu(x), filters, f"reduction_conv_1_{cell}"), f"reduction_bn_1_{cell}")
        h3 = _padded(h, 3, f"reduction_pad_1_{cell}")
        left1 = self.separable(h, filters, 5, f"reduction_left1_{cell}", strides=2)
        x1 = layers.Add(name=f"reduction_add_1_{cell}")(
            [left1, self.separable(p, filters, 7, f"reduction_right1_{cell}", strides=2)]
        )
        largest = layers.MaxPooling2D(3, strides=2, name=f"reduction_left2_{cell}")(h3)
        x2 = layers.Add(name=f"reduction_add_2_{cell}")(
            [largest, self.separable(p, filters, 7, f"reduction_right2_{cell}", strides=2)]
        )
        mean = layers.AveragePooling2D(3, strides=2, name=f"reduction_left3_{cell}")(h3)
        x3 = layers.Add(name=f"reduction_add3_{cell}")(
            [mean, self.separable(p, filters, 5, f"reduction_right3_{cell}", strides=2)]
        )
        x4 = layers.Add(name=f"reduction_add_4_{cell}")([x2, _mean(x1, f"reduction_left4_{cell}")])
        x5 = layers.Add(name=f"reduction_add4_{cell}")([self.separable(x1, filters, 3, f"reduction_left4_{cell}"), largest])
        return layers.Concatenate(name=f"reduction_concat_{cell}")([x2, x3, x4, x5])


def _mean(x: Any, name: str) -> Any:
    """Mean of the nine neighbours; beyond the image there are none."""
    import tf_keras

    return tf_keras.layers.AveragePooling2D(3, strides=1, padding="same", name=name)(x)
