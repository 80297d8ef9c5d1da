"""How each TFLite operator is written in MIL: floats that stand for integers in, `writer.settle` makes integers of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgetl.errors import ConversionError

if TYPE_CHECKING:
    from edgetl.grid.graph import Graph, Operator
    from edgetl.grid.mil import Writer

_MANY = 64
"""Most values of an average whose halves single precision can tell from their neighbours."""
_STRETCH = 3e-4


def write(writer: Writer, index: int) -> None:
    """Write one operator.

    Args:
        writer: the MIL function so far.
        index: of the operator.

    Raises:
        ConversionError: there is no way to write it.
    """
    operator, name = writer.graph.operators[index], writer.graph.stem(index)
    for kinds, function in _WAYS.items():
        if operator.kind in kinds:
            value = function(writer, operator, name)
            clipped = _clip(value, writer.graph.clip_needed(operator), name)
            writer.settle(clipped, operator.outputs[0], name)
            return
    known = ", ".join(sorted(kind for kinds in _WAYS for kind in kinds))
    raise ConversionError(f"coreml: operator {name} ({operator.kind}) cannot be written. Known: {known}.")


def _clip(value: Any, limits: tuple[float, float] | None, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    if limits is None:
        return value
    if limits[1] == math.inf:
        return mb.relu(x=value, name=f"{name}_clip")
    return mb.clip(x=value, alpha=limits[0], beta=limits[1], name=f"{name}_clip")


def _convolution(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    graph, options = writer.graph, operator.options
    kernel = graph.tensors[operator.inputs[1]].data
    assert kernel is not None
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    kernel = kernel.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    top, left, bottom, right = graph.same_pads(operator)
    return mb.conv(
        x=writer.real(operator.inputs[0], name),
        weight=writer.weight(operator.inputs[1], f"{name}_weight", kernel),
        groups=graph.tensors[operator.inputs[0]].shape[3] // kernel.shape[1],
        strides=[int(options["strideH"]), int(options["strideW"])],
        dilations=[int(options["dilationHFactor"]), int(options["dilationWFactor"])],
        pad_type="custom",
        pad=[top, bottom, left, right],
        name=name,
        **_bias(writer, operator),
    )


def _fully_connected(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    kernel = writer.graph.tensors[operator.inputs[1]].data
    weight = writer.weight(operator.inputs[1], f"{name}_weight", kernel)  # type: ignore[arg-type]
    value, shape = writer.real(operator.inputs[0], name), writer.graph.tensors[operator.inputs[0]].shape
    if len(shape) == 4:  # TFLite flattens an image there without saying so
        if shape[1:3] != (1, 1):
            value = mb.transpose(x=value, perm=[0, 2, 3, 1], name=f"{name}_nhwc")
        value = mb.reshape(x=value, shape=[1, math.prod(shape[1:])], name=f"{name}_flat")
    return mb.linear(x=value, weight=weight, name=name, **_bias(writer, operator))


def _bias(writer: Writer, operator: Operator) -> dict[str, Any]:
    """The bias in float32: its integers times its scales, which is exact enough (its step is far below the output's)."""
    import numpy as np

    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return {}
    spec = writer.graph.tensors[operator.inputs[2]]
    assert spec.data is not None
    if spec.scale is None:
        return {"bias": spec.data}
    return {"bias": (spec.data.astype(np.float64) * spec.scale.astype(np.float64)).astype(np.float32)}


def _elementwise(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    kind = {"ADD": mb.add, "MUL": mb.mul, "SUB": mb.sub}[operator.kind]
    values = {tensor: writer.real(tensor, name) for tensor in dict.fromkeys(operator.inputs)}
    return kind(x=values[operator.inputs[0]], y=values[operator.inputs[1]], name=name)


def _concatenation(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    rank = len(writer.graph.tensors[operator.outputs[0]].shape)
    axis = int(operator.options["axis"]) % rank
    values = [writer.real(tensor, name) for tensor in operator.inputs]
    return mb.concat(values=values, axis={0: 0, 1: 2, 2: 3, 3: 1}[axis] if rank == 4 else axis, name=name)


def _mean(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    axes, out = (writer.graph.tensors[i] for i in (operator.inputs[1], operator.outputs[0]))
    if axes.data is None or sorted(int(a) % 4 for a in axes.data.reshape(-1)) != [1, 2]:
        raise ConversionError(f"coreml: {name}: only a mean over height and width can be written.")
    value = writer.real(operator.inputs[0], name)
    return mb.reduce_mean(x=value, axes=[2, 3], keep_dims=len(out.shape) == 4, name=name)


def _pool(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    options = operator.options
    top, left, bottom, right = writer.graph.same_pads(operator)
    window: dict[str, Any] = {
        "kernel_sizes": [int(options["filterHeight"]), int(options["filterWidth"])],
        "strides": [int(options["strideH"]), int(options["strideW"])],
        "pad_type": "custom",
        "pad": [top, bottom, left, right],
    }
    value = writer.real(operator.inputs[0], name)
    if operator.kind == "MAX_POOL_2D":
        return mb.max_pool(x=value, name=name, **window)
    mean = mb.avg_pool(x=value, exclude_padding_from_average=True, name=name, **window)
    return _away(writer, operator, name, mean) if averages_halves(writer.graph, operator) else mean


def averages_halves(graph: Graph, operator: Operator) -> bool:
    """Whether an operator averages an even number of integers everywhere, so that many results are halves."""
    if operator.kind != "AVERAGE_POOL_2D" or not graph.tensors[operator.inputs[0]].quantized:
        return False
    size = int(operator.options["filterHeight"]) * int(operator.options["filterWidth"])
    return size % 2 == 0 and size <= _MANY and not any(graph.same_pads(operator))


def _away(writer: Writer, operator: Operator, name: str, value: Any) -> Any:
    """Stretch averages away from the integer 0 past a half, which LiteRT rounds away from it; as `operators_onnx` does.

    By so little that no other average reaches a half, which takes single precision.
    """
    import numpy as np
    from coremltools.converters.mil import Builder as mb

    size = int(operator.options["filterHeight"]) * int(operator.options["filterWidth"])
    source, stretch = writer.graph.tensors[operator.inputs[0]], min(_STRETCH, 1.0 / (256 * size))
    slope = mb.mul(x=value, y=np.float32(1.0 + stretch), name=f"{name}_slope")
    return mb.add(x=slope, y=np.float32(stretch * source.zero * source.step), name=f"{name}_away")


def _pad(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    amounts = writer.graph.tensors[operator.inputs[1]].data
    if amounts is None or len(amounts) != 4:
        raise ConversionError(f"coreml: {name}: only a constant padding of height and width can be written.")
    order = amounts[[0, 3, 1, 2]].reshape(-1).astype("int32")
    return mb.pad(x=writer.real(operator.inputs[0], name), pad=order, mode="constant", constant_val=0.0, name=name)


def _slice(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    begin, end, stride = ([values[a] for a in (0, 3, 1, 2)] for values in writer.graph.cuts(operator))
    return mb.slice_by_index(x=writer.real(operator.inputs[0], name), begin=begin, end=end, stride=stride, name=name)


def _reshape(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    source, out = (writer.graph.tensors[t].shape for t in (operator.inputs[0], operator.outputs[0]))
    value = writer.real(operator.inputs[0], name)
    if len(out) == 2 and math.prod(source[1:]) == out[1]:
        if len(source) == 4 and source[1:3] != (1, 1):
            value = mb.transpose(x=value, perm=[0, 2, 3, 1], name=f"{name}_nhwc")
        return mb.reshape(x=value, shape=[1, out[1]], name=name)
    if len(out) == 4 and out[1:3] == (1, 1) and len(source) in (2, 4) and source[-1] == out[3]:
        return mb.reshape(x=value, shape=[1, out[3], 1, 1], name=name)
    raise ConversionError(f"coreml: {name}: a reshape of {source} to {out} cannot be written.")


def _hard_swish(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    value = writer.real(operator.inputs[0], name)
    return mb.mul(x=value, y=mb.sigmoid_hard(x=value, alpha=1.0 / 6.0, beta=0.5, name=f"{name}_gate"), name=name)


def _unary(writer: Writer, operator: Operator, name: str) -> Any:
    from coremltools.converters.mil import Builder as mb

    value = writer.real(operator.inputs[0], name)
    if operator.kind == "SOFTMAX":
        if float(operator.options["beta"]) != 1.0:
            raise ConversionError(f"coreml: {name}: a softmax with beta {operator.options['beta']} cannot be written.")
        return mb.softmax(x=value, axis=-1, name=name)
    if writer.graph.is_border(operator):
        return value
    ways = {"LOGISTIC": mb.sigmoid, "RELU": mb.relu, "RELU6": mb.relu6, "QUANTIZE": mb.identity}
    return ways[operator.kind](x=value, name=name)


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
