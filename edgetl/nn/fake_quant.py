"""Simulated int8 on tensorflow-model-optimization, with its faults mended.

1. It gives a depthwise kernel one range for all channels, though the runtimes use one per channel; here each has its own
   (tensorflow/model-optimization#808, `quantizers`).
2. Its activation ranges start at ±6 and move by a thousandth a step, far too slow for a few dozen steps; here they are
   taken from calibration images before any weight moves, and stay (`ranges`, `shared_scales`, `swish_ranges`,
   `tie_ranges`).
3. Values that are concatenated it quantizes only afterwards, also where others read them before; here they are quantized where
   they are made, on the grid they share (`shared_scales`).
4. Rounding shifts the mean of every channel, and a dead channel's bias overflows; both are mended before training
   (`bias_correction`, `bias_room`).
5. Batch normalisation that follows no convolution it refuses; here it becomes one (`lone_norms`).
6. Its scales are any numbers; here they, and the biases, are such as half precision holds, for Core ML (`half_steps`,
   `half_biases`).
7. A kernel that no batch normalisation but a ReLU layer follows it does not round; here it is (`_LayerReLU`).

Layers may stay in float (`keep`): their quantizers are taken out, the wrappers stay, so that a network has the same variables
whatever is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.quantization.keras import quantize_aware_activation
from tensorflow_model_optimization.python.core.quantization.keras import utils as quantize_utils
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_layout_transform as default_layout,
)
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_registry as default_registry,
)
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_scheme as default_scheme,
)
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_transforms as transforms,
)
from tensorflow_model_optimization.python.core.quantization.keras.graph_transformations import model_transformer
from tensorflow_model_optimization.python.core.quantization.keras.quantize_layer import QuantizeLayer

from edgetl.errors import StageError
from edgetl.nn.bias_correction import correct_biases
from edgetl.nn.bias_room import least_ranges, revive
from edgetl.nn.float_layers import FloatPart, Unit, float_part, units
from edgetl.nn.half_biases import WEIGHTED, follow_folds, round_biases
from edgetl.nn.half_steps import STEPS, of_bytes, on_half
from edgetl.nn.layers import HardSwish, Sigmoid
from edgetl.nn.lone_norms import as_depthwise
from edgetl.nn.quantizers import DenseQuantizer, DepthwiseKernelQuantizer, KernelQuantizer, OpenQuantizer, PinnedQuantizer
from edgetl.nn.ranges import Method, Range, activation_ranges
from edgetl.nn.shared_scales import grid_of, share
from edgetl.nn.swish_ranges import settle_swishes
from edgetl.nn.tie_ranges import settle_ties

SMALLEST_RANGE = 1e-6
"""A narrower activation counts as constant zero."""
_REMEDY = (
    "Choose a backbone of `edgetl list backbones`, or build the network flat, of Conv2D, DepthwiseConv2D, Dense, ReLU, "
    "BatchNormalization, HardSwish and Sigmoid of edgetl.nn.layers, Add, Multiply, Concatenate, ZeroPadding2D and pooling layers."
)
_CORRECTION_IMAGES = 32
"""Channel means need few images (each has thousands of places); their activations are held in memory."""


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
        for layer in (tf_keras.layers.Multiply, HardSwish, Sigmoid):
            self._layer_quantize_map[layer] = default_registry.Default8BitQuantizeConfig([], [], True)


class _LayerReLU(transforms.LayerReLUQuantize):  # type: ignore[misc]
    """Rounds nothing between a layer and its ReLU, but the kernel, which the default leaves to the converter's own guess."""

    def replacement(self, match_layer: Any) -> Any:
        """Change the layer before the ReLU."""
        source = match_layer.input_layers[0]
        if source.layer["class_name"] == "Add":
            return super().replacement(match_layer)
        nothing = quantize_aware_activation.NoOpActivation()
        source.layer["config"]["activation"] = quantize_utils.serialize_activation(nothing, use_legacy_format=True)
        return match_layer

    def custom_objects(self) -> dict[str, Any]:
        """What the changed layers name."""
        return {**super().custom_objects(), "NoOpActivation": quantize_aware_activation.NoOpActivation}


class _LayerActivation(_LayerReLU, transforms.LayerReluActivationQuantize):  # type: ignore[misc]
    """The same for a ReLU that is written as Activation."""


class _Layout(default_layout.Default8BitQuantizeLayoutTransform):  # type: ignore[misc]
    """Where fake quantization is left out between layers that a runtime fuses; as the default, but for concatenations."""

    def apply(self, model: tf_keras.Model, layer_quantize_map: dict[str, Any]) -> Any:
        """Apply the transforms to a network."""
        fused = [
            transforms.InputLayerQuantize(),
            transforms.Conv2DBatchNormReLUQuantize(),
            transforms.Conv2DBatchNormActivationQuantize(),
            transforms.Conv2DBatchNormQuantize(),
            transforms.DenseBatchNormReLUQuantize(),
            transforms.DenseBatchNormActivationQuantize(),
            transforms.DenseBatchNormQuantize(),
            _LayerReLU(),
            _LayerActivation(),
        ]
        return model_transformer.ModelTransformer(model, fused, set(layer_quantize_map), layer_quantize_map).transform()


