"""Does a TFLite file compute in what its scheme says? Counted in multiply-accumulates, not in promises."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from edgetl import registry
from edgetl.errors import ConversionError
from edgetl.grid import sparsity
from edgetl.grid.float_borders import belongs
from edgetl.grid.graph import WEIGHTED, Graph, Operator
from edgetl.grid.weights_only import LEAST_ELEMENTS

_SHOWN = 4
_HYBRID = ("float32", "int8")
"""Arithmetic of a kernel that quantizes its input itself."""
_HYBRID_LEAST = 1024
"""TFLiteConverter leaves kernels of fewer elements in float when activations are quantized on the fly."""
_ENDS = ("QUANTIZE", "DEQUANTIZE")
"""Operators that stand between integers and real numbers at the input and at the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an audit found."""

    int8_mac_share: float
    """Share of the multiply-accumulates whose weights and activations are both int8, 0 to 1."""
    notes: tuple[str, ...]
    """What was found of the scheme's constraint, and how often each operator occurs."""


def audit(graph: Graph, scheme: str, name: str, keep_float: Collection[str] = ()) -> Facts:
    """Check a file against its scheme.

    Args:
        graph: what was read back.
        scheme: what it claims to be.
        name: of the file, for the error.
        keep_float: names of the layers of an int8 network that were to stay in float.

    Returns:
        What was found.

    Raises:
        ConversionError: weights or activations are of another type, an int8 file has a float island that nobody asked for or none
            where one was asked for, a bias does not fit into 32 bits (which would be wrong silently), or weights do not obey the
            scheme's constraint.
    """
    rules = registry.load("schemes", scheme)
    wanted: tuple[str, str] = rules.ARITHMETIC
    wrong: list[str] = []
    total = exact = 0
    asked = asked_floats(graph, keep_float)
    for index, operator in enumerate(graph.operators):
        if operator.kind not in WEIGHTED:
            continue
        found = tuple(graph.tensors[i].dtype for i in operator.inputs[:2])
        total += graph.macs(operator)
        exact += graph.macs(operator) if found == ("int8", "int8") else 0
        small = math.prod(graph.tensors[operator.inputs[1]].shape) < _HYBRID_LEAST
        if index in asked:
            if found != ("float32", "float32"):
                wrong.append(f"{graph.stem(index)} computes {found[0]} × {found[1]}, and was to stay in float")
        elif found != wanted and not (small and wanted == _HYBRID and found[1] == "float32"):
            wrong.append(f"{graph.stem(index)} computes {found[0]} × {found[1]}, {scheme} means {wanted[0]} × {wanted[1]}")
        wrong += _saturated(graph, operator, graph.stem(index))
    if not total:
        wrong.append("it has no layer with weights")
    if wanted[0].startswith("int"):
        wrong += [f"{stem} computes in float" for stem in islands(graph, keep_float)]
    if scheme == "fp16" and not any(t.dtype == "float16" for t in graph.tensors):
        wrong.append("no weight is stored in float16")
    if rules.WEIGHT_BITS == 8 and wanted[1] == "float32":
        wrong += [f"the weights of {stem} are stored as float" for stem in _float_kernels(graph)]
        wrong += [] if any(t.dtype == "int8" for t in graph.tensors) else ["no kernel is large enough to be stored as int8"]
    broken, promised = sparsity.check(scheme, sparsity.kernels(graph))
    wrong += broken
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ConversionError(f"{name}: is not what {scheme} says: {'; '.join(wrong[:_SHOWN])}{more}.")
    counts = Counter(operator.kind for operator in graph.operators)
    return Facts(int8_mac_share=exact / total, notes=(*promised, *(f"{count} {kind}" for kind, count in counts.most_common())))


def islands(graph: Graph, keep_float: Collection[str] = ()) -> list[str]:
    """Operators of an int8 network that compute in float, though nobody asked for it.

    Args:
        graph: an int8 network.
        keep_float: names of the layers that were to stay in float.

    Returns:
        Their stems. What makes the input int8 and the output float is not among them, nor what does so around layers asked for.
    """
    found, asked = [], asked_floats(graph, keep_float)
    for index, operator in enumerate(graph.operators):
        tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
        at_end = operator.inputs[0] == graph.input or operator.outputs[0] == graph.output
        if index in asked or not any(t.dtype.startswith("float") for t in tensors):
            continue
        if operator.kind not in _ENDS or not (at_end or _borders(graph, operator, asked)):
            found.append(graph.stem(index))
    return found


def asked_floats(graph: Graph, keep_float: Collection[str]) -> set[int]:
    """Operators of an int8 network that were to stay in float.

    Args:
        graph: an int8 network.
        keep_float: names of the layers that were.

    Returns:
        Their indices. What makes integers of their results, or real numbers of integers for them, is not among them.
    """
    return {
        index
        for index, operator in enumerate(graph.operators)
        if operator.kind not in _ENDS and belongs(graph.tensors[operator.outputs[0]].name, keep_float)
    }


def _borders(graph: Graph, operator: Operator, asked: set[int]) -> bool:
    """Whether an operator stands between integers and nothing but layers that were to stay in float."""
    if operator.kind == "DEQUANTIZE":
        return set(graph.consumers(operator.outputs[0])) <= asked
    return any(operator.inputs[0] in graph.operators[index].outputs for index in asked)


def _float_kernels(graph: Graph) -> list[str]:
    """Layers whose kernel is large enough to be stored as int8 and is not."""
    made = {operator.outputs[0]: operator for operator in graph.operators if operator.kind == "DEQUANTIZE"}
    found = []
    for index, operator in enumerate(graph.operators):
        if operator.kind in WEIGHTED and math.prod(graph.tensors[operator.inputs[1]].shape) >= LEAST_ELEMENTS:
            maker = made.get(operator.inputs[1])
            if maker is None or graph.tensors[maker.inputs[0]].dtype != "int8":
                found.append(graph.stem(index))
    return found


def _saturated(graph: Graph, operator: Operator, stem: str) -> list[str]:
    """A bias at the end of int32 was cut off: the step of its layer is too small for it."""
    import numpy as np

    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return []
    data = graph.tensors[operator.inputs[2]].data
    if data is None or data.dtype != np.int32 or np.abs(data.astype(np.int64)).max() < 2**31 - 1:
        return []
    return [f"the bias of {stem} does not fit into 32 bits (its input or its weights have too small a range)"]
