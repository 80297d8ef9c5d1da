"""Facts of a file against what was asked: the findings. Pure, but for the tables of schemes that it reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from edgetl import registry
from edgetl.graphs._base import OperatorFacts
from edgetl.grid.weights_only import LEAST_ELEMENTS
from edgetl.inspection import ends, foreign, islands, mediapipe
from edgetl.inspection.claims import INTEGERS
from edgetl.inspection.records import Asked, Facts, Finding, Level

SHOWN = 4
"""Operators named in a message; its count tells of all."""
_LEAST = {"w8": LEAST_ELEMENTS, "w6_palette": 2048, "w4_palette": 2048, "w8a8_dynamic": 1024}
"""Kernels of so many elements or fewer may stay in float: see the converters."""
_PACKED = ("int8", "uint8")
_ORDER = {"error": 0, "warning": 1, "note": 2}


def judge(name: str, facts: Facts, asked: Asked) -> tuple[Finding, ...]:
    """Find what is wrong with a file.

    Args:
        name: of the file.
        facts: what it says of itself.
        asked: what it should be.

    Returns:
        Findings, errors first.
    """
    found = [*_scheme(facts, asked), *ends.judge(facts, asked), *mediapipe.judge(facts, asked), *foreign.judge(facts)]
    return ordered(found)


def ordered(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings, errors first."""
    return tuple(sorted(found, key=lambda one: _ORDER[one.level]))


def finding(rule: str, level: Level, where: str, message: str, remedy: str) -> Finding:
    """Make a finding; see its fields."""
    return Finding(rule=rule, level=level, where=where, message=message, remedy=remedy)


def listing(names: Sequence[str]) -> str:
    """Name the first few and count the rest."""
    shown = ", ".join(name[:60] + ("…" if len(name) > 60 else "") for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def said(asked: Asked, what: str) -> str:
    """Tell what was asked, and by whom: "w8a8_qat (its name)"."""
    return f"{what} ({asked.source})" if asked.source else what


def _scheme(facts: Facts, asked: Asked) -> Iterator[Finding]:
    if asked.scheme is None or facts.graph.format == "keras":
        return
    operators = [facts.graph.operators[i] for i in facts.weighted]
    if asked.scheme == INTEGERS:
        yield from _claimed_integers(facts, operators, asked)
        return
    rules = registry.load("schemes", asked.scheme)
    activation, weight = rules.ARITHMETIC
    label = said(asked, asked.scheme)
    if not operators:
        message = f"no layer has weights that are constants, so nothing is {label}."
        yield finding("no-weights", "error", "the file", message, "Convert the network with its weights frozen.")
        return
    least = _LEAST.get(asked.scheme, 0)
    stored = [o for o in operators if not _stored_right(o, asked.scheme, facts.graph.format)]
    small = [o for o in stored if math.prod(o.kernel) <= least]
    wrong, kept = islands.allowed([o for o in stored if o not in small], asked.keep_float, operators)
    if wrong:
        kinds = " and ".join(sorted({o.kernel_type for o in wrong}))
        message = f"weights of {listing([o.name for o in wrong])} are stored as {kinds}, which is not {label}."
        yield finding("weights", "error", wrong[0].name, message, "Convert again from the checkpoint of this scheme.")
    elif small and len(small) == len(operators):
        message = f"no kernel is large enough to be stored as {label} says."
        yield finding("weights", "error", "the file", message, "Leave a network this small in float.")
    computing = [o for o in operators if o not in wrong and o not in kept and not _computes_right(o, activation, weight)]
    computing = [o for o in computing if o not in small]
    if computing:
        kinds = " and ".join(sorted({o.arithmetic for o in computing}))
        message = f"{listing([o.name for o in computing])} compute in {kinds}; {label} computes in {activation} × {weight}."
        yield finding("arithmetic", "error", computing[0].name, message, "Convert again; a layer between them may lack a range.")
    if kept:
        message = f"{len(kept)} layers stay in float, as asked: {listing([o.name for o in kept])}."
        yield finding("kept-float", "note", kept[0].name, message, "Nothing to do.")
    if activation.startswith("int"):
        yield from islands.judge(facts, asked)
        yield from _per_tensor(operators)


def _claimed_integers(facts: Facts, operators: Sequence[OperatorFacts], asked: Asked) -> Iterator[Finding]:
    """A name that says `int8` without saying more: integers must at least be stored, and should be computed in."""
    large = [o for o in operators if math.prod(o.kernel) > LEAST_ELEMENTS] or list(operators)
    wrong = [o for o in large if o.kernel_type not in (*_PACKED, "int4", "uint4", "palette")]
    label = said(asked, "integers")
    if len(wrong) == len(large):
        message = f"all weights are stored as real numbers; it claims {label}."
        yield finding("weights", "error", "the file", message, "Quantize it, or name it for what it is.")
        return
    if wrong:
        message = f"weights of {listing([o.name for o in wrong])} are stored as {wrong[0].kernel_type}; it claims {label}."
        yield finding("weights", "warning", wrong[0].name, message, "Quantize these layers too, or accept their size.")
    share = facts.graph.int8_mac_share or 0.0
    if share < 0.5:
        message = f"only {share:.0%} of the multiply-accumulates are done in integers; it claims {label}."
        yield finding("arithmetic", "warning", "the file", message, "Quantize activations too where speed is wanted.")
    yield from islands.judge(facts, asked)
    yield from _per_tensor(operators)


def _stored_right(operator: OperatorFacts, scheme: str, form: str) -> bool:
    rules = registry.load("schemes", scheme)
    if scheme.endswith("_palette"):
        return operator.kernel_type == "palette"
    if rules.WEIGHT_BITS == 8:
        return operator.kernel_type in _PACKED and operator.kernel_scales > 0
    if rules.WEIGHT_BITS == 16:
        return operator.kernel_type == "float16"
    return operator.kernel_type == "float32" or (operator.kernel_type == "sparse" and form != "onnx")


def _computes_right(operator: OperatorFacts, activation: str, weight: str) -> bool:
    if activation.startswith("int"):
        return operator.arithmetic == activation
    if weight == "int8":
        return operator.arithmetic == "hybrid"
    return operator.arithmetic in ("float32", "float16", "hybrid")


def _per_tensor(operators: Sequence[OperatorFacts]) -> Iterator[Finding]:
    """Convolutions whose kernel has one step for all channels; dense layers of TFLite have no other."""
    convolutions = [o for o in operators if "CONV" in o.type.upper() and o.kernel_type in _PACKED]
    whole = [o for o in convolutions if o.kernel_scales == 1 and max(o.kernel) > 1]
    if whole and len(whole) > len(convolutions) / 10:
        message = f"{len(whole)} of {len(convolutions)} convolutions have one step for all channels of their kernel."
        remedy = "Quantize per channel: depthwise layers lose much otherwise."
        yield finding("per-tensor", "warning", whole[0].name, message, remedy)
