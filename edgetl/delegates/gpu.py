"""TFLite's GPU delegate: the operators that its own compatibility check takes.

The analyzer that TensorFlow and LiteRT ship (`Analyzer.analyze(gpu_compatibility=True)`) is not asked: in TensorFlow 2.21 and
LiteRT 2.3 it calls every file compatible, one with a TensorFlow operator too. Its rules are carried here from their source.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.delegates._base import Leaving, leave, missing

if TYPE_CHECKING:
    from edgetl.devices import DeviceProfile
    from edgetl.graphs._base import GraphFacts

TITLE = "GPU of phones, by LiteRT's GPU delegate (OpenCL, OpenGL, Metal)."
FORMATS = ("tflite",)
UNCHECKED = "Which types and sizes a phone's driver takes, and broadcasts of odd shapes."

_SOURCE = "TensorFlow, tensorflow/lite/tools/versioning/gpu_compatibility.cc"
_ANY = """
ADD ADD_N AVERAGE_POOL_2D BATCH_MATMUL CAST CONCATENATION CONV_2D CUMSUM DENSIFY DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
DYNAMIC_UPDATE_SLICE EMBEDDING_LOOKUP FULLY_CONNECTED GATHER HARD_SWISH LSTM MAX_POOL_2D MEAN MUL PACK ONE_HOT QUANTIZE
RELU_N1_TO_1 PRELU RESHAPE SELECT SELECT_V2 SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SPLIT_V STRIDED_SLICE TILE TRANSPOSE TRANSPOSE_CONV
RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RELU RELU6 LEAKY_RELU REDUCE_MAX REDUCE_MIN REDUCE_PROD SUM PAD PADV2 MIRROR_PAD ABS CEIL
COS ELU EXP FLOOR GELU LOG LOGISTIC NEG RSQRT SIGN SIN SQRT SQUARE TANH ATAN2 DIV EQUAL FLOOR_DIV FLOOR_MOD GREATER
GREATER_EQUAL LOGICAL_AND LESS LESS_EQUAL MAXIMUM MINIMUM NOT_EQUAL POW SQUARED_DIFFERENCE SUB STABLEHLO_CLAMP
"""
_TAKEN = frozenset(_ANY.split())
_CUSTOM = ("Convolution2DTransposeBias", "MaxPoolingWithArgmax2D", "MaxUnpooling2D", "Resampler")
_SIGN_BIT = 5
"""ActivationFunctionType.SIGN_BIT of TFLite's schema."""


def unavailable() -> str | None:
    """See `DelegateModule.unavailable`."""
    return missing("ai_edge_litert")


def serves(profile: DeviceProfile) -> bool:
    """See `DelegateModule.serves`."""
    return profile.os.family in ("android", "ios") and any(one.kind == "gpu" for one in profile.accelerators)


def leaves(path: Path, facts: GraphFacts) -> tuple[Leaving, ...]:
    """See `DelegateModule.leaves`."""
    from edgetl.delegates import _tflite

    tensors, operators, _ = _tflite.parts(path)
    fixed = _tflite.constants(tensors, operators)
    found = []
    for place, operator in enumerate(operators):
        if operator.outputs and set(operator.outputs) <= fixed:
            continue  # a constant, unpacked when the file is loaded
        rule = _rule(operator, tensors, fixed)
        if rule:
            found.append(leave(facts, place, rule, _SOURCE))
    return tuple(found)


def _rule(operator: Any, tensors: Any, fixed: set[int]) -> str:
    if operator.kind not in _TAKEN and operator.kind not in _CUSTOM:
        return f"{operator.kind} is not among its operators."
    if operator.options.get("fusedActivationFunction") == _SIGN_BIT:
        return "A fused sign bit is not supported."
    check = _RULES.get(operator.kind)
    return check(operator, tensors, fixed) if check else ""


def _depthwise(operator: Any, tensors: Any, fixed: set[int]) -> str:
    shapes = [tensors[i].shape for i in (operator.inputs[0], operator.outputs[0])]
    if any(len(shape) != 4 for shape in shapes):
        return "A depthwise convolution must have four dimensions."
    if operator.options.get("depthMultiplier", 1) != 1 and shapes[0][3] != 1:
        return "A depth multiplier other than 1 needs one input channel."
    return ""


def _slice(operator: Any, tensors: Any, fixed: set[int]) -> str:
    for mask in ("ellipsisMask", "newAxisMask", "shrinkAxisMask"):
        if operator.options.get(mask):
            return f"A strided slice with {mask} is not supported."
    return "" if len(tensors[operator.inputs[0]].shape) in (3, 4) else "Slices are of three or four dimensions only."


def _softmax(operator: Any, tensors: Any, fixed: set[int]) -> str:
    return "" if operator.options.get("beta", 1.0) == 1.0 else "A softmax with a beta other than 1 is not supported."


def _mean(operator: Any, tensors: Any, fixed: set[int]) -> str:
    axes = operator.inputs[1] if len(operator.inputs) > 1 else -1
    return "" if axes in fixed and tensors[axes].dtype == "int32" else f"{operator.kind} needs constant int32 axes."


def _pad(operator: Any, tensors: Any, fixed: set[int]) -> str:
    shape = tensors[operator.inputs[1]].shape if len(operator.inputs) > 1 else ()
    return "" if shape in ((3, 2), (4, 2)) else "Paddings must be 3x2 or 4x2."


def _dequantize(operator: Any, tensors: Any, fixed: set[int]) -> str:
    return "" if tensors[operator.inputs[0]].dtype != "int16" else "int16 cannot be dequantized."


def _dense(operator: Any, tensors: Any, fixed: set[int]) -> str:
    if operator.options.get("weightsFormat"):
        return "Only weights in the default order are supported."
    return "A constant input is not supported." if operator.inputs[0] in fixed else ""


_RULES: dict[str, Callable[[Any, Any, set[int]], str]] = {
    "DEPTHWISE_CONV_2D": _depthwise,
    "STRIDED_SLICE": _slice,
    "SLICE": _slice,
    "SOFTMAX": _softmax,
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"), _mean),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _pad),
    "DEQUANTIZE": _dequantize,
    "FULLY_CONNECTED": _dense,
}
