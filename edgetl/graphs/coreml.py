"""Operations of a Core ML package's ML program. Quantize and dequantize operations are counted into those beside them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from edgetl.errors import InputError
from edgetl.graphs._base import Arithmetic, GraphFacts, OperatorFacts, file_bytes

TITLE = "Core ML: operations of an ML program's main function; needs no Mac."
SUFFIX = ".mlpackage"

_KERNEL = {"conv": "weight", "conv_transpose": "weight", "linear": "weight", "matmul": "y"}
_BITS = {"int1": 1, "uint1": 1, "uint2": 2, "int4": 4, "uint3": 3, "uint4": 4, "uint6": 6}
_AROUND = ("quantize", "dequantize")
_STORED = {"constexpr_affine_dequantize": "quantized_data", "constexpr_blockwise_shift_scale": "data", "dequantize": "input"}
"""Operation that unpacks a weight → which of its inputs holds the integers."""


def read(path: Path) -> GraphFacts:
    """See `GraphModule.read`."""
    from edgetl.grid import reading_mil

    try:
        function = reading_mil.program(path).functions["main"]
        operations = [op for op in function.operations if op.op_type != "const" and not op.op_type.startswith("constexpr_")]
        found = tuple(_facts(op) for op in operations if not _folded(op))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError) as error:
        what = " ".join(str(error).split())[:160]
        raise InputError(f"{path.name}: is not an ML program package, or is damaged: {what}.") from error
    return GraphFacts(format="coreml", file_bytes=file_bytes(path), operators=found)


def _facts(operation: Any) -> OperatorFacts:
    integer = _integer(operation)
    values, constants = [], []
    for value in _inputs(operation):
        if _constant(value):
            constants.append(value)
        else:
            values.append(_uncast(value).op.inputs["input"] if integer and _made_by(_uncast(value), "dequantize") else value)
    outputs = [_after(value) if integer else value for value in operation.outputs if _is_tensor(value)]
    place = _KERNEL.get(operation.op_type)
    weight = operation.inputs.get(place) if place else None
    kernel = _shape(weight) if weight is not None else ()
    stored = _kept(weight)
    return OperatorFacts(
        name=operation.name,
        type=operation.op_type,
        macs=_macs(operation, [_shape(value) for value in values], kernel, [_shape(value) for value in outputs]),
        weight_bytes=sum(map(_stored, constants)),
        input_bytes=sum(map(_size, values)),
        output_bytes=sum(map(_size, outputs)),
        arithmetic=_arithmetic(operation, integer, [*values, *outputs]),
        inputs=tuple(_shape(value) for value in values),
        outputs=tuple(_shape(value) for value in outputs),
        kernel=kernel,
        kernel_type=stored[0],
        kernel_scales=stored[1],
        reads=tuple(value.name for value in values),
        makes=tuple(value.name for value in outputs),
    )


def _kept(weight: Any) -> tuple[str, int]:
    """Type in which a weight is stored and how many steps it has; ("", 0) where it is no constant."""
    while weight is not None and weight.op is not None and weight.op.op_type in ("cast", "reshape", "transpose"):
        weight = weight.op.inputs["x"]
    if weight is None or weight.op is None or not _constant(weight):
        return "", 0
    operation = weight.op
    if operation.op_type in _STORED:
        stored = operation.inputs[_STORED[operation.op_type]]
        scale = operation.inputs.get("scale")
        return _type(stored), max(1, math.prod(_shape(scale))) if scale is not None else 1
    if "lut" in operation.op_type:
        return "palette", 0
    if "sparse" in operation.op_type:
        return "sparse", 0
    return _type(weight), 0


def _type(value: Any) -> str:
    """Type of a value, as numpy calls it."""
    return {"fp32": "float32", "fp16": "float16", "fp64": "float64"}.get(_kind(value), _kind(value))


def _inputs(operation: Any) -> list[Any]:
    found: list[Any] = []
    for value in operation.inputs.values():
        found += list(value) if isinstance(value, list | tuple) else [value]
    return [value for value in found if value is not None and _is_tensor(value)]


def _is_tensor(value: Any) -> bool:
    """Lists of labels and dictionaries of probabilities are none."""
    from coremltools.converters.mil.mil import types

    return bool(types.is_tensor(value.sym_type) or types.is_scalar(value.sym_type))


def _constant(value: Any) -> bool:
    return value.op is not None and (value.op.op_type == "const" or value.op.op_type.startswith("constexpr_") or _made_of(value))


def _made_of(value: Any) -> bool:
    """Whether a value is dequantized from a constant."""
    return _made_by(value, "dequantize") and _constant(value.op.inputs["input"])


def _made_by(value: Any, kind: str) -> bool:
    return value.op is not None and value.op.op_type == kind


def _folded(operation: Any) -> bool:
    if operation.op_type == "dequantize":
        (value,) = operation.outputs
        readers = _readers(value)
        return _made_of(value) or (bool(readers) and all(_integer(reader) for reader in readers))
    if operation.op_type == "quantize":
        maker = _uncast(operation.inputs["input"]).op
        return maker is not None and _integer(maker)
    return False


def _integer(operation: Any) -> bool:
    """Whether all that an operation reads is dequantized and all that it makes is quantized."""
    if operation.op_type in (*_AROUND, "cast", "const", "classify"):
        return False
    values = [value for value in _inputs(operation) if not _constant(value)]
    place = _KERNEL.get(operation.op_type)
    if place and _kept(operation.inputs.get(place))[0].startswith("float"):
        return False  # its weights are stored as real numbers
    before = bool(values) and all(_made_by(_uncast(value), "dequantize") for value in values)
    after = all(
        (readers := _readers(value)) and all(reader.op_type == "quantize" for reader in readers) for value in operation.outputs
    )
    return before and after


def _after(value: Any) -> Any:
    return next((reader.outputs[0] for reader in _readers(value) if reader.op_type == "quantize"), value)


def _uncast(value: Any) -> Any:
    """What a value is before it was brought from one precision to another."""
    while _made_by(value, "cast"):
        value = value.op.inputs["x"]
    return value


def _readers(value: Any) -> list[Any]:
    """Operations that read a value, also after a change of precision."""
    found = []
    for reader in value.child_ops:
        found += _readers(reader.outputs[0]) if reader.op_type == "cast" else [reader]
    return found


def _arithmetic(operation: Any, integer: bool, values: list[Any]) -> Arithmetic:
    if operation.op_type in _AROUND:
        return "other"
    if integer:
        return "int8"
    kinds = {_kind(value) for value in values}
    return "float16" if "fp16" in kinds else "float32" if "fp32" in kinds else "other"


def _kind(value: Any) -> str:
    from coremltools.converters.mil.mil import types

    return str(types.builtin_to_string(value.dtype))


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(side if isinstance(side, int) else 1 for side in (value.shape or ()))


def _size(value: Any) -> int:
    kind = _kind(value)
    bits = _BITS.get(kind) or {"bool": 8, "str": 0}.get(kind) or int("".join(c for c in kind if c.isdigit()) or 32)
    return -(-math.prod(_shape(value)) * bits // 8)


def _stored(value: Any) -> int:
    """Bytes of a constant as the package holds it, before it is decompressed."""
    if value.op.op_type == "const":
        return _size(value)
    return sum(_stored(part) for part in _inputs(value.op) if part.op is not None)


def _macs(operation: Any, values: list[tuple[int, ...]], kernel: tuple[int, ...], outputs: list[tuple[int, ...]]) -> int:
    if not kernel or not outputs:
        return 0
    if operation.op_type == "conv_transpose":
        return math.prod(values[0]) * math.prod(kernel[1:])
    if operation.op_type == "matmul":
        return math.prod(outputs[0]) * (values[0][-1] if values else kernel[-2])
    return math.prod(outputs[0]) * math.prod(kernel[1:])
