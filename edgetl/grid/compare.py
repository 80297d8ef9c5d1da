"""Is another file on the same grid? Every scale, zero point and integer of it is held against the graph it was written from.

What a file says is read from its wiring, not from the names of its constants: from each layer back to what dequantizes its
inputs and forward to what quantizes its output (`reading_onnx`, `reading_mil`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.grid.graph import WEIGHTED, Graph, Tensor, core

if TYPE_CHECKING:
    import numpy as np

MOVING = ("PAD", "RESHAPE", "QUANTIZE", "STRIDED_SLICE")
"""Operators that compute nothing; a format may write them without an operator of their own. The grids before and behind them
are those of their neighbours, which are compared."""
_SHOWN = 8
_EXACT = 1e-6
"""Relative error of a scale that TFLiteConverter has computed in float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Where real numbers become integers or the reverse, in int8 and TFLite's terms."""

    scale: np.ndarray
    """float16 or float32 (1,) or (channels,)."""
    zero_point: np.ndarray
    """int64 (1,) or (channels,); of int8 values."""
    data: np.ndarray | None = None
    """Integers of a constant, int64; float of one that is kept as real numbers. Kernels in OHWI or 1HWC."""

    @classmethod
    def of_real(cls, data: np.ndarray) -> Edge:
        """A constant that is kept as real numbers."""
        import numpy as np

        return cls(scale=np.ones(1, np.float32), zero_point=np.zeros(1, np.int64), data=data)


Reading = dict[tuple[str, str], Edge]
"""(operator's stem, `input 0` | `weight` | `bias` | `output`) → what the file has there."""


def expected(graph: Graph) -> Reading:
    """What a file written from this graph must have.

    Args:
        graph: an int8 network.

    Returns:
        One edge for each quantized input and output of each operator; the network's own are those of `image` and `probabilities`.
        Of an operator in float: the grid that its input comes from and its output goes to, where there is one, and its weights.
    """
    first, last, inside = core(graph)
    makers = {graph.operators[index].outputs[0]: graph.operators[index] for index in inside}
    found = {("image", "output"): _edge(graph.tensors[first]), ("probabilities", "input 0"): _edge(graph.tensors[last])}
    for index in inside:
        operator, stem = graph.operators[index], graph.stem(index)
        if graph.is_border(operator):
            continue
        for place, number in enumerate(operator.inputs):
            role = f"input {place}"
            if operator.kind in WEIGHTED and place:
                role = ("weight", "bias")[place - 1]
            maker = makers.get(number)
            if maker is not None and maker.kind == "DEQUANTIZE":
                number = maker.inputs[0]
            if number >= 0 and (graph.tensors[number].quantized or role in ("weight", "bias")):
                found[stem, role] = _edge(graph.tensors[number])
        output = graph.settled(operator)
        if output is None:  # a float layer whose values are laid out as a vector before they become integers
            moved = [graph.operators[i] for i in graph.consumers(operator.outputs[0]) if graph.operators[i].kind == "RESHAPE"]
            output = graph.settled(moved[0]) if len(moved) == 1 else None
        if output is not None:
            found[stem, "output"] = _edge(graph.tensors[output])
    return found


def differences(graph: Graph, found: Reading, *, real_ends: bool = True) -> list[str]:
    """Compare what a file has with what it must have.

    A file may keep its scales in half precision; then each must be the half-precision number nearest to the graph's.

    Args:
        graph: the source of truth.
        found: what was read from the file.
        real_ends: the file takes and gives real numbers, so it quantizes its input and dequantizes its output.

    Returns:
        One sentence for each difference; none when the file is on the graph's grid.
    """
    wanted, found = _without_empty_biases(expected(graph)), _without_empty_biases(found)
    if not real_ends:
        wanted = {place: edge for place, edge in wanted.items() if place[0] not in ("image", "probabilities")}
    moving = {graph.stem(i) for i, operator in enumerate(graph.operators) if operator.kind in MOVING}
    loose = {(graph.stem(i), "output") for i, o in enumerate(graph.operators) if graph.settled(o) is None}
    faults = [  # what a float layer gives becomes integers behind the layout or before it: the reader's input is there to compare
        f"{stem}: nothing is quantized at its {role}"
        for stem, role in wanted
        if stem not in moving and (stem, role) not in loose and (stem, role) not in found
    ]
    faults += [f"{stem}: an unknown quantization at its {role}" for stem, role in found if (stem, role) not in wanted]
    for place in wanted.keys() & found.keys():
        faults += [f"{place[0]} {place[1]}: {fault}" for fault in _compare(wanted[place], found[place])]
    return sorted(faults)


