"""Which layers of a saved Keras network can be made anew, and with which settings: what is not on the list is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgetl.nn.saved.keras_graph import Node

_MOST = 65_536
"""Largest whole number in a layer's settings; a file's weights bound what is allocated."""
_NEUTRAL_ENDS = ("_initializer", "_regularizer", "_constraint")
_NEUTRAL = (
    "name", "trainable", "dtype", "build_config", "batch_input_shape", "batch_shape", "sparse", "ragged", "optional", "autocast",
    "momentum", "synchronized", "seed", "rng", "lora_rank", "lora_alpha", "quantization_config", "renorm_clipping",
    "renorm_momentum",
)  # fmt: skip
"""Settings that change nothing at inference, and how their names end."""
IDENTITY = (
    "Identity", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomHue",
    "RandomSaturation", "RandomGrayscale", "RandomColorJitter", "RandomShear", "RandomPosterization", "RandomErasing",
    "RandomSharpness", "RandomGaussianBlur",
)  # fmt: skip
"""Layers that do nothing at inference."""
_LIKE_CONVOLUTION = {"data_format": ("channels_last", None), "dilation_rate": None, "activation": None, "use_bias": None}
_POOLING = {"data_format": ("channels_last", None), "pool_size": None, "strides": None, "padding": None}
_SETTINGS: dict[str, dict[str, tuple[Any, ...] | None]] = {
    "InputLayer": {},
    "Conv2D": {**_LIKE_CONVOLUTION, "filters": None, "kernel_size": None, "strides": None, "padding": None, "groups": (1,)},
    "DepthwiseConv2D": {
        **_LIKE_CONVOLUTION, "kernel_size": None, "strides": None, "padding": None, "depth_multiplier": None, "groups": None,
        "filters": None,
    },
    "SeparableConv2D": {
        **_LIKE_CONVOLUTION, "filters": None, "kernel_size": None, "strides": None, "padding": None, "depth_multiplier": None,
        "groups": (1,),
    },
    "Dense": {"units": None, "activation": None, "use_bias": None},
    "BatchNormalization": {"axis": None, "epsilon": None, "center": None, "scale": None, "renorm": (False,), "virtual_batch_size":
                           (None,), "fused": (None, True, False)},
    "ReLU": {"max_value": (None, 6.0), "negative_slope": (0.0,), "threshold": (0.0,)},
    "Activation": {"activation": None},
    "ZeroPadding2D": {"data_format": ("channels_last", None), "padding": None},
    "Add": {},
    "Multiply": {},
    "Concatenate": {"axis": (-1, 3)},
    "AveragePooling2D": _POOLING,
    "MaxPooling2D": _POOLING,
    "GlobalAveragePooling2D": {"data_format": ("channels_last", None), "keepdims": (False, True)},
    "Reshape": {"target_shape": None},
    "Rescaling": {"scale": None, "offset": None},
    "Normalization": {"axis": (-1, 3, [-1], [3], [], None), "invert": (False,), "mean": None, "variance": None},
}  # fmt: skip
"""Class → settings that are read, or the values that one must have."""
_WHOLE: dict[str, dict[str, tuple[Any, ...] | None]] = {
    "Flatten": {"data_format": ("channels_last", None)},
    "GlobalMaxPooling2D": {"data_format": ("channels_last", None), "keepdims": (False, True)},
}
"""What a whole network may hold besides."""
_SIZES = ("filters", "units", "kernel_size", "strides", "pool_size", "padding", "dilation_rate", "depth_multiplier")
_DTYPES = ("float32", "mixed_float16", "mixed_bfloat16")
"""Of a layer's computation; all three have weights in float32."""
_ACTIVATIONS = ("linear", "relu", "relu6", "sigmoid", "swish", "silu", "hard_swish", "hard_silu")
_HINT = {
    "Lambda": "it is code; write it as layers",
    "GlobalMaxPooling2D": "cut before it: edgetl's head takes the mean over all places",
    "Flatten": "cut before it: edgetl's head takes the mean over all places",
    "Resizing": "cut it off: edgetl resizes photos itself",
}


def faults(nodes: Sequence[Node], *, whole: bool = False) -> list[str]:
    """Look at each layer's class and settings.

    Args:
        nodes: the layers from the image to the cut.
        whole: they are a whole network with its own classifier, not a backbone.

    Returns:
        One line for each that cannot be made.
    """
    settings = {**_SETTINGS, **_WHOLE} if whole else _SETTINGS
    found = [f"{node.name} ({node.kind}): {what}." for node in nodes if (what := _fault(node, settings, whole)) is not None]
    if whole:
        return found
    raw = {node.name for node in nodes if node.kind in ("InputLayer", "Rescaling", "Normalization") or node.kind in IDENTITY}
    found += [
        f"{node.name} ({node.kind}): only right behind the image can it become a convolution."
        for node in nodes
        if node.kind in ("Rescaling", "Normalization") and not set(node.inputs) <= raw
    ]
    return found


def _fault(node: Node, known: dict[str, dict[str, tuple[Any, ...] | None]], whole: bool) -> str | None:
    if node.fault is not None:
        return node.fault
    if node.kind in IDENTITY:
        return None
    settings = known.get(node.kind)
    if settings is None:
        hints = {"Lambda": _HINT["Lambda"], "Resizing": "take it out: photos are resized before the network"} if whole else _HINT
        other = "write it with layers that it knows" if whole else "cut before it, or write it with layers that it knows"
        return hints.get(node.kind, f"edgetl does not know this class; {other}")
    for key, value in node.config.items():
        if key in _NEUTRAL or key.endswith(_NEUTRAL_ENDS):
            continue
        if key not in settings:
            return f"setting {key} = {value!r:.40} is not known"
        allowed = settings[key]
        if allowed is not None and not any(value == one for one in allowed):
            return f"{key} = {value!r:.40} cannot be used"
        if key in _SIZES and not _small(value):
            return f"{key} = {value!r:.40} is out of range"
    if node.kind == "InputLayer":
        shape = list(node.config.get("batch_shape") or node.config.get("batch_input_shape") or ())
        return None if len(shape) == 4 and shape[3] == 3 else f"takes {shape}, not RGB images with channels last"
    activation, dtype = node.config.get("activation", "linear"), _dtype(node.config.get("dtype", "float32"))
    if activation not in _ACTIVATIONS:
        return f"activation {activation!r:.40} is not one of {', '.join(_ACTIVATIONS)}"
    return None if dtype in _DTYPES else f"dtype {dtype!r:.40} is not one of {', '.join(_DTYPES)}"


def policy(node: Node) -> str:
    """What a layer computes in: by name, for example `float32` or `mixed_float16`."""
    return str(_dtype(node.config.get("dtype") or "float32"))


def _dtype(value: Any) -> Any:
    return value.get("config", {}).get("name") if isinstance(value, dict) else value


def _small(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 2 and all(_small(one) for one in value)
    return value in ("same", "valid", None) or (isinstance(value, int) and 0 <= value <= _MOST)
