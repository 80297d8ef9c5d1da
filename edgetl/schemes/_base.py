"""What a scheme module must define."""

from __future__ import annotations

from typing import Literal, Protocol

Needs = Literal["nothing", "calibration", "training"]


class SchemeModule(Protocol):
    """The names a module in this folder defines. Constants are read-only.

    A scheme whose rounding is simulated before the conversion (all int8 networks) also defines
    `wrap(model, input_range) -> model`: the same network with fake quantization around every layer, its ranges not yet set.
    The quantize stage then calibrates it, and trains it when the scheme needs training.
    """

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def WEIGHT_BITS(self) -> int:
        """Bits of a stored weight."""

    @property
    def ACTIVATION_BITS(self) -> int:
        """Bits of a value between two layers."""

    @property
    def NEEDS(self) -> Needs:
        """What must be there before the conversion besides the float checkpoint."""