def halves(graph: Graph) -> tuple[int, int]:
    """Count the scales that a file of half-precision scales keeps.

    Args:
        graph: an int8 network.

    Returns:
        How many scales of activations and weights are half-precision numbers, to float32's error, and how many there are.
    """
    import numpy as np

    found = [t.scale for t in graph.tensors if t.quantized and t.dtype == "int8" and t.scale is not None]
    scales = np.concatenate(found).astype(np.float64) if found else np.ones(0)
    kept = np.abs(scales.astype(np.float16).astype(np.float64) - scales) <= _EXACT * scales
    return int(kept.sum()), len(scales)


def listing(faults: list[str]) -> str:
    """The first few differences in one line."""
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(faults[:_SHOWN]) + more


def _without_empty_biases(reading: Reading) -> Reading:
    """A bias of zeros may be written or left out."""
    return {place: edge for place, edge in reading.items() if place[1] != "bias" or edge.data is None or edge.data.any()}


def _edge(tensor: Tensor) -> Edge:
    import numpy as np

    if not tensor.quantized:
        assert tensor.data is not None
        return Edge.of_real(tensor.data)
    assert tensor.scale is not None and tensor.zero_point is not None
    data = None if tensor.data is None else tensor.data.astype(np.int64)
    return Edge(scale=tensor.scale, zero_point=tensor.zero_point, data=data)


def _compare(wanted: Edge, found: Edge) -> list[str]:
    import numpy as np

    faults = []
    real = found.data is not None and found.data.dtype.kind == "f"
    if real and wanted.data is not None and wanted.data.dtype.kind != "f" and wanted.data.ndim > 1:
        return ["real numbers instead of integers"]
    if found.data is not None and wanted.data is not None:
        reference = wanted.data
        if real:  # a bias written as real numbers, in the file's own precision
            reference = (wanted.data * wanted.scale.astype(np.float64)).astype(np.float32).astype(found.data.dtype)
        if found.data.shape != reference.shape:
            return [f"shape {found.data.shape} instead of {reference.shape}"]
        differs = found.data != reference
        if real:  # coremltools writes the least number instead of a zero that was none before it was rounded to half precision
            least = np.nextafter(np.zeros(1, found.data.dtype), np.sign(wanted.data).astype(found.data.dtype))
            differs &= (reference != 0) | (wanted.data == 0) | (found.data != least)
        other = int(np.sum(differs))
        if other:
            faults.append(f"{other} of {reference.size} {'values' if real else 'integers'} differ")
    elif (found.data is None) != (wanted.data is None):
        faults.append("a constant is computed, or the reverse")
    if real:
        return faults
    scale, zero = (np.broadcast_to(v, wanted.scale.shape) if v.size == 1 else v for v in (found.scale, found.zero_point))
    if scale.shape != wanted.scale.shape or not np.array_equal(scale, wanted.scale.astype(found.scale.dtype)):
        faults.append(f"scale {found.scale.ravel()[0]:.9g} … instead of {wanted.scale.ravel()[0]:.9g} …")
    if zero.shape != wanted.zero_point.shape or not np.array_equal(zero, wanted.zero_point):
        faults.append(f"zero point {found.zero_point.ravel()[0]} instead of {wanted.zero_point.ravel()[0]}")
    return faults
