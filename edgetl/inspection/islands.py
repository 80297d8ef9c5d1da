"""Float islands: operators of an integer network that compute in float, with integers before and after them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edgetl.graphs._base import OperatorFacts
from edgetl.inspection.records import Asked, Facts, Finding

_FLOAT = ("float32", "float16", "hybrid")
_WEIGHTED = ("Conv", "Gemm", "MatMul", "FusedConv", "FusedGemm")
"""What onnxruntime calls a layer with weights that it runs in float."""


def find(operators: Sequence[OperatorFacts]) -> tuple[OperatorFacts, ...]:
    """Find the islands.

    Args:
        operators: of a file, in an order in which they can be run.

    Returns:
        Those that compute in float between integers; what only makes the input or the output is none.
    """
    after: set[str] = set()
    reached = []
    for operator in operators:
        behind = operator.quantized or any(name in after for name in operator.reads)
        reached.append(behind)
        if behind:
            after.update(operator.makes)
    before: set[str] = set()
    ahead = [False] * len(operators)
    for place in range(len(operators) - 1, -1, -1):
        operator = operators[place]
        ahead[place] = operator.quantized or any(name in before for name in operator.makes)
        if ahead[place]:
            before.update(operator.reads)
    return tuple(o for o, b, a in zip(operators, reached, ahead, strict=True) if a and b and o.arithmetic in _FLOAT)


def allowed(operators: Sequence[OperatorFacts], layers: Sequence[str]) -> tuple[list[OperatorFacts], list[OperatorFacts]]:
    """Divide float operators into those that nobody asked for, and those that were to stay in float.

    Args:
        operators: that are in float.
        layers: names of the float network's layers that were asked to stay. An operator belongs to a layer whose name is a part
            of its own. Where no operator's name tells (files written from TFLite's integers number their operators), as many as
            there are layers are taken for them.

    Returns:
        Not asked for; asked for.
    """
    if not layers:
        return list(operators), []
    kept = [o for o in operators if any(_belongs(o.name, layer) for layer in layers)]
    if not kept and len(operators) <= len(layers):
        kept = list(operators)
    return [o for o in operators if o not in kept], kept


def _belongs(name: str, layer: str) -> bool:
    """Whether an operator's name, a path or several that were fused, has the layer as one of its parts."""
    return bool({layer, f"quant_{layer}"} & set(re.split(r"[/;:]", name)))


def judge(facts: Facts, asked: Asked) -> Iterator[Finding]:
    """Tell the islands of a file, and what its runtime leaves in float.

    Args:
        facts: of the file.
        asked: what it should be; it is asked for integers.

    Returns:
        Findings; layers with weights are told by the rule of arithmetic and left out here.
    """
    from edgetl.inspection.rules import finding, listing

    weighted = {facts.graph.operators[i].name for i in facts.weighted}
    light = [o for o in find(facts.graph.operators) if o.name not in weighted]
    strict = facts.graph.format == "tflite" and not asked.keep_float
    if light:
        kinds = ", ".join(sorted({o.type for o in light}))
        names = listing([o.name for o in light])
        message = f"{len(light)} operators without weights compute in float between integers ({kinds}): {names}."
        remedy = "Give what they read and make a range, so that they are quantized too."
        yield finding("island", "error" if strict else "note", light[0].name, message, remedy)
    floats = {kind: facts.runs[kind] for kind in _WEIGHTED if facts.runs and facts.runs.get(kind)}
    if floats and facts.graph.int8_mac_share and not asked.keep_float:
        names = ", ".join(f"{count} {kind}" for kind, count in floats.items())
        sure = asked.activation != "int8" and set(facts.activations) <= {"uint8"}
        message = f"onnxruntime runs {names} in float, though they are written as integers: it does not fuse their QDQ."
        if not sure:
            message += " With int8 activations an x86 host fuses only a part; an ARM one fuses all."
        remedy = "Put nothing between a layer and its QuantizeLinear, or use uint8 activations."
        yield finding("unfused", "error" if sure else "note", next(iter(floats)), message, remedy)
    if facts.runs_missing:
        message = f"onnxruntime did not say what it runs: {facts.runs_missing}"
        yield finding("refused", "warning", "the file", message, "Try to load it with the runtime of your app.")