class _Scheme(default_scheme.Default8BitQuantizeScheme):  # type: ignore[misc]
    def get_quantize_registry(self) -> _Registry:
        return _Registry()

    def get_layout_transformer(self) -> _Layout:
        return _Layout()


def quantize_model(model: tf_keras.Model, input_range: tuple[float, float], keep_float: Iterable[str] = ()) -> tf_keras.Model:
    """Put fake quantization around every layer of a flat network.

    Args:
        model: image → logits.
        input_range: smallest and largest value of the input; the input's range is pinned to it, on the next half-precision step.
        keep_float: names of layers that stay in float, see `edgetl.nn.float_layers`.

    Returns:
        The quantization-aware network with copied weights; layers are named `quant_<name>`, those in float too.

    Raises:
        StageError: a layer is of a kind that cannot be quantized; names all of them.
        InputError: a name that no layer carries.
    """
    given, model = model, as_depthwise(model)
    registry = _Registry()
    handled = (tf_keras.layers.BatchNormalization, tf_keras.layers.InputLayer)
    foreign = [layer for layer in model.layers if not isinstance(layer, handled) and not registry.supports(layer)]
    if foreign:
        listing = ", ".join(f"{layer.name} ({type(layer).__name__})" for layer in foreign[:12])
        raise StageError("quantize", "", f"these layers cannot be quantized: {listing}. {_REMEDY}")
    with tf_keras.utils.custom_object_scope({"DepthwiseConfig": DepthwiseConfig}):
        annotated = tfmot.quantization.keras.quantize_annotate_model(model)
        quantized = tfmot.quantization.keras.quantize_apply(annotated, scheme=_Scheme())
    low, high = of_bytes(input_range)
    for layer in quantized.layers:
        if isinstance(layer, QuantizeLayer):
            layer.quantizer = PinnedQuantizer()
            layer.quantizer_vars["min_var"].assign(low)
            layer.quantizer_vars["max_var"].assign(high)
        if isinstance(getattr(layer, "layer", None), tf_keras.layers.BatchNormalization):
            layer.trainable = False  # the statistics of a small data set would hurt; the fold stays as it was
    keep(quantized, given, keep_float)
    return quantized


def keep(quantized: tf_keras.Model, model: tf_keras.Model, keep_float: Iterable[str]) -> FloatPart:
    """Take the fake quantization out of some layers, in place, and put it (back) around all others.

    Ranges and weights stay as they are: `calibrate` again, from the weights that `quantize_model` copied.

    Args:
        quantized: what `quantize_model` made of `model`.
        model: the float network.
        keep_float: names of the layers that stay in float.

    Returns:
        What stays in float.

    Raises:
        InputError: a name that no layer carries.
    """
    part = float_part(as_depthwise(model), rounded(quantized), keep_float)
    for layer in quantized.layers:
        name = layer.name.removeprefix("quant_")
        _replace_quantizers(layer, weights=name not in part.layers, output=name not in part.real)
    return part


def float_units(quantized: tf_keras.Model, model: tf_keras.Model) -> tuple[Unit, ...]:
    """Divide a network into what can stay in float; see `edgetl.nn.float_layers.units`."""
    return units(as_depthwise(model), rounded(quantized))


def calibrate(
    quantized: tf_keras.Model,
    model: tf_keras.Model,
    batches: Sequence[np.ndarray],
    method: Method = "minmax",
    *,
    bias_correction: bool = True,
    keep_float: Iterable[str] = (),
    seen: dict[str, Range] | None = None,
) -> dict[str, Range]:
    """Set every activation range to what the float network shows on calibration images, before any weight moves.

    An activation that is always zero gets the range 0 to 1: zero is exact in it, and its step is not so small that the next
    layer's bias would overflow. A sigmoid has the one range that TFLite allows it.

    Args:
        quantized: what `quantize_model` made of `model`.
        model: the float network.
        batches: float32 (N, px, px, 3), normalised.
        method: how much of the values to keep, see `edgetl.nn.ranges`.
        bias_correction: take the mean error of rounded weights out of the biases, see `edgetl.nn.bias_correction`.
        keep_float: the layers that `quantized` keeps in float.
        seen: what `activation_ranges` found on these batches, when that is known already.

    Returns:
        Layer name → range, of the layers whose output is quantized.

    Raises:
        StageError: an activation is not finite, there was no image, or all were blank.
    """
    part = float_part(as_depthwise(model), rounded(quantized), keep_float)
    seen = activation_ranges(model, batches, method) if seen is None else seen
    wide = {name: on_half((low, high) if high - low >= SMALLEST_RANGE else (0.0, 1.0)) for name, (low, high) in seen.items()}
    wide.update({layer.name: Sigmoid.OUTPUT_RANGE for layer in model.layers if isinstance(layer, Sigmoid)})
    wide = {name: wide[name] for name in wide if name in rounded(quantized) - part.real}
    ranges = settle_swishes(model, share(model, wide, part.layers), _input_range(quantized), part.layers)
    ranges = settle_ties(model, ranges, _input_range(quantized), part.layers)
    for name, limits in ranges.items():
        _set_range(quantized.get_layer(f"quant_{name}"), *limits)
    give_bias_room(quantized, model, ranges)
    settle(quantized, batches[-1])
    if bias_correction:
        correct_biases(quantized, model, np.concatenate(batches)[:_CORRECTION_IMAGES])
        round_biases(quantized)
    return ranges


