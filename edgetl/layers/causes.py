"""What is wrong with a layer, in words: each rule asks for evidence of a cause, a low figure alone is none.

The limits were chosen on sound files (README "Which layer is it?"): an int8 layer of those has 20 to 60 dB of its own, and no
rule speaks. What no rule of a cause explains is quantization noise, unless `rules_rest` says that there is too much of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edgetl.layers import rules_content, rules_ends, rules_range, rules_rest, rules_scale
from edgetl.layers.case import Case, Cause
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Layer

_RULES: tuple[Callable[[Case, Measure, Layer], Cause | None], ...] = (
    rules_ends.preprocessing, rules_content.finite, rules_scale.mismatch, rules_range.clipped,
    rules_content.folded, rules_content.dead, rules_content.weights, rules_range.wide, rules_range.outlier, rules_ends.softmax,
    rules_rest.other,
)  # fmt: skip
"""What explains more comes first."""


def name(case: Case) -> tuple[Cause, ...]:
    """Name every fault there is evidence for.

    Args:
        case: the file beside its reference.

    Returns:
        The faults, in the order of the layers; for each layer the one that explains the others.
    """
    causes: list[Cause] = []
    for measure in case.measures:
        if measure.pair is None:
            continue
        layer = case.found.layers[measure.place]
        for rule in _RULES:
            cause = rule(case, measure, layer)
            if cause is not None:
                causes.append(cause)
                break
    sunk = {i for c in causes if c.rule == "residual scale mismatch" for i in case.found.layers[c.place].inputs}
    return tuple(c for c in causes if not (c.rule == "range too wide" and c.place in sunk))


def ranked(causes: tuple[Cause, ...]) -> Iterator[Cause]:
    """The causes, what explains most first: the input, then in the order of the layers."""
    yield from sorted(causes, key=lambda cause: (cause.rule != "wrong preprocessing", cause.place))
