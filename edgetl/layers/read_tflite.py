"""A TFLite file's steps, and what each gives: run by LiteRT's own kernels, all tensors kept, no delegate."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import declared
from edgetl.errors import ConversionError, InputError
from edgetl.grid.graph import WEIGHTED, Graph, Operator, Tensor, integer_limits
from edgetl.layers.fusing import fuse
from edgetl.layers.steps import Grid, Kind, Step, Walk

if TYPE_CHECKING:
    import numpy as np

    from edgetl.types import Preprocess

_KINDS: dict[str, Kind] = {
    "ADD": "add", "MUL": "mul", "MEAN": "mean", "MAX_POOL_2D": "max_pool", "AVERAGE_POOL_2D": "mean_pool",
    "CONCATENATION": "concat", "SOFTMAX": "softmax", "LOGISTIC": "softmax", "RESHAPE": "move",
    "SQUEEZE": "move", "EXPAND_DIMS": "move", "PAD": "pad",
    "QUANTIZE": "quantize", "DEQUANTIZE": "quantize", "RELU": "clip", "RELU6": "clip",
}  # fmt: skip
_LIMITS = {"RELU": (0.0, float("inf")), "RELU6": (0.0, 6.0)}


def read(path: Path, pixels: np.ndarray, preprocess: Preprocess) -> Walk:
    """Read a TFLite file and run it.

    Args:
        path: the file.
        pixels: uint8 (N, px, px, 3).
        preprocess: normalisation of a float input.

    Returns:
        Its layers and what they gave.

    Raises:
        InputError: the file cannot be read, or LiteRT refuses it.
    """
    from edgetl.grid import reader

    try:
        data = path.read_bytes()
        graph = reader.read(data)
        steps = tuple(_steps(graph))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ConversionError, struct.error, IndexError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise InputError(f"{path.name}: its layers cannot be read: {error}.") from error
    layers = fuse(steps)
    values = _run(path, data, graph, [layer.output for layer in layers], pixels, preprocess)
    return Walk(title=f"TFLite {path.name}", layers=layers, values=values)


def _key(graph: Graph, tensor: int) -> str:
    return f"{graph.tensors[tensor].name}#{tensor}"


def _steps(graph: Graph) -> list[Step]:
    constants = {i: _real(tensor) for i, tensor in enumerate(graph.tensors) if tensor.data is not None}
    name = _key(graph, graph.input)
    found = [Step(kind="input", name=name, inputs=(), output=name, grid=_grid(graph.tensors[graph.input]))]
    for operator in graph.operators:
        if operator.kind == "DEQUANTIZE" and operator.inputs[0] in constants:
            constants[operator.outputs[0]] = constants[operator.inputs[0]]
            continue
        if operator.kind == "DENSIFY" and operator.inputs[0] in constants:
            raise ConversionError("kernels are stored sparse, which is not read here")
        found.append(_step(graph, operator, constants))
    return found


def _step(graph: Graph, operator: Operator, constants: dict[int, np.ndarray]) -> Step:
    inputs = tuple(_key(graph, i) for i in operator.inputs if i >= 0 and i not in constants)
    out = graph.tensors[operator.outputs[0]]
    name = _key(graph, operator.outputs[0])
    common: dict[str, Any] = {"name": name, "inputs": inputs, "output": name, "grid": _grid(out)}
    options = operator.options
    if operator.kind in WEIGHTED and operator.inputs[1] in constants:
        return _weighted(graph, operator, constants, common)
    kind = _KINDS.get(operator.kind, "other")
    clip = _LIMITS.get(operator.kind) or operator.clip
    if kind in ("add", "mul") and len(inputs) == 1:
        (value,) = (constants[i].reshape(-1) for i in operator.inputs if i in constants)
        if value.size in (1, out.shape[-1]):
            factor, offset = (1.0, value) if kind == "add" else (value, 0.0)
            return _norm(common, factor, offset, clip)
        kind = "other"
    if kind == "pad":
        before = constants[operator.inputs[1]].astype(int)
        if len(before) == 4 and not before[[0, 3]].any():
            common["pads"] = (before[1, 0], before[2, 0], before[1, 1], before[2, 1])
        else:
            kind = "other"
    if kind in ("max_pool", "mean_pool"):
        common |= {
            "window": (int(options["filterHeight"]), int(options["filterWidth"])),
            "strides": (int(options["strideH"]), int(options["strideW"])),
            "pads": graph.same_pads(operator),
        }
    if kind == "mean" and len(graph.tensors[operator.inputs[0]].shape) != 4:
        kind = "other"
    return Step(kind=kind, clip=clip, leaves=operator.kind == "DEQUANTIZE", **common)


def _norm(common: dict[str, Any], factor: Any, offset: Any, clip: tuple[float, float] | None) -> Step:
    import numpy as np

    return Step(
        kind="norm", factor=np.atleast_1d(np.float32(factor)), offset=np.atleast_1d(np.float32(offset)), clip=clip, **common
    )


def _weighted(graph: Graph, operator: Operator, constants: dict[int, np.ndarray], common: dict[str, Any]) -> Step:
    import numpy as np

    kernel, stored = constants[operator.inputs[1]], graph.tensors[operator.inputs[1]]
    groups, options = 1, operator.options
    if operator.kind == "DEPTHWISE_CONV_2D":
        kernel, groups = kernel.transpose(3, 1, 2, 0), graph.tensors[operator.inputs[0]].shape[-1]
    elif operator.kind == "FULLY_CONNECTED":
        kernel = kernel.reshape(kernel.shape[0], 1, 1, -1)
    elif graph.tensors[operator.inputs[0]].shape[-1] != kernel.shape[-1]:
        groups = graph.tensors[operator.inputs[0]].shape[-1] // kernel.shape[-1]
    bias = constants[operator.inputs[2]] if len(operator.inputs) > 2 and operator.inputs[2] >= 0 else None
    spatial = operator.kind != "FULLY_CONNECTED"
    return Step(
        kind="conv" if spatial else "dense",
        kernel=kernel,
        kernel_step=np.broadcast_to(stored.scale, (len(kernel),)) if stored.quantized and stored.scale is not None else None,
        bias=None if bias is None else bias.reshape(-1),
        strides=(int(options["strideH"]), int(options["strideW"])) if spatial else (1, 1),
        dilations=(int(options["dilationHFactor"]), int(options["dilationWFactor"])) if spatial else (1, 1),
        pads=graph.same_pads(operator) if spatial else (0, 0, 0, 0),
        groups=groups,
        clip=operator.clip,
        **common,
    )


def _grid(tensor: Tensor) -> Grid | None:
    if not tensor.quantized or tensor.scale is None or len(tensor.scale) != 1 or tensor.dtype not in ("int8", "uint8", "int16"):
        return None
    return Grid.of(tensor.step, tensor.zero, integer_limits(tensor.dtype))


def _real(tensor: Tensor, data: np.ndarray | None = None) -> np.ndarray:
    """A tensor's numbers, dequantized; float32."""
    import numpy as np

    held = tensor.data if data is None else data
    assert held is not None
    if not tensor.quantized or tensor.scale is None or tensor.zero_point is None:
        return held.astype(np.float32)
    shape = [1] * held.ndim
    if len(tensor.scale) > 1:
        shape[tensor.axis] = -1
    scale, zero = tensor.scale.reshape(shape), tensor.zero_point.reshape(shape)
    real: np.ndarray = ((held.astype(np.int64) - zero) * scale).astype(np.float32)
    return real


def _run(
    path: Path, data: bytes, graph: Graph, names: list[str], pixels: np.ndarray, preprocess: Preprocess
) -> tuple[np.ndarray, ...]:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from edgetl.runtimes._base import tensor as prepared

    try:
        interpreter = Interpreter(
            model_content=data,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
        given = interpreter.get_input_details()[0]
        places = [int(name.rpartition("#")[2]) for name in names]
        kept: list[list[np.ndarray]] = [[] for _ in places]
        preprocess = declared.of_file(path, preprocess)
        for image in pixels:
            interpreter.set_tensor(given["index"], prepared(image, preprocess, given["dtype"].__name__))
            interpreter.invoke()
            for row, place in zip(kept, places, strict=True):
                row.append(_real(graph.tensors[place], interpreter.get_tensor(place))[0])
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path.name}: LiteRT refuses it: {error}") from error
    return tuple(np.stack(row) for row in kept)
