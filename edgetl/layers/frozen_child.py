"""The child of `read_frozen`: `python -m edgetl.layers.frozen_child walk|ask FOLDER NETWORK …`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.layers.fusing import fuse
from edgetl.layers.steps import Grid, Kind, Step

if TYPE_CHECKING:
    import numpy as np

_KINDS: dict[str, Kind] = {
    "Relu": "clip", "Relu6": "clip", "AddV2": "add", "Add": "add", "Mul": "mul", "ConcatV2": "concat", "Softmax": "softmax",
    "Sigmoid": "softmax", "Identity": "move", "Reshape": "move", "Squeeze": "move", "ExpandDims": "move", "MaxPool": "max_pool",
    "AvgPool": "mean_pool",
}  # fmt: skip
_AT_ONCE = 8
_FIELDS = ("kind", "name", "inputs", "output", "strides", "dilations", "pads", "groups", "window", "clip")
_INPUT, _OUTPUTS = "image", ("softmax", "sigmoid")


class _Network:
    """A frozen graph in a session of its own."""

    def __init__(self, path: Path, images: np.ndarray) -> None:
        import tensorflow as tf

        self.tf: Any = tf
        definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.graph_util.import_graph_def(definition, name="")
        names = {operation.name for operation in self.graph.get_operations()}
        px = self.graph.get_tensor_by_name(f"{_INPUT}:0").shape[1]
        if px not in (None, images.shape[1]):
            sys.exit(f"it takes images of {px} pixels, and the file that is held against it takes {images.shape[1]}.")
        self.output = next(name for name in _OUTPUTS if name in names)
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=2, inter_op_parallelism_threads=1)
        self.session = tf.compat.v1.Session(graph=self.graph, config=config)
        self.fixed = self._fixed()
        self._known: dict[str, Any] = {}

    def _fixed(self) -> set[str]:
        """Tensors that no image changes."""
        moving = {f"{_INPUT}:0"}
        for operation in self.graph.get_operations():
            if any(tensor.name in moving for tensor in operation.inputs):
                moving |= {tensor.name for tensor in operation.outputs}
        return {t.name for o in self.graph.get_operations() for t in o.outputs} - moving

    def constant(self, tensor: Any) -> np.ndarray:
        if tensor.name not in self._known:
            self._known[tensor.name] = self.session.run(tensor)
        value: np.ndarray = self._known[tensor.name]
        return value

    def run(self, names: list[str], images: np.ndarray, fed: dict[str, np.ndarray] | None = None) -> list[Any]:
        return list(self.session.run(names, {f"{_INPUT}:0": images, **(fed or {})}))

    def steps(self) -> list[Step]:
        found = [Step(kind="input", name=_INPUT, inputs=(), output=f"{_INPUT}:0")]
        for operation in self.graph.get_operations():
            if operation.outputs and operation.outputs[0].name not in self.fixed and operation.type != "Placeholder":
                if operation.name == "Identity" and operation.inputs[0].op.name == self.output:
                    continue
                found.append(self._step(operation))
        return found

    def _step(self, operation: Any) -> Step:
        import numpy as np

        inputs = [tensor for tensor in operation.inputs if tensor.name not in self.fixed]
        constants = [self.constant(tensor) for tensor in operation.inputs if tensor.name in self.fixed]
        common: dict[str, Any] = {
            "name": operation.name, "inputs": tuple(t.name for t in inputs), "output": operation.outputs[0].name,
        }  # fmt: skip
        kind = _KINDS.get(operation.type, "other")
        if operation.type in ("Conv2D", "DepthwiseConv2dNative", "MatMul") and len(inputs) == 1 and len(constants) == 1:
            return self._weighted(operation, constants[0], common)
        if operation.type == "FusedBatchNormV3":
            gamma, beta, mean, variance = constants
            factor = gamma / np.sqrt(variance + operation.get_attr("epsilon"))
            return Step(kind="norm", factor=factor, offset=beta - mean * factor, **common)
        if operation.type in ("BiasAdd", "AddV2", "Add", "Sub", "Mul", "RealDiv") and len(inputs) == 1:
            return self._norm(operation, constants[0].reshape(-1), common)
        if operation.type.startswith("FakeQuantWithMinMaxVars"):
            return Step(kind="quantize", grid=_nudged(constants, operation), **common)
        if kind == "clip":
            return Step(kind="clip", clip=(0.0, 6.0 if operation.type == "Relu6" else float("inf")), **common)
        if operation.type == "Pad":
            amounts = constants[0]
            if amounts.shape == (4, 2) and not amounts[[0, 3]].any():
                top, left, bottom, right = (int(amounts[a, b]) for a, b in ((1, 0), (2, 0), (1, 1), (2, 1)))
                return Step(kind="pad", pads=(top, left, bottom, right), **common)
        if operation.type == "Mean" and sorted(np.atleast_1d(constants[0]).tolist()) == [1, 2]:
            kind = "mean"
        if kind in ("max_pool", "mean_pool"):
            window, strides = (tuple(operation.get_attr(key)[1:3]) for key in ("ksize", "strides"))
            common |= {"window": window, "strides": strides, "pads": _pads(operation, window, strides, (1, 1))}
        return Step(kind=kind, **common)

    def _weighted(self, operation: Any, kernel: np.ndarray, common: dict[str, Any]) -> Step:
        if operation.type == "MatMul":
            kernel = kernel if operation.get_attr("transpose_b") else kernel.T
            return Step(kind="dense", kernel=kernel.reshape(len(kernel), 1, 1, -1), **common)
        groups, strides = 1, tuple(operation.get_attr("strides")[1:3])
        dilations = tuple(operation.get_attr("dilations")[1:3])
        if operation.type == "Conv2D":
            groups = int(operation.inputs[0].shape[3]) // kernel.shape[2]
            kernel = kernel.transpose(3, 0, 1, 2)
        else:
            groups = kernel.shape[2]
            kernel = kernel.reshape(*kernel.shape[:2], 1, -1).transpose(3, 0, 1, 2)
        pads = _pads(operation, kernel.shape[1:3], strides, dilations)
        return Step(kind="conv", kernel=kernel, groups=groups, strides=strides, dilations=dilations, pads=pads, **common)

    def _norm(self, operation: Any, value: np.ndarray, common: dict[str, Any]) -> Step:
        import numpy as np

        one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
        first_fixed = operation.inputs[0].name in self.fixed
        if value.size not in (1, operation.outputs[0].shape[-1]) or (first_fixed and operation.type in ("Sub", "RealDiv")):
            return Step(kind="other", **common)
        factor, offset = {"Mul": (value, none), "RealDiv": (1 / value, none), "Sub": (one, -value)}.get(
            operation.type, (one, value)
        )
        return Step(kind="norm", factor=factor.astype(np.float32), offset=offset.astype(np.float32), **common)


def _pads(operation: Any, window: Any, strides: Any, dilations: Any) -> tuple[int, int, int, int]:
    """Zeros around the input. Source: TensorFlow, "padding same": the larger half goes below and to the right."""
    if operation.get_attr("padding") != b"SAME":
        return (0, 0, 0, 0)
    before, after = [], []
    for axis in range(2):
        size = int(operation.inputs[0].shape[1 + axis])
        reach = (int(window[axis]) - 1) * int(dilations[axis]) + 1
        total = max((-(-size // int(strides[axis])) - 1) * int(strides[axis]) + reach - size, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return (before[0], before[1], after[0], after[1])


def _nudged(limits: list[np.ndarray], operation: Any) -> Grid:
    """The grid of a fake quantization. Source: TensorFlow, `FakeQuantWithMinMaxVars`: 0.0 is made a whole step."""
    low, high = (float(limit.reshape(-1)[0]) for limit in limits)
    first, last = int(operation.get_attr("narrow_range")), 2 ** int(operation.get_attr("num_bits")) - 1
    scale = (high - low) / (last - first)
    zero = round(min(max(first - low / scale, first), last)) if scale else 0
    return Grid.of(scale or 1.0, zero, (first, last))


def walk(path: Path, folder: Path, number: int) -> None:
    """Write the layers of a network and what they give for `images.npy` into a folder.

    Args:
        path: the frozen network.
        folder: where the images are and the answer goes.
        number: of the network; the names of its files begin with it.
    """
    import numpy as np

    images = np.load(folder / "images.npy")
    network = _Network(path, images)
    layers = fuse(network.steps())
    described = []
    for place, layer in enumerate(layers):
        for key in ("kernel", "bias"):
            if getattr(layer, key) is not None:
                np.save(folder / f"{number}.{place}.{key}.npy", getattr(layer, key).astype(np.float32))
        grid = layer.grid
        fields = {key: getattr(layer, key) for key in _FIELDS}
        fields |= {"words": sorted(layer.words), "kernel_step": None}
        fields["grid"] = None if grid is None else {"step": grid.step, "low": grid.low, "high": grid.high}
        described.append(fields)
    for start in range(0, len(layers), _AT_ONCE):
        part = layers[start : start + _AT_ONCE]
        values = network.run([layer.output for layer in part], images)
        for place, value in enumerate(values, start):
            np.save(folder / f"{number}.{place}.value.npy", value.astype(np.float32))
    (folder / f"{number}.json").write_text(json.dumps(described, default=int), encoding="utf-8")


def ask(path: Path, folder: Path) -> None:
    """Answer `questions.json`: the logits with one tensor replaced by another, for each.

    Args:
        path: the frozen network.
        folder: where the questions are and the answers go.
    """
    import numpy as np

    images = np.load(folder / "images.npy")
    network = _Network(path, images)
    logits = network.graph.get_operation_by_name(network.output).inputs[0].name
    found = network.run([logits], images)
    for place, tensor in enumerate(json.loads((folder / "questions.json").read_text(encoding="utf-8"))):
        fed = np.load(folder / f"question.{place}.npy")
        found += network.run([logits], images, {tensor: fed})
    np.save(folder / "answers.npy", np.stack(found).astype(np.float32))


if __name__ == "__main__":
    task, where, networks = sys.argv[1], Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]]
    if task == "ask":
        ask(networks[0], where)
    else:
        for nth, network in enumerate(networks):
            walk(network, where, nth)
