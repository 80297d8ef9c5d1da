"""Simulated int8 on tensorflow-model-optimization, with two of its faults mended.

1. It gives a depthwise kernel one range for all channels, though the runtimes use one per channel; here each has its own
   (tensorflow/model-optimization#808).
2. Its activation ranges start at ±6 and move by a thousandth a step, far too slow for a few dozen steps; here they are
   taken from calibration images before any weight moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.quantization.keras import quantizers
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_registry as default_registry,
)
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_scheme as default_scheme,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize_layer import QuantizeLayer

from edgetl.errors import StageError


class DepthwiseKernelQuantizer(quantizers.LastValueQuantizer):  # type: ignore[misc]
    """Symmetric int8 with one range for each output channel of a depthwise kernel (h, w, c, m): c·m ranges."""

    def __init__(self) -> None:
        """Make the quantizer."""
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Add the range variables, float32 (c·m,), to the wrapped layer."""
        return super().build(tf.TensorShape([tensor_shape[2] * tensor_shape[3]]), name, layer)  # type: ignore[no-any-return]

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        """Quantize the kernel as (h, w, 1, c·m) and give it back as (h, w, c, m)."""
        height, width, channels, multiplier = inputs.shape
        flat = tf.reshape(inputs, (height, width, 1, channels * multiplier))
        return tf.reshape(super().__call__(flat, training, weights, **options), inputs.shape)


class DepthwiseConfig(default_registry.Default8BitConvQuantizeConfig):  # type: ignore[misc]
    """The default configuration of a convolution, with the quantizer above."""

    def __init__(self, weight_attrs: Any, activation_attrs: Any, quantize_output: bool) -> None:
        """Make the configuration from tensorflow-model-optimization's own arguments."""
        super().__init__(weight_attrs, activation_attrs, quantize_output)
        self.weight_quantizer = DepthwiseKernelQuantizer()


class _Registry(default_registry.Default8BitQuantizeRegistry):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        config = DepthwiseConfig(["depthwise_kernel"], ["activation"], False)
        self._layer_quantize_map[tf_keras.layers.DepthwiseConv2D] = config


class _Scheme(default_scheme.Default8BitQuantizeScheme):  # type: ignore[misc]
    def get_quantize_registry(self) -> _Registry:
        return _Registry()


def quantize_model(model: tf_keras.Model, input_range: tuple[float, float]) -> tf_keras.Model:
    """Put fake quantization around every layer of a flat network.

    Args:
        model: image → logits.
        input_range: smallest and largest value of the input; the input's range is pinned to it.

    Returns:
        The quantization-aware network with copied weights; layers are named `quant_<name>`.

    Raises:
        StageError: a layer is of a kind that cannot be quantized; names all of them.
    """
    registry = _Registry()
    handled = (tf_keras.layers.BatchNormalization, tf_keras.layers.InputLayer)
    foreign = [layer for layer in model.layers if not isinstance(layer, handled) and not registry.supports(layer)]
    if foreign:
        listing = ", ".join(f"{layer.name} ({type(layer).__name__})" for layer in foreign[:12])
        raise StageError("quantize", "w8a8_qat", f"these layers cannot be quantized: {listing}. Choose another backbone.")
    with tf_keras.utils.custom_object_scope({"DepthwiseConfig": DepthwiseConfig}):
        annotated = tfmot.quantization.keras.quantize_annotate_model(model)
        quantized = tfmot.quantization.keras.quantize_apply(annotated, scheme=_Scheme())
    for layer in quantized.layers:
        if isinstance(layer, QuantizeLayer):
            _set_range(layer, "quantize_layer", *input_range)
        if isinstance(getattr(layer, "layer", None), tf_keras.layers.BatchNormalization):
            layer.trainable = False  # the statistics of a small data set would hurt; the fold stays as it was
    return quantized


def calibrate(quantized: tf_keras.Model, model: tf_keras.Model, batches: Iterable[np.ndarray]) -> dict[str, tuple[float, float]]:
    """Set every activation range to the smallest and largest value the float network shows on calibration images.

    Args:
        quantized: what `quantize_model` made of `model`.
        model: the float network.
        batches: float32 (N, px, px, 3), normalised; read once.

    Returns:
        Layer name → range, of the layers whose output is quantized.

    Raises:
        StageError: an activation is not finite, or there was no image.
    """
    names = [layer.name for layer in model.layers if not isinstance(layer, tf_keras.layers.InputLayer)]
    probe = tf_keras.Model(
        model.input,
        [tf.stack([tf.reduce_min(o), tf.reduce_max(o)]) for o in [model.get_layer(n).output for n in names]],
    )
    seen: list[np.ndarray] = []
    last: np.ndarray | None = None
    for last in batches:
        seen.append(np.stack([np.asarray(v) for v in probe(last, training=False)]))
    if last is None:
        raise StageError("quantize", "w8a8_qat", "there is no calibration image.")
    low, high = np.min(seen, axis=0)[:, 0], np.max(seen, axis=0)[:, 1]
    bad = [n for n, a, b in zip(names, low, high, strict=True) if not (np.isfinite(a) and np.isfinite(b))]
    if bad:
        raise StageError("quantize", "w8a8_qat", f"the network's values are not finite at {', '.join(bad[:5])}.")
    ranges: dict[str, tuple[float, float]] = {}
    for name, smallest, largest in zip(names, low, high, strict=True):
        layer = quantized.get_layer(f"quant_{name}")
        # zero must be on the grid, and a constant activation still needs a step to stand on
        limits = min(float(smallest), 0.0), max(float(largest), 0.0)
        if limits[1] - limits[0] < 1e-6:
            limits = limits[0], limits[0] + 1e-6
        if _set_range(layer, "output", *limits) or _set_range(layer, "post_activation", *limits):
            ranges[name] = limits
    settle(quantized, last)
    return ranges


def settle(quantized: tf_keras.Model, batch: np.ndarray) -> None:
    """Bring the ranges of all weights up to date with the weights (a training step leaves them one step behind).

    Args:
        quantized: a quantization-aware network.
        batch: float32 (N, px, px, 3); any images, they move activation ranges by a thousandth.
    """
    quantized(batch, training=True)


def _set_range(layer: Any, prefix: str, low: float, high: float) -> bool:
    """Set the range variables whose names start with `prefix`; tell whether there were any."""
    found = {v.name.rpartition("/")[2].partition(":")[0]: v for v in layer.weights}
    pair = [found.get(f"{prefix}_min"), found.get(f"{prefix}_max")]
    if pair[0] is None or pair[1] is None:
        return False
    pair[0].assign(low)
    pair[1].assign(high)
    return True
