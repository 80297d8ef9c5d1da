"""Coral's Edge TPU: the operators that its documentation lists, and where its compiler stops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.delegates._base import Leaving, leave, missing

if TYPE_CHECKING:
    from edgetl.devices import DeviceProfile
    from edgetl.graphs._base import GraphFacts

TITLE = "Google Coral's Edge TPU, as its compiler (runtime version 14) takes int8 files."
FORMATS = ("tflite",)
UNCHECKED = "Large resizes, reshapes and whether the parameters fit into its 8 MB; edgetpu_compiler settles it."

_SOURCE = 'Coral documentation, TensorFlow models on the Edge TPU, "Supported operations", coral.ai/docs/edgetpu/models-intro'
_NEEDS = 'Coral documentation, TensorFlow models on the Edge TPU, "Model requirements", coral.ai/docs/edgetpu/models-intro'
_STOPS = 'Coral documentation, TensorFlow models on the Edge TPU, "Compiling", coral.ai/docs/edgetpu/models-intro'
_ANY = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED L2_NORMALIZATION LOGISTIC LSTM
MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_N1_TO_1 RESHAPE
RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SQUEEZE STRIDED_SLICE SUB SUM
SQUARED_DIFFERENCE TANH TRANSPOSE TRANSPOSE_CONV
"""
_TAKEN = frozenset(_ANY.split())
_BYTES = ("int8", "uint8")
_SOFTMAX_MOST = 16_000
_ENDS = ("QUANTIZE", "DEQUANTIZE")


def unavailable() -> str | None:
    """See `DelegateModule.unavailable`."""
    return missing("ai_edge_litert")


def serves(profile: DeviceProfile) -> bool:
    """See `DelegateModule.serves`."""
    return any("edge tpu" in one.name.lower() for one in profile.accelerators)


def leaves(path: Path, facts: GraphFacts) -> tuple[Leaving, ...]:
    """See `DelegateModule.leaves`. All behind the first operator that is not taken leaves too, for the compiler stops there."""
    from edgetl.delegates import _tflite

    tensors, operators, graph = _tflite.parts(path)
    fixed = _tflite.constants(tensors, operators)
    free = any(-1 in (s if s is not None else ()) for s in (graph.tensors[i].shapeSignature for i in graph.inputs))
    found: list[Leaving] = []
    stopped = ""
    for place, operator in enumerate(operators):
        real = {tensors[i].dtype for i in (*operator.inputs, *operator.outputs) if i >= 0} & {"float32", "float16"}
        if operator.kind in _ENDS and real:
            found.append(leave(facts, place, "Floating-point input and output are quantized on the CPU.", _NEEDS))
            continue
        if stopped:
            found.append(leave(facts, place, f"The compiler stops at the first operator that it cannot map: {stopped}.", _STOPS))
            continue
        rule, source = _rule(operator, tensors, fixed), _SOURCE
        if free:
            rule, source = "Sizes of tensors must be constant; the input has a free dimension.", _NEEDS
        elif real or not _bytes(operator, tensors, fixed):
            rule, source = "Values and weights must be 8-bit integers.", _NEEDS
        if rule:
            found.append(leave(facts, place, rule, source))
            stopped = operator.kind
    return tuple(found)


def _bytes(operator: Any, tensors: Any, fixed: set[int]) -> bool:
    values = [tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0 and i not in fixed]
    return all(tensor.dtype in _BYTES for tensor in values)


def _rule(operator: Any, tensors: Any, fixed: set[int]) -> str:
    if operator.kind not in _TAKEN:
        return f"{operator.kind} is not among its operators."
    values = [tensors[i].shape for i in (*operator.inputs, *operator.outputs) if i >= 0 and i not in fixed]
    if any(side > 1 for shape in values for side in shape[:-3]):
        return "Only the three innermost dimensions may be larger than 1."
    check = _RULES.get(operator.kind)
    return check(operator, tensors, fixed) if check else ""


def _dilated(operator: Any, tensors: Any, fixed: set[int]) -> str:
    high, wide = (operator.options.get(f"dilation{side}Factor", 1) for side in ("H", "W"))
    return "" if high == wide else "Dilation must be the same in x and y."


def _unfused(operator: Any, tensors: Any, fixed: set[int]) -> str:
    return "No fused activation function is supported." if operator.options.get("fusedActivationFunction") else ""


def _concatenation(operator: Any, tensors: Any, fixed: set[int]) -> str:
    given = [tensors[i].data for i in operator.inputs if i in fixed and tensors[i].data is not None]
    if given and (len(operator.inputs) != 2 or any(data.any() for data in given)):
        return "A constant input must be all zeros, with one other input."
    return _unfused(operator, tensors, fixed)


def _softmax(operator: Any, tensors: Any, fixed: set[int]) -> str:
    shape = tensors[operator.inputs[0]].shape
    flat = all(side == 1 for side in shape[:-1]) and (not shape or shape[-1] <= _SOFTMAX_MOST)
    return "" if flat else f"Only one dimension of at most {_SOFTMAX_MOST} elements is supported."


def _dense(operator: Any, tensors: Any, fixed: set[int]) -> str:
    if operator.options.get("weightsFormat"):
        return "Only weights in the default order are supported."
    shape = tensors[operator.outputs[0]].shape
    return "" if all(side == 1 for side in shape[:-1]) else "The output must have one dimension."


def _slice(operator: Any, tensors: Any, fixed: set[int]) -> str:
    strides = tensors[operator.inputs[3]].data if len(operator.inputs) > 3 and operator.inputs[3] in fixed else None
    plain = strides is not None and (strides == 1).all()
    odd = operator.options.get("ellipsisMask") or operator.options.get("newAxisMask")
    return "" if plain and not odd else "All strides must be 1, without ellipsis and new axes."


_RULES: dict[str, Callable[[Any, Any, set[int]], str]] = {
    "CONV_2D": _dilated,
    "DEPTHWISE_CONV_2D": _dilated,
    "AVERAGE_POOL_2D": _unfused,
    "MAX_POOL_2D": _unfused,
    "CONCATENATION": _concatenation,
    "SOFTMAX": _softmax,
    "FULLY_CONNECTED": _dense,
    "STRIDED_SLICE": _slice,
}
