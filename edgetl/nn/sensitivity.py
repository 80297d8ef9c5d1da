"""What each rounding of an int8 network costs by itself: the weights of a unit, or its output, rounded and nothing else.

Measured on the logits, against the float network, on calibration images. The roundings of one network are switched on one at a
time, so a network is wrapped and compiled once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl import parity
from edgetl.nn import fake_quant
from edgetl.nn.float_layers import Unit

LARGEST_DB = 200.0
"""Stands for no error at all, which has no ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one rounding."""

    layer: str
    """Its layer in the float network."""
    what: Literal["weights", "output"]
    sqnr_db: float
    """Ratio of the float network's logits to what this rounding alone changes of them, in decibels; at most `LARGEST_DB`."""
    units: tuple[str, ...]
    """Names of the units that would have to stay in float for it to be gone; none when nothing can."""


class _Switched:
    """A quantizer that can be switched off."""

    def __init__(self, quantizer: Any) -> None:
        self.quantizer, self.on = quantizer, tf.Variable(False, trainable=False)

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        return tf.cond(self.on, lambda: self.quantizer(inputs, training, weights, **options), lambda: inputs)


def costs(
    quantized: tf_keras.Model,
    model: tf_keras.Model,
    units: Sequence[Unit],
    batches: Sequence[np.ndarray],
    progress: Callable[[int, int], None],
) -> tuple[Cost, ...]:
    """Measure every rounding alone, the input's left out: bytes are integers.

    Args:
        quantized: the calibrated network, nothing in float, its biases not corrected; it comes back without quantizers, for
            `fake_quant.keep` to put in.
        model: the float network.
        units: of the network.
        batches: float32 (N, px, px, 3), normalised.
        progress: is told how many roundings are measured, and of how many.

    Returns:
        The dearest first; of equal ones in the network's order.
    """
    switches = _install(quantized, fake_quant.rounded(quantized))
    owners = {layer: unit for unit in units for layer in unit.layers}
    forward = tf.function(lambda x: quantized(x, training=False), reduce_retracing=True, autograph=False)
    wanted = np.concatenate([model(batch, training=False).numpy() for batch in batches])
    found = []
    for done, (layer, what, switch) in enumerate(switches):
        switch.on.assign(True)
        logits = np.concatenate([forward(tf.constant(batch)).numpy() for batch in batches])
        switch.on.assign(False)
        found.append(Cost(layer=layer, what=what, sqnr_db=_ratio(wanted, logits), units=_remedy(owners[layer], layer, what)))
        progress(done + 1, len(switches))
    return tuple(sorted(found, key=lambda cost: cost.sqnr_db))


def _install(quantized: tf_keras.Model, rounded: Collection[str]) -> list[tuple[str, Literal["weights", "output"], _Switched]]:
    """Put a switch, which is off, at every quantizer that is used."""
    found: list[tuple[str, Literal["weights", "output"], _Switched]] = []
    for layer in quantized.layers:
        name = layer.name.removeprefix("quant_")
        for kind in ("_weight_vars", "_output_quantizers", "_quantize_activations"):
            for place, entry in enumerate(getattr(layer, kind, None) or ()):
                if kind == "_weight_vars":
                    switch = _Switched(entry[1])
                    layer._weight_vars[place] = (entry[0], switch, entry[2])
                elif kind == "_output_quantizers":
                    switch = layer._output_quantizers[place] = _Switched(entry)
                else:
                    switch = entry.quantizer = _Switched(entry.quantizer)
                if kind == "_weight_vars":
                    found.append((name, "weights", switch))
                elif name in rounded:
                    found.append((name, "output", switch))
    return found


def _ratio(wanted: np.ndarray, found: np.ndarray) -> float:
    """Signal to noise of logits, their mean over the images left out: it tells no image from another."""
    centre = wanted.mean(axis=0)
    ratio = parity.sqnr_db(wanted - centre, found - centre)
    return min(ratio, LARGEST_DB) if not math.isnan(ratio) else -LARGEST_DB


def _remedy(unit: Unit, layer: str, what: str) -> tuple[str, ...]:
    """The rounding of a kernel, or within a unit, is gone when the unit is in float; of its output, when its readers are too."""
    if what == "weights" or layer != unit.end:
        return (unit.name,)
    return () if unit.last else (unit.name, *unit.readers)
