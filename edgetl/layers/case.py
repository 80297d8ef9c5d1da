"""A file beside its reference, and a fault of it: what the rules look at, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edgetl.layers import weighing
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Walk

if TYPE_CHECKING:
    import numpy as np

Rule = Literal[
    "wrong preprocessing", "not finite", "clipped range", "dead channel", "batch norm fold", "weights differ",
    "residual scale mismatch", "scale mismatch", "range too wide", "outlier channel", "softmax in int8",
    "classes in another order", "computes something else", "noise of all layers",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A fault that was found, with the evidence."""

    rule: Rule
    place: int
    """Of the layer in the file."""
    layer: str
    evidence: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that the rules look at."""

    found: Walk
    reference: Walk
    """What the file was made from: the fake-quantized network where there is one, else the float one."""
    pairs: tuple[int | None, ...]
    measures: tuple[Measure, ...]
    agreement: float
    """Share of the images that the file and the float network answer alike, 0 to 1."""
    logits_db: float
    """SQNR of the file's logits against the float network's."""
    weights: dict[int, weighing.Weighed] = field(default_factory=dict)

    def wanted(self, place: int) -> np.ndarray:
        """What the reference's layer gives, in the shape of the file's."""
        pair = self.pairs[place]
        assert pair is not None
        return self.reference.values[pair].reshape(self.found.values[place].shape)


def cause(rule: Rule, measure: Measure, evidence: str, remedy: str) -> Cause:
    """Make a cause of a layer's measure."""
    return Cause(rule=rule, place=measure.place, layer=measure.name, evidence=evidence, remedy=remedy)
