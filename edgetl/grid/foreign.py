"""TFLite files that others made: which scheme they are of, and whether they are classifiers of images."""

from __future__ import annotations

from dataclasses import dataclass

from edgetl.errors import ConversionError, InputError
from edgetl.grid import reader
from edgetl.grid.audit import islands
from edgetl.grid.graph import WEIGHTED, Graph

_ENDS = ("SOFTMAX", "LOGISTIC")
_MOVING = ("RESHAPE", "SQUEEZE", "DEQUANTIZE", "QUANTIZE")
_STEP, _ZERO = 1.0 / 256.0, -128
"""Of the probabilities in int8. Source: TFLite 8-bit quantization specification, SOFTMAX and LOGISTIC."""
_NEAR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A TFLite classifier."""

    scheme: str
    """`fp32`, or `w8a8_ptq` for any int8 file."""
    px: int
    classes: int
    several: bool
    """Each class is answered on its own (sigmoid)."""
    step: float | None
    """Of an integer input."""
    zero: int
    """The integer of an integer input that stands for 0.0, as int8."""


def look(data: bytes, name: str) -> Foreign:
    """Say what a file is.

    Args:
        data: the file.
        name: of it, for messages.

    Returns:
        What it is.

    Raises:
        InputError: it is damaged, no classifier of square RGB images, or of a kind that no other format can take over.
    """
    try:
        graph = reader.read(data)
    except ConversionError as error:
        raise InputError(f"{name}: {error}") from error
    source, result = graph.tensors[graph.input], graph.tensors[graph.output]
    shape = source.shape
    faults = []
    if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3:
        faults.append(f"its input is {shape}; one square RGB image (1, side, side, 3) is wanted.")
    if len(result.shape) < 2 or result.shape[-1] < 2 or any(size != 1 for size in result.shape[:-1]):
        faults.append(f"its output is {result.shape}; a classifier gives one value a class.")
    scheme, why = _scheme(graph)
    faults += [why] if why else []
    end = _end(graph)
    if end not in _ENDS:
        faults.append(f"it ends with {end}, not with {' or '.join(_ENDS)}: its answers are no probabilities.")
    faults += [
        f"its {role} is {tensor.dtype}; float32, uint8 or int8 is wanted."
        for role, tensor in (("input", source), ("output", result))
        if tensor.dtype not in ("float32", "int8", "uint8")
    ]
    if result.dtype == "int8" and result.quantized and (abs(result.step - _STEP) > _NEAR or result.zero != _ZERO):
        faults.append(f"its probabilities have the step {result.step:.6g} from {result.zero} on, not 1/256 from -128 on.")
    if faults:
        raise InputError(f"{name}: cannot be converted.", faults)
    integer = source.dtype != "float32"
    return Foreign(
        scheme=scheme,
        px=shape[1],
        classes=result.shape[-1],
        several=end == "LOGISTIC",
        step=source.step if integer else None,
        zero=(source.zero - (128 if source.dtype == "uint8" else 0)) if integer else 0,
    )


def _scheme(graph: Graph) -> tuple[str, str]:
    """The scheme, and why the file cannot be taken over ("" where it can)."""
    found = {tuple(graph.tensors[i].dtype for i in op.inputs[:2]) for op in graph.operators if op.kind in WEIGHTED}
    if not found:
        return "", "it has no layer with weights."
    if found == {("int8", "int8")}:
        floats = islands(graph)
        return "w8a8_ptq", f"it is int8 only in part: {', '.join(floats[:4])} compute in float." if floats else ""
    if found == {("float32", "float32")}:
        stored = sorted({t.dtype for t in graph.tensors if t.data is not None} & {"int8", "uint8", "float16"})
        return "fp32", f"its weights are stored as {', '.join(stored)}: convert the network it was made from." if stored else ""
    kinds = ", ".join(sorted(f"{a} × {b}" for a, b in found))
    return "", f"its layers compute {kinds}; files of float32 or of int8 alone can be taken over (older uint8 files cannot)."


def _end(graph: Graph) -> str:
    """Kind of the operator that makes the answers."""
    makers = {output: operator for operator in graph.operators for output in operator.outputs}
    current = graph.output
    while current in makers and makers[current].kind in _MOVING:
        current = makers[current].inputs[0]
    return makers[current].kind if current in makers else "its input"
