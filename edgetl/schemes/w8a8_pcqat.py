"""Pruning and clustering under quantization-aware training: half of each large kernel zero, fifteen values in the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgetl.schemes._base import Needs

TITLE = "8-bit weights and activations, trained with the rounding simulated, half of the weights zero, sixteen values a kernel."
WEIGHT_BITS = 8
ACTIVATION_BITS = 8
ARITHMETIC = ("int8", "int8")
NEEDS: Needs = "training"
ZEROS = 0.5
"""Least share of zeros in each kernel that `edgetl.nn.constraints` holds."""
VALUES = 16
"""Most distinct values in an output channel of each kernel that `edgetl.nn.constraints` holds."""


def wrap(model: Any, input_range: tuple[float, float], keep_float: Iterable[str] = ()) -> Any:
    """Return the same network with fake quantization around its layers, its ranges not yet set.

    Args:
        model: flat tf_keras model, image → logits.
        input_range: smallest and largest value of the input tensor.
        keep_float: names of layers that stay in float.

    Returns:
        A tf_keras model of the same inputs and outputs; `edgetl.nn.fake_quant.calibrate` sets its ranges.
    """
    from edgetl.nn.fake_quant import quantize_model

    return quantize_model(model, input_range, keep_float)


def constraint() -> Any:
    """Return the constraint of the weights: the smallest are zero, the others share few values."""
    from edgetl.nn.constraints import Clusters, Sparse, Stack

    return Stack(Sparse(ZEROS), Clusters(VALUES, keep_zero=True))