def give_bias_room(quantized: tf_keras.Model, model: tf_keras.Model, ranges: dict[str, Range]) -> None:
    """Set the floors and the steps of all kernels' ranges; part of `calibrate`, and to be called again when training is resumed.

    Args:
        quantized: what `quantize_model` made of `model`.
        model: the float network.
        ranges: what `calibrate` returned.
    """
    plain = as_depthwise(model)
    for name, least in least_ranges(plain, ranges, _input_range(quantized)).items():
        for _, quantizer, _ in quantized.get_layer(f"quant_{name}")._weight_vars:
            if isinstance(quantizer, KernelQuantizer):
                quantizer.floor = least
    for layer in (layer for layer in plain.layers if isinstance(layer, WEIGHTED)):
        for _, quantizer, _ in quantized.get_layer(f"quant_{layer.name}")._weight_vars:
            if isinstance(quantizer, KernelQuantizer | DenseQuantizer):
                low, high = ranges.get(grid_of(layer.input, ranges) or "", _input_range(quantized))
                quantizer.source_step = (high - low) / STEPS
    for layer in quantized.layers:
        if isinstance(getattr(layer, "layer", None), tf_keras.layers.BatchNormalization) and layer.layer.scale:
            revive(layer.layer)
    follow_folds(quantized)


def _input_range(quantized: tf_keras.Model) -> Range:
    first = next(layer for layer in quantized.layers if isinstance(layer, QuantizeLayer))
    return float(first.quantizer_vars["min_var"]), float(first.quantizer_vars["max_var"])


def settle(quantized: tf_keras.Model, batch: np.ndarray) -> None:
    """Bring the ranges of all weights up to date with the weights (a training step leaves them one step behind), round biases.

    Args:
        quantized: a quantization-aware network.
        batch: float32 (N, px, px, 3); any images, they move activation ranges by a thousandth.
    """
    follow_folds(quantized)
    quantized(batch, training=True)
    round_biases(quantized)


def rounded(quantized: tf_keras.Model) -> set[str]:
    """Names, as in the float network, of the layers that have a range for their output, whether it is used or not."""
    return {layer.name.removeprefix("quant_") for layer in quantized.layers if hasattr(layer, "layer") and _limits(layer)}


def _limits(layer: Any) -> tuple[Any, Any] | None:
    """The variables of the range of a layer's output; None when it has none."""
    found = {v.name.rpartition("/")[2].partition(":")[0]: v for v in layer.weights}
    ends = ("output", "post_activation")
    return next(((found[f"{end}_min"], found[f"{end}_max"]) for end in ends if f"{end}_min" in found), None)


def _set_range(layer: Any, low: float, high: float) -> None:
    """Set the range of a layer's output."""
    limits = _limits(layer)
    assert limits is not None
    limits[0].assign(low)
    limits[1].assign(high)


def _replace_quantizers(layer: Any, *, weights: bool, output: bool) -> None:
    """Keep the range of a layer's output as it is set, and give those of its kernel a floor; leave out what is not rounded."""
    if getattr(layer, "_weight_vars", None):
        layer._weight_vars = [(weight, _of_kernel(layer, weights), variables) for weight, _, variables in layer._weight_vars]
    if getattr(layer, "_output_quantizers", None):
        layer._output_quantizers = [PinnedQuantizer() if output else OpenQuantizer()]
    for activation in getattr(layer, "_quantize_activations", ()):
        activation.quantizer = PinnedQuantizer() if output else OpenQuantizer()


def _of_kernel(layer: Any, rounded: bool) -> Any:
    if not rounded:
        return OpenQuantizer()
    if isinstance(layer.layer, tf_keras.layers.DepthwiseConv2D):
        return DepthwiseKernelQuantizer()
    return KernelQuantizer() if isinstance(layer.layer, tf_keras.layers.Conv2D) else DenseQuantizer()
