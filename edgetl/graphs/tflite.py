"""Operators of a TFLite file."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import ConversionError, InputError
from edgetl.graphs._base import Arithmetic, GraphFacts, OperatorFacts, file_bytes

if TYPE_CHECKING:
    from edgetl.grid.graph import Tensor

TITLE = "TFLite: builtin and custom operators of the first subgraph."
SUFFIX = ".tflite"

_BITS = {"int4": 4, "int2": 2}
_BYTES = {"float64": 8, "int64": 8, "uint64": 8, "complex64": 8, "float16": 2, "int16": 2, "uint16": 2, "bfloat16": 2, "int8": 1,
          "uint8": 1, "bool": 1}  # fmt: skip
"""Others have 4."""


def read(path: Path) -> GraphFacts:
    """See `GraphModule.read`."""
    from edgetl.grid import reader

    try:
        tensors, operators, _ = reader.parts(path.read_bytes())
        stored = _dequantized(operators, tensors)
        found = tuple(_facts(operator, tensors, stored) for operator in operators)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ConversionError, struct.error, IndexError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise InputError(f"{path.name}: is not a TFLite file, or is damaged: {error}.") from error
    return GraphFacts(format="tflite", file_bytes=file_bytes(path), operators=found)


def _dequantized(operators: Any, tensors: tuple[Tensor, ...]) -> dict[int, Tensor]:
    """Tensors that are constants once dequantized → the constant as it is stored."""
    made = ((o.outputs[0], tensors[o.inputs[0]]) for o in operators if o.kind == "DEQUANTIZE" and o.outputs and o.inputs)
    return {place: tensor for place, tensor in made if tensor.data is not None}


def _facts(operator: Any, tensors: tuple[Tensor, ...], stored: dict[int, Tensor]) -> OperatorFacts:
    inputs = [tensors[i] for i in operator.inputs if i >= 0]
    outputs = [tensors[i] for i in operator.outputs if i >= 0]
    values = [tensor for tensor in inputs if tensor.data is None]
    constants = [tensor for tensor in inputs if tensor.data is not None]
    place = _KERNEL.get(operator.kind, 0)
    kernel = inputs[place].shape if place and len(inputs) > 1 else ()
    kept = stored.get(operator.inputs[place], inputs[place]) if kernel else None
    kept = None if kept is None or kept.data is None else kept
    return OperatorFacts(
        name=outputs[0].name if outputs else "",
        type=operator.kind,
        macs=_macs(operator.kind, values, kernel, outputs),
        weight_bytes=sum(map(_size, constants)),
        input_bytes=sum(map(_size, values)),
        output_bytes=sum(map(_size, outputs)),
        arithmetic=_arithmetic(values, inputs, outputs, operator.kind),
        inputs=tuple(tensor.shape for tensor in values),
        outputs=tuple(tensor.shape for tensor in outputs),
        kernel=kernel,
        kernel_type=kept.dtype if kept is not None else "",
        kernel_scales=len(kept.scale) if kept is not None and kept.scale is not None else 0,
        reads=tuple(str(i) for i in operator.inputs if i >= 0 and tensors[i].data is None),
        makes=tuple(str(i) for i in operator.outputs if i >= 0),
    )


_KERNEL = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1, "CONV_3D": 1}
"""Which input is the kernel: (out, height, width, in) of a convolution, (1, height, width, out) of a depthwise one, (out, in)
of a dense layer. Source: TFLite schema and reference kernels."""


def _macs(kind: str, values: list[Tensor], kernel: tuple[int, ...], outputs: list[Tensor]) -> int:
    if kind == "BATCH_MATMUL" and values and outputs:
        return math.prod(outputs[0].shape) * values[0].shape[-1]
    if not kernel or not outputs:
        return 0
    if kind == "TRANSPOSE_CONV":
        return math.prod(values[-1].shape) * math.prod(kernel[:3])
    each = math.prod(kernel[1:3]) if kind == "DEPTHWISE_CONV_2D" else math.prod(kernel[1:])
    return math.prod(outputs[0].shape) * each


def _arithmetic(values: list[Tensor], inputs: list[Tensor], outputs: list[Tensor], kind: str) -> Arithmetic:
    activations = {tensor.dtype for tensor in (values or inputs) if tensor.dtype not in ("int32", "int64", "bool")} or {""}
    result = {tensor.dtype for tensor in outputs}
    if kind in ("QUANTIZE", "DEQUANTIZE"):
        return "other"
    if activations | result <= {"int8", "uint8"}:
        return "int8"
    if activations | result <= {"int16"}:
        return "int16"
    if activations | result <= {"float32"}:
        kernel = inputs[1].dtype if kind in _KERNEL and len(inputs) > 1 else "float32"
        return "hybrid" if kernel in ("int8", "uint8", "int4") else "float32"
    return "float16" if activations | result <= {"float16"} else "other"


def _size(tensor: Tensor) -> int:
    elements = math.prod(max(1, side) for side in tensor.shape)
    if tensor.dtype in _BITS:
        return -(-elements * _BITS[tensor.dtype] // 8)
    return elements * _BYTES.get(tensor.dtype, 4)
