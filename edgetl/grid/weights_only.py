"""Weights as int8 with float arithmetic: one rule of rounding, and how TFLite and ONNX files are rewritten by it.

Symmetric and per output channel: scale = largest magnitude / 127, integers -127 to 127, zero point 0 (the narrow range of the
TFLite 8-bit quantization specification). Small constants stay float: their bytes do not matter, their errors do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.errors import ConversionError

if TYPE_CHECKING:
    import numpy as np

LEAST_ELEMENTS = 256
"""Smaller kernels stay in float32."""
_LEVELS = 127
_RUNTIME = b"2.7.0"
"""First TensorFlow Lite whose DEQUANTIZE has a range for each channel (its operator version 5)."""
_SMALLEST = 1e-30
"""A channel of smaller weights counts as zero: its scale would lose digits in float32."""
_CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}


def quantize_weight(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Round a kernel to int8, each output channel in its own range.

    Args:
        weight: float32, any shape.
        axis: of the output channels.

    Returns:
        int8 of the same shape, and float32 (channels,) scales; `integers * scale` is within half a scale of `weight`.

    Raises:
        ConversionError: a weight is not finite.
    """
    import numpy as np

    if not np.isfinite(weight).all():
        raise ConversionError("a kernel holds a weight that is not finite.")
    others = tuple(a for a in range(weight.ndim) if a != axis)
    largest = np.abs(weight).max(axis=others, keepdims=True)
    exact = np.where(largest > _SMALLEST, largest.astype(np.float64) / _LEVELS, 1.0)
    scale = exact.astype(np.float32)
    integers = np.clip(np.rint(weight / scale.astype(np.float64)), -_LEVELS, _LEVELS).astype(np.int8)
    return integers, scale.reshape(-1)


def rewrite_tflite(data: bytes) -> bytes:
    """Store the kernels of a float TFLite file as int8, each behind a DEQUANTIZE.

    Args:
        data: a float32 file.

    Returns:
        The file with int8 kernels.
    """
    import flatbuffers
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 5  # the first with a range for each channel
    model.operatorCodes.append(code)
    operators: list[Any] = []
    done: dict[int, int] = {}
    for operator in graph.operators:
        found = model.operatorCodes[operator.opcodeIndex]
        kind = names[max(found.builtinCode, found.deprecatedBuiltinCode)]
        if kind in _CHANNEL_AXES:
            place = int(operator.inputs[1])
            tensor = graph.tensors[place]
            content = model.buffers[tensor.buffer].data
            elements = int(np.prod(tensor.shape))
            if (
                place not in done
                and tensor.type == schema.TensorType.FLOAT32
                and content is not None
                and elements >= LEAST_ELEMENTS
            ):
                weight = np.asarray(content, np.uint8).view(np.float32).reshape(tensor.shape)
                done[place] = _store(model, graph, place, weight, _CHANNEL_AXES[kind])
                unpack = schema.OperatorT()
                unpack.opcodeIndex = len(model.operatorCodes) - 1
                unpack.inputs, unpack.outputs = [place], [done[place]]
                operators.append(unpack)
            operator.inputs = [int(operator.inputs[0]), done.get(place, place), *(int(i) for i in operator.inputs[2:])]
        operators.append(operator)
    graph.operators = operators
    for entry in model.metadata or []:
        if entry.name == b"min_runtime_version":
            text = np.frombuffer(_RUNTIME.ljust(16, b"\0"), np.uint8)
            model.buffers[entry.buffer].data = text
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _store(model: Any, graph: Any, place: int, weight: np.ndarray, axis: int) -> int:
    """Turn a constant into int8 in place; return the new tensor that its DEQUANTIZE fills."""
    from ai_edge_litert import schema_py_generated as schema

    integers, scale = quantize_weight(weight, axis)
    tensor = graph.tensors[place]
    real = schema.TensorT()
    real.name, real.shape, real.type, real.buffer = tensor.name + b"_real", tensor.shape, tensor.type, 0
    graph.tensors.append(real)
    buffer = schema.BufferT()
    buffer.data = integers.reshape(-1).view("uint8")
    model.buffers.append(buffer)
    before = tensor.buffer
    tensor.buffer, tensor.type = len(model.buffers) - 1, schema.TensorType.INT8
    if not any(other.buffer == before for other in graph.tensors):
        model.buffers[before].data = None
    table = schema.QuantizationParametersT()
    table.scale, table.zeroPoint, table.quantizedDimension = scale.tolist(), [0] * len(scale), axis
    tensor.quantization = table
    return len(graph.tensors) - 1


def rewrite_onnx(model: Any) -> None:
    """Store the kernels of a float ONNX model as int8, each behind a Cast and a Mul with its scales; in place.

    Why not DequantizeLinear: onnxruntime keeps that for its integer kernels and would unpack the weights at each inference
    (five times slower); Cast and Mul of constants it computes once, when the file is loaded.

    Args:
        model: `onnx.ModelProto`.

    Raises:
        ConversionError: a weight is not finite, or no kernel is large enough.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    constants = {i.name: i for i in model.graph.initializer}
    added: dict[str, list[Any]] = {}
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or len(node.input) < 2 or node.input[1] not in constants:
            continue
        name = node.input[1]
        weight = numpy_helper.to_array(constants[name])
        if weight.dtype != np.float32 or weight.size < LEAST_ELEMENTS:
            continue
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        axis = 0 if node.op_type == "Conv" or transposed else weight.ndim - 1
        if name not in added:
            integers, scale = quantize_weight(weight, axis)
            shape = [-1 if a == axis else 1 for a in range(weight.ndim)]
            parts = ((f"{name}_int8", integers), (f"{name}_scale", scale.reshape(shape)))
            model.graph.initializer.extend(numpy_helper.from_array(np.ascontiguousarray(v), n) for n, v in parts)
            added[name] = [
                helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], name=f"{name}_cast", to=TensorProto.FLOAT),
                helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [f"{name}_real"], name=f"{name}_real"),
            ]
        node.input[1] = f"{name}_real"
    if not added:
        raise ConversionError("no kernel is large enough to be stored as int8.")
    kept = [i for i in model.graph.initializer if i.name not in added]
    nodes = [*(node for pair in added.values() for node in pair), *model.graph.node]
    for field, values in ((model.graph.initializer, kept), (model.graph.node, nodes)):
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(copies)


def audit_onnx(data: bytes, name: str) -> None:
    """Check that every large kernel of an ONNX file is stored as int8.

    Args:
        data: the file.
        name: of the file, for the error.

    Raises:
        ConversionError: a large kernel is stored as float.
    """
    import math

    import onnx

    graph = onnx.load_model_from_string(data).graph
    floats = {i.name for i in graph.initializer if i.data_type == onnx.TensorProto.FLOAT and math.prod(i.dims) >= LEAST_ELEMENTS}
    wrong = [n.name for n in graph.node if n.op_type in ("Conv", "Gemm", "MatMul") and floats & set(n.input[1:2])]
    if wrong:
        raise ConversionError(f"{name}: is not what w8 says: the weights of {', '.join(wrong[:4])} are stored as float.")
