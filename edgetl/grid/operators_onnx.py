"""How each TFLite operator is written in ONNX: integers in, `writer.settle` puts integers out (or real numbers)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgetl.errors import ConversionError

if TYPE_CHECKING:
    from edgetl.grid.graph import Operator
    from edgetl.grid.qdq import Writer

_FEW = 12
"""Most values of an average whose halves can be told from their neighbours in float32."""
_STRETCH = 3e-4
"""128 steps times this is less than the distance of such an average from the next half, half a step times this more than
float32's error."""


def write(writer: Writer, index: int) -> None:
    """Write one operator.

    Args:
        writer: the ONNX graph so far.
        index: of the operator.

    Raises:
        ConversionError: there is no way to write it.
    """
    operator, name = writer.graph.operators[index], writer.graph.stem(index)
    for kinds, function in _WAYS.items():
        if operator.kind in kinds:
            function(writer, operator, name)
            return
    known = ", ".join(sorted(kind for kinds in _WAYS for kind in kinds))
    raise ConversionError(f"onnx: operator {name} ({operator.kind}) cannot be written. Known: {known}.")


def _convolution(writer: Writer, operator: Operator, name: str) -> None:
    graph = writer.graph
    kernel = graph.tensors[operator.inputs[1]].data
    assert kernel is not None
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    kernel = kernel.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    inputs = [writer.real(operator.inputs[0], name), writer.weight(operator.inputs[1], f"{name}_weight", kernel)]
    inputs += _bias(writer, operator, name)
    channels = graph.tensors[operator.inputs[0]].shape[3]
    value = writer.node(
        "Conv",
        inputs,
        name,
        group=channels // kernel.shape[1],
        kernel_shape=list(kernel.shape[2:]),
        strides=[int(operator.options["strideH"]), int(operator.options["strideW"])],
        dilations=[int(operator.options["dilationHFactor"]), int(operator.options["dilationWFactor"])],
        pads=list(graph.same_pads(operator)),
    )
    writer.settle(value, operator.outputs[0], name, graph.clip_needed(operator))


def _fully_connected(writer: Writer, operator: Operator, name: str) -> None:
    kernel = writer.graph.tensors[operator.inputs[1]].data
    assert kernel is not None
    inputs = [_row(writer, operator.inputs[0], name), writer.weight(operator.inputs[1], f"{name}_weight", kernel)]
    value = writer.node("Gemm", [*inputs, *_bias(writer, operator, name)], name, transB=1)
    writer.settle(value, operator.outputs[0], name, writer.graph.clip_needed(operator))


def _row(writer: Writer, tensor: int, name: str) -> str:
    """Dequantize the input of a dense layer as (batch, features); TFLite flattens an image there without saying so."""
    shape = writer.graph.tensors[tensor].shape
    if len(shape) == 2:
        return writer.real(tensor, name)
    value = writer.value(tensor, name)
    if len(shape) == 4 and shape[1:3] != (1, 1):
        value = writer.node("Transpose", [value], f"{name}_nhwc", perm=[0, 2, 3, 1])
    value = writer.node("Flatten", [value], f"{name}_flat", axis=1)
    if not writer.graph.tensors[tensor].quantized:
        return value
    return writer.node("DequantizeLinear", [value, *writer.grid(tensor)], f"{name}_input")


def _bias(writer: Writer, operator: Operator, name: str) -> list[str]:
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return []
    data = writer.graph.tensors[operator.inputs[2]].data
    assert data is not None
    return [writer.weight(operator.inputs[2], f"{name}_bias", data)]


def _elementwise(writer: Writer, operator: Operator, name: str) -> None:
    kind = {"ADD": "Add", "MUL": "Mul", "SUB": "Sub"}[operator.kind]
    operands = list(dict.fromkeys(operator.inputs))
    values = {tensor: writer.real(tensor, name) for tensor in operands}
    value = writer.node(kind, [values[tensor] for tensor in operator.inputs], name)
    writer.settle(value, operator.outputs[0], name, writer.graph.clip_needed(operator))


