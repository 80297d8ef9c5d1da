"""MIL's layers with weights, windows and statistics in ONNX: convolutions, dense layers, pools, normalisations, quantization."""

from __future__ import annotations

from typing import Any

from edgetl.grid.mil_lowering import Lowering, Way, given, integers, refuse


def _window(operation: Any, size: list[int], dilations: list[int] | None = None) -> dict[str, Any]:
    """Strides and padding of a window, ONNX's way: all that is added before, then all that is added behind.

    Source: coremltools, MIL ops `conv` and `max_pool`: `same` gives ceil(input / stride) and puts an odd zero behind,
    `same_lower` before; `custom` lists before and behind for each axis in turn.
    """
    rank = len(size)
    strides = integers(operation, "strides", [1] * rank)
    dilations = dilations or [1] * rank
    kind = given(operation, "pad_type", "valid")
    before, behind = [0] * rank, [0] * rank
    if kind == "custom":
        pads = integers(operation, "pad", [0] * 2 * rank)
        before, behind = pads[0::2], pads[1::2]
    elif kind in ("same", "same_lower"):
        for axis, length in enumerate(operation.inputs["x"].shape[2:]):
            reach = (size[axis] - 1) * dilations[axis] + 1
            total = max((-(-length // strides[axis]) - 1) * strides[axis] + reach - length, 0)
            small, large = total // 2, total - total // 2
            before[axis], behind[axis] = (small, large) if kind == "same" else (large, small)
    elif kind != "valid":
        raise refuse(f"pad_type {kind} is not known")
    return {"strides": strides, "pads": [*before, *behind], "dilations": dilations}


def _conv(low: Lowering, operation: Any) -> str:
    weight = operation.inputs["weight"]
    size = list(weight.shape[2:])
    inputs = [low.read(operation.inputs["x"]), low.read(weight)]
    if operation.inputs.get("bias") is not None:
        inputs.append(low.read(operation.inputs["bias"]))
    window = _window(operation, size, integers(operation, "dilations", [1] * len(size)))
    return low.emit("Conv", inputs, group=int(given(operation, "groups", 1)), kernel_shape=size, **window)


def _conv_transpose(low: Lowering, operation: Any) -> str:
    weight, out = operation.inputs["weight"], operation.outputs[0].shape
    size = list(weight.shape[2:])
    rank = len(size)
    strides, dilations = (integers(operation, place, [1] * rank) for place in ("strides", "dilations"))
    kind, source = given(operation, "pad_type", "valid"), operation.inputs["x"].shape[2:]
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(source, strides, size, dilations, strict=True)]
    if kind == "custom":
        pads = integers(operation, "pad", [0] * 2 * rank)
        before, behind = pads[0::2], pads[1::2]
    elif kind in ("valid", "same", "same_lower"):
        totals = [max(f - o, 0) for f, o in zip(full, out[2:], strict=True)]
        before = [t - t // 2 if kind == "same_lower" else t // 2 for t in totals]
        behind = [t - b for t, b in zip(totals, before, strict=True)]
    else:
        raise refuse(f"pad_type {kind} is not known")
    more = [o - (f - a - b) for o, f, a, b in zip(out[2:], full, before, behind, strict=True)]
    if min(more) < 0:
        raise refuse("an output_shape smaller than its padding leaves is not known")
    inputs = [low.read(operation.inputs["x"]), low.read(weight)]
    if operation.inputs.get("bias") is not None:
        inputs.append(low.read(operation.inputs["bias"]))
    groups = int(given(operation, "groups", 1))
    rest: dict[str, Any] = {"strides": strides, "dilations": dilations, "pads": [*before, *behind], "output_padding": more}
    return low.emit("ConvTranspose", inputs, group=groups, kernel_shape=size, **rest)


def _linear(low: Lowering, operation: Any) -> str:
    x, bias = operation.inputs["x"], operation.inputs.get("bias")
    inputs = [low.read(x), low.read(operation.inputs["weight"])]
    if len(x.shape) == 2:
        return low.emit("Gemm", [*inputs, low.read(bias)] if bias is not None else inputs, transB=1)
    product = low.emit("MatMul", [inputs[0], low.emit("Transpose", [inputs[1]], perm=[1, 0])])
    return low.emit("Add", [product, low.read(bias)]) if bias is not None else product


def _matmul(low: Lowering, operation: Any) -> str:
    sides = []
    for place in ("x", "y"):
        variable, name = operation.inputs[place], low.read(operation.inputs[place])
        rank = len(variable.shape)
        if bool(given(operation, f"transpose_{place}", False)) and rank > 1:
            name = low.emit("Transpose", [name], perm=[*range(rank - 2), rank - 1, rank - 2])
        sides.append(name)
    return low.emit("MatMul", sides)


def _einsum(low: Lowering, operation: Any) -> str:
    return low.emit("Einsum", [low.read(v) for v in operation.inputs["values"]], equation=str(given(operation, "equation")))


def _pool(low: Lowering, operation: Any) -> str:
    size = integers(operation, "kernel_sizes")
    window = _window(operation, size)
    padded = [n + a + b for n, a, b in zip(operation.inputs["x"].shape[2:], *_halves(window["pads"]), strict=True)]
    floors = [(n - k) // s + 1 for n, k, s in zip(padded, size, window["strides"], strict=True)]
    ceil = floors != list(operation.outputs[0].shape[2:])
    if operation.op_type == "max_pool":
        return low.emit("MaxPool", [low.read(operation.inputs["x"])], kernel_shape=size, ceil_mode=int(ceil), **window)
    if ceil:
        raise refuse("an average in ceil_mode is not known")
    counted = not bool(given(operation, "exclude_padding_from_average", False))
    return low.emit("AveragePool", [low.read(operation.inputs["x"])], kernel_shape=size, count_include_pad=int(counted), **window)


def _halves(pads: list[int]) -> tuple[list[int], list[int]]:
    middle = len(pads) // 2
    return pads[:middle], pads[middle:]


def _batch_norm(low: Lowering, operation: Any) -> str:
    import numpy as np

    channels = operation.inputs["x"].shape[1]
    factor, offset = (
        low.read(operation.inputs[place]) if operation.inputs.get(place) is not None else low.constant(np.full(channels, fill))
        for place, fill in (("gamma", 1.0), ("beta", 0.0))
    )
    statistics = [low.read(operation.inputs[place]) for place in ("mean", "variance")]
    x = low.read(operation.inputs["x"])
    return low.emit("BatchNormalization", [x, factor, offset, *statistics], epsilon=float(given(operation, "epsilon", 1e-5)))


def _instance_norm(low: Lowering, operation: Any) -> str:
    import numpy as np

    channels = operation.inputs["x"].shape[1]
    parts = [
        low.read(operation.inputs[place]) if operation.inputs.get(place) is not None else low.constant(np.full(channels, fill))
        for place, fill in (("gamma", 1.0), ("beta", 0.0))
    ]
    x = low.read(operation.inputs["x"])
    return low.emit("InstanceNormalization", [x, *parts], epsilon=float(given(operation, "epsilon", 1e-5)))


def _layer_norm(low: Lowering, operation: Any) -> str:
    x, shape = low.read(operation.inputs["x"]), operation.inputs["x"].shape
    axes = sorted(axis % len(shape) for axis in integers(operation, "axes", range(len(shape))))
    over, around = low.numbers(*axes), low.numbers(*(n if a in axes else 1 for a, n in enumerate(shape)))
    centred = low.emit("Sub", [x, low.emit("ReduceMean", [x, over])])
    variance = low.emit("ReduceMean", [low.emit("Mul", [centred, centred]), over])
    spread = low.emit("Sqrt", [low.emit("Add", [variance, low.real(float(given(operation, "epsilon", 1e-5)))])])
    value = low.emit("Div", [centred, spread])
    for kind, place in (("Mul", "gamma"), ("Add", "beta")):
        if operation.inputs.get(place) is not None:
            value = low.emit(kind, [value, low.emit("Reshape", [low.read(operation.inputs[place]), around])])
    return value


def _l2_norm(low: Lowering, operation: Any) -> str:
    x, rank = low.read(operation.inputs["x"]), len(operation.inputs["x"].shape)
    total = low.emit("ReduceSum", [low.emit("Mul", [x, x]), low.numbers(*range(rank - 3, rank))])
    floor = low.real(float(given(operation, "epsilon", 1e-6)))
    return low.emit("Div", [x, low.emit("Sqrt", [low.emit("Add", [total, floor])])])


def _local_response(low: Lowering, operation: Any) -> str:
    values = {place: float(given(operation, place, d)) for place, d in (("alpha", 1e-4), ("beta", 0.75), ("k", 1.0))}
    size = int(given(operation, "size"))
    return low.emit(
        "LRN", [low.read(operation.inputs["x"])], size=size, alpha=values["alpha"], beta=values["beta"], bias=values["k"]
    )


def _grid(low: Lowering, operation: Any, integer: Any) -> tuple[list[str], dict[str, Any]]:
    """Scale and zero point (0 where the program has none) in the integers' type, and the axis of several."""
    import numpy as np
    from coremltools.converters.mil.mil import types

    dtype = np.dtype(types.nptype_from_builtin(integer.dtype))
    if dtype not in (np.dtype(np.int8), np.dtype(np.uint8)):
        raise refuse(f"integers of type {dtype} are not known")
    scale = np.asarray(given(operation, "scale")).astype(np.float32)
    zero = np.asarray(given(operation, "zero_point", 0)).astype(dtype)
    parts = [low.constant(scale), low.constant(np.broadcast_to(zero, scale.shape))]
    return parts, {"axis": int(given(operation, "axis"))} if scale.ndim else {}


def _quantize(low: Lowering, operation: Any) -> str:
    """`clip(round(x / scale) + zero point)`, the quotient in float32, halves to even.

    Source: coremltools, MIL op `quantize` (iOS 17).
    """
    parts, axis = _grid(low, operation, operation.outputs[0])
    return low.emit("QuantizeLinear", [low.read(operation.inputs["input"]), *parts], **axis)


def _dequantize(low: Lowering, operation: Any) -> str:
    parts, axis = _grid(low, operation, operation.inputs["input"])
    return low.emit("DequantizeLinear", [low.read(operation.inputs["input"]), *parts], **axis)


WAYS = {
    "conv": Way(write=_conv),
    "conv_transpose": Way(write=_conv_transpose),
    "linear": Way(write=_linear),
    "matmul": Way(write=_matmul),
    "einsum": Way(write=_einsum),
    "max_pool": Way(write=_pool),
    "avg_pool": Way(write=_pool),
    "batch_norm": Way(write=_batch_norm),
    "instance_norm": Way(write=_instance_norm),
    "layer_norm": Way(write=_layer_norm),
    "l2_norm": Way(write=_l2_norm),
    "local_response_norm": Way(write=_local_response),
    "quantize": Way(write=_quantize, exact=True),
    "dequantize": Way(write=_dequantize),
}
"""MIL's name → how it is written."""
