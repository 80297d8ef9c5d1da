"""What a scheme module must define."""

from __future__ import annotations

from typing import Literal, Protocol

Needs = Literal["nothing", "calibration", "training"]


class SchemeModule(Protocol):
    """The names a module in this folder defines. Constants are read-only.

    A scheme with `NEEDS = "training"` also defines `wrap` (see `TrainedScheme`).
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