def _concatenation(writer: Writer, operator: Operator, name: str) -> None:
    rank = len(writer.graph.tensors[operator.outputs[0]].shape)
    axis = int(operator.options["axis"]) % rank
    values = [writer.real(tensor, name) for tensor in operator.inputs]
    value = writer.node("Concat", values, name, axis={0: 0, 1: 2, 2: 3, 3: 1}[axis] if rank == 4 else axis)
    writer.settle(value, operator.outputs[0], name, writer.graph.clip_needed(operator))


def _mean(writer: Writer, operator: Operator, name: str) -> None:
    graph = writer.graph
    axes, out = graph.tensors[operator.inputs[1]].data, graph.tensors[operator.outputs[0]]
    if axes is None or sorted(int(a) % 4 for a in axes.reshape(-1)) != [1, 2]:
        raise ConversionError(f"onnx: {name}: only a mean over height and width can be written.")
    value = writer.node("GlobalAveragePool", [writer.real(operator.inputs[0], name)], name)
    writer.settle(value, operator.outputs[0], name)
    if len(out.shape) == 2:
        _moved(writer, operator, writer.node("Flatten", [writer.values[operator.outputs[0]]], f"{name}_flat", axis=1))


def _pool(writer: Writer, operator: Operator, name: str) -> None:
    graph, options = writer.graph, operator.options
    source = graph.tensors[operator.inputs[0]]
    size = [int(options["filterHeight"]), int(options["filterWidth"])]
    window: dict[str, Any] = {
        "kernel_shape": size,
        "strides": [int(options["strideH"]), int(options["strideW"])],
        "pads": list(graph.same_pads(operator)),
    }
    kind = "MaxPool" if operator.kind == "MAX_POOL_2D" else "AveragePool"
    real, even = writer.real(operator.inputs[0], name), any(window["pads"]) or math.prod(size) % 2 == 0
    if kind == "AveragePool" and even and source.quantized and math.prod(size) <= _FEW:
        value = _away(writer, operator, name, writer.node(kind, [real], f"{name}_mean", **window))
    elif kind == "AveragePool" and size == list(source.shape[1:3]) and not any(window["pads"]):
        value = writer.node("GlobalAveragePool", [real], name)
    else:
        value = writer.node(kind, [real], name, **window)
    writer.settle(value, operator.outputs[0], name, graph.clip_needed(operator))


def _away(writer: Writer, operator: Operator, name: str, value: str) -> str:
    """Stretch averages away from the integer 0 by less than would reach another integer, but past a half.

    An average of an even number of integers is often a half. LiteRT rounds it away from the integer 0 (TensorFlow Lite,
    kernels/internal/reference/integer_ops/pooling.h), ONNX to the even one. Halves once stretched, both round alike.
    """
    import numpy as np

    source = writer.graph.tensors[operator.inputs[0]]
    centre = -source.zero * source.step
    slope = writer.constant("average_slope", np.float32(1.0 + _STRETCH))
    offset = writer.constant(f"{name}_offset", np.float32(-_STRETCH * centre))
    return writer.node("Add", [writer.node("Mul", [value, slope], f"{name}_slope"), offset], name)


def _pad(writer: Writer, operator: Operator, name: str) -> None:
    """Zeros are integers equal to the zero point, put around the integers themselves; around real numbers they are zeros."""
    import numpy as np

    graph = writer.graph
    amounts, source = graph.tensors[operator.inputs[1]].data, graph.tensors[operator.inputs[0]]
    if amounts is None or len(source.shape) != 4:
        raise ConversionError(f"onnx: {name}: only a constant padding of height and width can be written.")
    before, after = (amounts[[0, 3, 1, 2], side].astype(np.int64) for side in (0, 1))
    value = writer.value(operator.inputs[0], name)
    zero = writer.grid(operator.inputs[0])[1] if source.quantized else writer.constant("zero", np.float32(0.0))
    pads = writer.constant(f"{name}_pads", np.concatenate([before, after]))
    _moved(writer, operator, writer.node("Pad", [value, pads, zero], f"{name}_q"))


