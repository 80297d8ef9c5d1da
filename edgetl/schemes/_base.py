"""What a scheme module must define."""

from __future__ import annotations

from types import ModuleType
from typing import Literal, Protocol

Needs = Literal["nothing", "calibration", "training"]


class SchemeModule(Protocol):
    """The names a module in this folder defines. Constants are read-only.

    A scheme whose rounding is simulated before the conversion (all int8 networks) also defines
    `wrap(model, input_range, keep_float=()) -> model`: the same network with fake quantization around every layer but those that
    stay in float, its ranges not yet set. The quantize stage then calibrates it, and trains it when the scheme needs training.

    A scheme whose weights obey a constraint (zeros, few values) defines `constraint() -> edgetl.nn.constraints.Constraint`, and
    what every converted file must show, as `edgetl.grid.sparsity` checks it: `ZEROS`, least share of zeros in a kernel;
    `ZEROS_OF_FOUR`, least number of zeros in each four consecutive weights; `VALUES`, most distinct values in an output channel.
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
    def ARITHMETIC(self) -> tuple[str, str]:
        """Types of activation and weight in a layer's multiplication, as a TFLite file of this scheme has them."""

    @property
    def NEEDS(self) -> Needs:
        """What must be there before the conversion besides the float checkpoint."""


def origin(scheme: ModuleType) -> Literal["quantize", "finetune"]:
    """Say which stage makes the checkpoint that a scheme's files are converted from.

    Args:
        scheme: a module of this folder.

    Returns:
        `quantize` when it is trained or its rounding simulated; else `finetune`, whose checkpoint is the float network.
    """
    return "quantize" if scheme.NEEDS == "training" or hasattr(scheme, "wrap") else "finetune"
