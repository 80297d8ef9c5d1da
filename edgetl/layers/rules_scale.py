"""Rules about integers that pass from one layer to another."""

from __future__ import annotations

from edgetl.layers.case import Case, Cause, Rule, cause
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Layer

_STEPS, _SUNK = 8.0, 1.0
"""Branches of an addition do not fit when one's step is 8 times the other's, and larger than the other's standard deviation."""


def mismatch(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """Integers are taken for other numbers than were written, or one branch of an addition drowns in the other's step."""
    for place in layer.inputs:
        source = case.found.layers[place]
        for reader, grid in source.taken:
            if reader == measure.place and source.grid is not None:
                rule: Rule = "residual scale mismatch" if layer.kind == "add" else "scale mismatch"
                return cause(
                    rule, measure,
                    f"it takes the integers of {case.measures[place].name} for steps of {grid.step:.4g} from {grid.low:.4g}; "
                    f"they were written in steps of {source.grid.step:.4g} from {source.grid.low:.4g}.",
                    "Give both the same scale and zero point: convert again.",
                )  # fmt: skip
    if layer.kind != "add" or len(layer.inputs) != 2:
        return None
    one, other = layer.inputs
    for coarse, fine in ((one, other), (other, one)):
        first, second = case.found.layers[coarse].grid, case.found.layers[fine].grid
        if first is None or second is None or case.pairs[fine] is None:
            continue
        spread = float(case.wanted(fine).std())
        if first.step >= _STEPS * second.step and spread <= _SUNK * first.step:
            return cause(
                "residual scale mismatch", measure,
                f"one step of {case.measures[coarse].name} is {first.step:.3g}, more than the standard deviation of "
                f"{case.measures[fine].name}, {spread:.3g} (steps of {second.step:.3g}): what it adds drowns in rounding.",
                f"Give both branches one range that fits; or keep {case.measures[coarse].name} float.",
            )  # fmt: skip
    return None