def _slice(writer: Writer, operator: Operator, name: str) -> None:
    """A part of the image, cut out of the integers themselves."""
    import numpy as np

    starts, ends, steps = writer.graph.cuts(operator)
    order = [0, 3, 1, 2]
    parts = {"starts": starts, "ends": ends, "axes": (0, 1, 2, 3), "steps": steps}
    inputs = [
        writer.constant(f"{name}_{word}", np.array(values if word == "axes" else [values[a] for a in order], np.int64))
        for word, values in parts.items()
    ]
    _moved(writer, operator, writer.node("Slice", [writer.value(operator.inputs[0], name), *inputs], f"{name}_q"))


def _reshape(writer: Writer, operator: Operator, name: str) -> None:
    import numpy as np

    graph = writer.graph
    source, out = (graph.tensors[t].shape for t in (operator.inputs[0], operator.outputs[0]))
    value = writer.value(operator.inputs[0], name)
    if len(out) == 2 and math.prod(source[1:]) == out[1]:
        if len(source) == 4 and source[1:3] != (1, 1):
            value = writer.node("Transpose", [value], f"{name}_nhwc", perm=[0, 2, 3, 1])
        value = writer.node("Flatten", [value], f"{name}_q", axis=1)
    elif len(out) == 4 and out[1:3] == (1, 1) and len(source) in (2, 4) and source[-1] == out[3]:
        shape = writer.constant(f"{name}_shape", np.array([0, out[3], 1, 1], np.int64))
        value = writer.node("Reshape", [value, shape], f"{name}_q")
    else:
        raise ConversionError(f"onnx: {name}: a reshape of {source} to {out} cannot be written.")
    _moved(writer, operator, value)


def _moved(writer: Writer, operator: Operator, value: str) -> None:
    """Place a tensor whose integers are its input's, only moved."""
    writer.place(operator.outputs[0], value, value)


def _hard_swish(writer: Writer, operator: Operator, name: str) -> None:
    real = writer.real(operator.inputs[0], name)
    gate = writer.node("HardSigmoid", [real], f"{name}_gate", alpha=1.0 / 6.0, beta=0.5)
    writer.settle(writer.node("Mul", [real, gate], name), operator.outputs[0], name)


def _unary(writer: Writer, operator: Operator, name: str) -> None:
    import numpy as np

    if operator.kind == "DEQUANTIZE":
        writer.left[operator.outputs[0]] = operator.inputs[0]
        return
    real = writer.real(operator.inputs[0], name)
    if operator.kind == "SOFTMAX":
        if float(operator.options["beta"]) != 1.0:
            raise ConversionError(f"onnx: {name}: a softmax with beta {operator.options['beta']} cannot be written.")
        value = writer.node("Softmax", [real], name, axis=-1)
    elif operator.kind == "LOGISTIC":
        value = writer.node("Sigmoid", [real], name)
    elif writer.graph.is_border(operator):
        value = real  # of a layer in float
    elif operator.kind == "QUANTIZE":
        value = writer.node("Identity", [real], name)  # to another scale
    elif operator.kind == "RELU":
        value = writer.node("Relu", [real], name)
    else:
        limits = [writer.constant(f"{name}_{w}", np.float32(v)) for w, v in (("low", 0.0), ("high", 6.0))]
        value = writer.node("Clip", [real, *limits], name)
    writer.settle(value, operator.outputs[0], name)


_WAYS = {
    ("CONV_2D", "DEPTHWISE_CONV_2D"): _convolution,
    ("FULLY_CONNECTED",): _fully_connected,
    ("ADD", "MUL", "SUB"): _elementwise,
    ("CONCATENATION",): _concatenation,
    ("MEAN",): _mean,
    ("AVERAGE_POOL_2D", "MAX_POOL_2D"): _pool,
    ("PAD",): _pad,
    ("STRIDED_SLICE",): _slice,
    ("RESHAPE",): _reshape,
    ("HARD_SWISH",): _hard_swish,
    ("SOFTMAX", "LOGISTIC", "QUANTIZE", "DEQUANTIZE", "RELU", "RELU6"): _unary,
}
