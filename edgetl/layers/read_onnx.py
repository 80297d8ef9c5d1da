"""An ONNX file's steps, and what each gives: run by onnxruntime with every layer's tensor as an output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import declared
from edgetl.errors import InputError
from edgetl.layers.fusing import fuse
from edgetl.layers.steps import Grid, Kind, Step, Walk

if TYPE_CHECKING:
    import numpy as np

    from edgetl.types import Preprocess

_KINDS: dict[str, Kind] = {
    "GlobalAveragePool": "mean", "MaxPool": "max_pool", "AveragePool": "mean_pool", "Concat": "concat", "Softmax": "softmax",
    "Sigmoid": "softmax", "Reshape": "move", "Flatten": "move", "Squeeze": "move", "Unsqueeze": "move", "Identity": "move",
    "Cast": "move", "Transpose": "move",
}  # fmt: skip
_LARGEST_BYTES = 2_000_000_000


def read(path: Path, pixels: np.ndarray, preprocess: Preprocess) -> Walk:
    """Read an ONNX file and run it, without the optimisations that would fuse what is to be looked at.

    Args:
        path: the file; all its weights within.
        pixels: uint8 (N, px, px, 3).
        preprocess: normalisation of a float input.

    Returns:
        Its layers and what they gave.

    Raises:
        InputError: the file cannot be read, or onnxruntime refuses it.
    """
    import onnx

    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(f"{path}: is larger than {_LARGEST_BYTES // 10**6} MB.")
        model = onnx.load(str(path), load_external_data=False)
        reading = _Reading(model.graph)
        layers = fuse(reading.steps)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except InputError:
        raise
    except Exception as error:  # protobuf and onnx raise classes of many kinds
        raise InputError(f"{path.name}: its layers cannot be read: {error}.") from error
    return Walk(title=f"ONNX {path.name}", layers=layers, values=_run(path, model, reading, layers, pixels, preprocess))


class _Reading:
    """Steps of a graph, and which axis holds the channels of each tensor."""

    def __init__(self, graph: Any) -> None:
        from onnx import helper, numpy_helper

        self.constants: dict[str, np.ndarray] = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        inputs = [i for i in graph.input if i.name not in self.constants]
        if len(inputs) != 1:
            raise ValueError(f"it has {len(inputs)} inputs; one image is expected")
        self.input = inputs[0].name
        sides = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim]
        self.last = {self.input: len(sides) == 4 and sides[3] in (1, 3)}
        self._scales: dict[str, np.ndarray] = {}
        self._cast: set[str] = set()  # constants that were integers
        self._unread: set[str] = set()  # constants computed in ways that are not read here
        self.grids: dict[str, Grid] = {}  # tensor of integers → what they stand for
        self.steps = [Step(kind="input", name=self.input, inputs=(), output=self.input)]
        for node in graph.node:
            self._attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(self._attributes["value"])
            elif node.op_type == "DequantizeLinear" and node.input[0] in self.constants:
                self._dequantize(node)
            elif all(name in self.constants or name in self._unread for name in node.input):
                self._fold(node)
            else:
                self.steps.append(self._step(node))

    def _fold(self, node: Any) -> None:
        """A constant that is computed from constants: integers that are cast and multiplied by their scale."""
        import numpy as np

        held = [self.constants.get(name) for name in node.input]
        (out, *_) = node.output
        if node.op_type == "Cast" and held[0] is not None:
            self.constants[out] = held[0].astype(np.float32)
            if held[0].dtype in (np.int8, np.uint8):
                self._cast.add(out)
        elif node.op_type == "Mul" and held[0] is not None and held[1] is not None:
            self.constants[out] = (held[0] * held[1]).astype(np.float32)
            if node.input[0] in self._cast:
                self._scales[out] = held[1].reshape(-1).astype(np.float32)
        else:
            self._unread.update(node.output)

    def _dequantize(self, node: Any) -> None:
        import numpy as np

        data, scale = self.constants[node.input[0]], np.atleast_1d(self.constants[node.input[1]]).astype(np.float32)
        held = self.constants[node.input[2]] if len(node.input) > 2 and node.input[2] else np.zeros(1, np.int64)
        zero = np.atleast_1d(held).astype(np.int64)
        shape = [1] * data.ndim
        if scale.size > 1:
            shape[self._attributes.get("axis", 1)] = -1
        real = (data.astype(np.int64) - zero.reshape(shape if zero.size > 1 else [1] * data.ndim)) * scale.reshape(shape)
        self.constants[node.output[0]] = real.astype(np.float32)
        self._scales[node.output[0]] = scale

    def _step(self, node: Any) -> Step:
        inputs = tuple(name for name in node.input if name and name not in self.constants and name not in self._unread)
        for name in node.output:
            self.last[name] = self.last.get(inputs[0], False) if inputs else False
        if node.op_type == "Transpose":
            perm = list(self._attributes.get("perm", ()))
            if perm in ([0, 3, 1, 2], [0, 2, 3, 1]):
                self.last[node.output[0]] = perm == [0, 2, 3, 1]
        common: dict[str, Any] = {"name": node.name or node.output[0], "inputs": inputs, "output": node.output[0]}
        if node.op_type in ("Conv", "Gemm", "MatMul") and len(inputs) == 1 and node.input[1] in self.constants:
            return self._weighted(node, common)
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            grid = self._grid(node)
            if node.op_type == "QuantizeLinear" and grid is not None:
                self.grids[node.output[0]] = grid
            return Step(kind="quantize", grid=grid, leaves=node.op_type == "DequantizeLinear", **common)
        if node.op_type in ("Relu", "Clip"):
            return Step(kind="clip", clip=self._limits(node), **common)
        if node.op_type in ("Add", "Mul", "Sub", "Div", "BatchNormalization"):
            return self._elementwise(node, common)
        if node.op_type == "Pad":
            return self._pad(node, common)
        kind = _KINDS.get(node.op_type, "other")
        if node.op_type == "ReduceMean":
            axes = self._attributes.get("axes") or (self.constants[node.input[1]].tolist() if len(node.input) > 1 else ())
            kind = "mean" if sorted(axes) in ([2, 3], [1, 2], [-2, -1]) else "other"
        if kind in ("max_pool", "mean_pool"):
            common |= self._window()
        if inputs and inputs[0] in self.grids and kind == "move":
            self.grids[node.output[0]] = self.grids[inputs[0]]
        return Step(kind=kind, **common)

    def _weighted(self, node: Any, common: dict[str, Any]) -> Step:
        import numpy as np

        kernel = self.constants[node.input[1]]
        bias = self.constants[node.input[2]].reshape(-1) if len(node.input) > 2 and node.input[2] else None
        scale = self._scales.get(node.input[1])
        if node.op_type == "Conv" and kernel.ndim == 4:
            kernel = kernel.transpose(0, 2, 3, 1)
            common |= {**self._window(), "groups": int(self._attributes.get("group", 1))}
            common.pop("window")
            common["dilations"] = tuple(self._attributes.get("dilations", (1, 1)))
            kind: Kind = "conv"
        elif kernel.ndim == 2:
            kernel = kernel if self._attributes.get("transB") else kernel.T
            kernel, kind = kernel.reshape(kernel.shape[0], 1, 1, -1), "dense"
        else:
            return Step(kind="other", **common)
        step = None if scale is None or scale.size not in (1, len(kernel)) else np.broadcast_to(scale, (len(kernel),))
        return Step(kind=kind, kernel=kernel.astype(np.float32), kernel_step=step, bias=bias, **common)

    def _window(self) -> dict[str, Any]:
        found = self._attributes
        if found.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise ValueError("padding that is worked out when it runs (auto_pad) is not read")
        return {
            "window": tuple(found.get("kernel_shape", (1, 1))),
            "strides": tuple(found.get("strides", (1, 1))),
            "pads": tuple(found.get("pads", (0, 0, 0, 0))),
        }

    def _grid(self, node: Any) -> Grid | None:
        import numpy as np

        scale = self.constants.get(node.input[1])
        zero = self.constants.get(node.input[2]) if len(node.input) > 2 else np.zeros((), np.uint8)
        if scale is None or zero is None or scale.size != 1:
            return None
        limits = np.iinfo(zero.dtype)
        return Grid.of(float(scale.reshape(-1)[0]), int(zero.reshape(-1)[0]), (int(limits.min), int(limits.max)))

    def _limits(self, node: Any) -> tuple[float, float]:
        if node.op_type == "Relu":
            return (0.0, float("inf"))
        low, high = (
            float(self.constants[node.input[i]])
            if len(node.input) > i and node.input[i]
            else float(self._attributes.get(key, end))
            for i, key, end in ((1, "min", float("-inf")), (2, "max", float("inf")))
        )
        grid = self.grids.get(node.input[0])
        if grid is None:
            return (low, high)
        import numpy as np

        self.grids[node.output[0]] = grid
        first = float(np.iinfo(self.constants[node.input[1]].dtype).min)  # the limits are integers, of the same type
        return (grid.low + (low - first) * grid.step, grid.low + (high - first) * grid.step)

    def _elementwise(self, node: Any, common: dict[str, Any]) -> Step:
        import numpy as np

        if node.op_type == "BatchNormalization":
            gamma, beta, mean, variance = (self.constants[name] for name in node.input[1:5])
            factor = gamma / np.sqrt(variance + self._attributes.get("epsilon", 1e-5))
            return Step(kind="norm", factor=factor.astype(np.float32), offset=(beta - mean * factor).astype(np.float32), **common)
        kind: Kind = {"Add": "add", "Mul": "mul"}.get(node.op_type, "other")  # type: ignore[assignment]
        if len(common["inputs"]) == 2:
            return Step(kind=kind, **common)
        value = np.asarray(self.constants[next(name for name in node.input if name in self.constants)], np.float32)
        axis = -1 if self.last[node.output[0]] or value.ndim < 3 else -3
        if value.size > 1 and value.size != value.shape[axis]:
            return Step(kind="other", **common)
        value = value.reshape(-1)
        if node.op_type in ("Sub", "Div") and node.input[0] in self.constants:
            return Step(kind="other", **common)
        one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
        terms: dict[str, tuple[np.ndarray, np.ndarray]] = {"Add": (one, value), "Sub": (one, -value), "Mul": (value, none)}
        factor, offset = terms.get(node.op_type) or (1 / value, none)
        return Step(kind="norm", factor=factor, offset=offset, **common)

    def _pad(self, node: Any, common: dict[str, Any]) -> Step:
        amounts = list(self._attributes.get("pads") or self.constants[node.input[1]].tolist())
        spatial = (1, 2) if self.last[node.output[0]] else (2, 3)
        others = [amounts[i] for i in range(len(amounts)) if i % 4 not in spatial]
        if len(amounts) != 8 or any(others):
            return Step(kind="other", **common)
        pads = (amounts[spatial[0]], amounts[spatial[1]], amounts[4 + spatial[0]], amounts[4 + spatial[1]])
        return Step(kind="pad", pads=pads, **common)


def _run(
    path: Path, model: Any, reading: _Reading, layers: Any, pixels: np.ndarray, preprocess: Preprocess
) -> tuple[np.ndarray, ...]:
    import numpy as np
    import onnx
    import onnxruntime

    from edgetl.runtimes._base import tensor as prepared

    wanted = [layer.output for layer in layers if layer.output != reading.input]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    kept: list[list[np.ndarray]] = [[] for _ in layers]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        (given,) = session.get_inputs()
        kind = {"tensor(uint8)": "uint8", "tensor(int8)": "int8"}.get(given.type, "float32")
        preprocess = declared.of_file(path, preprocess)
        for image in pixels:
            value = prepared(image, preprocess, kind)
            value = value if reading.last[reading.input] else value.transpose(0, 3, 1, 2).copy()
            found = dict(zip(wanted, session.run(None, {given.name: value}), strict=True)) | {reading.input: value}
            for row, layer in zip(kept, layers, strict=True):
                row.append(_real(found[layer.output], reading.grids.get(layer.output), reading.last.get(layer.output, False)))
    except Exception as error:  # onnxruntime's exceptions share no base
        raise InputError(f"{path.name}: onnxruntime refuses it: {error}") from error
    return tuple(np.stack(row) for row in kept)


def _real(value: np.ndarray, grid: Grid | None, last: bool) -> np.ndarray:
    """One image's tensor as real numbers, channels last."""
    import numpy as np

    row: np.ndarray = value[0].astype(np.float32)
    if grid is not None and value.dtype.kind in "iu":
        row = (row - np.iinfo(value.dtype).min) * np.float32(grid.step) + np.float32(grid.low)
    return row if last or row.ndim != 3 else row.transpose(1, 2, 0)
