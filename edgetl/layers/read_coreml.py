"""A Core ML package's steps, and what each gives: evaluated from its definition (`grid.mil_reference`), no Mac needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError, VerificationError
from edgetl.layers.fusing import fuse
from edgetl.layers.steps import Grid, Kind, Step, Walk

if TYPE_CHECKING:
    import numpy as np

    from edgetl.types import Preprocess

_KINDS: dict[str, Kind] = {
    "add": "add", "mul": "mul", "max_pool": "max_pool", "avg_pool": "mean_pool", "concat": "concat", "softmax": "softmax",
    "sigmoid": "softmax", "cast": "move", "reshape": "move", "squeeze": "move", "expand_dims": "move", "transpose": "move",
    "identity": "move", "relu": "clip", "relu6": "clip", "clip": "clip",
}  # fmt: skip
_ENTRY = ("mul", "add", "sub", "real_div", "cast")
"""What Core ML puts behind an image input: its scale and bias."""


def read(path: Path, pixels: np.ndarray, preprocess: Preprocess) -> Walk:
    """Read a package and evaluate it.

    Args:
        path: an `.mlpackage` folder.
        pixels: uint8 (N, px, px, 3).
        preprocess: not needed: the package says how its image is normalised.

    Returns:
        Its layers and what they gave.

    Raises:
        InputError: the package cannot be read, or has an operation that is not known.
    """
    import numpy as np

    from edgetl.grid import mil_reference, reading_mil

    try:
        reference = mil_reference.open_package(path)
        reading = _Reading(reading_mil.program(path).functions["main"])
        layers = fuse(reading.steps)
        kept: list[list[np.ndarray]] = [[] for _ in layers]
        for image in pixels:
            found = reference.tensors(image)
            for row, layer in zip(kept, layers, strict=True):
                row.append(reading.real(layer.output, found, image))
    except VerificationError as error:
        raise InputError(str(error)) from error
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise InputError(f"{path.name}: its layers cannot be read: {error!r}.") from error
    return Walk(title=f"Core ML {path.name}", layers=layers, values=tuple(np.stack(row) for row in kept))


class _Reading:
    """Steps of a program's function."""

    def __init__(self, function: Any) -> None:
        self.input = next(iter(function.inputs))
        self._makers: dict[str, str] = {}  # tensor → operation
        self._constants: dict[str, np.ndarray] = {}
        self._scales: dict[str, np.ndarray] = {}
        self._grids: dict[str, Grid] = {}  # tensor of integers → what they stand for
        self._zeros: dict[str, int] = {}
        self._last = {self.input: False}
        self._pixels = {self.input}  # tensors between the image and the network
        self.steps = [Step(kind="input", name=self.input, inputs=(), output=self.input)]
        for operation in function.operations:
            name = operation.outputs[0].name
            if operation.op_type.startswith("const"):
                self._constant(operation)
            elif all(self._value(v) is not None for v in _tensors(operation)):
                self._constants[name] = operation.outputs[0].val
            elif operation.op_type != "classify":
                cast = operation.op_type == "cast"  # the evaluator leaves casts out
                self._makers[name] = self._makers.get(operation.inputs["x"].name, operation.name) if cast else operation.name
                self.steps.append(self._step(operation))

    def real(self, tensor: str, found: dict[str, np.ndarray], image: np.ndarray) -> np.ndarray:
        """One image's tensor as real numbers, channels last."""
        import numpy as np

        if tensor == self.input:
            return image.astype(np.float32)
        row = np.asarray(found[self._makers[tensor]], np.float32)[0]
        grid = self._grids.get(tensor)
        if grid is not None:
            row = row * np.float32(grid.step) - np.float32(self._zeros[tensor] * grid.step)
        if row.ndim == 3 and not self._last.get(tensor, False):
            row = row.transpose(1, 2, 0)
        return np.asarray(row, np.float32)

    def _value(self, variable: Any) -> np.ndarray | None:
        value = self._constants.get(variable.name)
        return variable.val if value is None else value

    def _constant(self, operation: Any) -> None:
        import numpy as np

        out = operation.outputs[0]
        value = operation.materialized_val_inference() if operation.op_type != "const" else out.val
        self._constants[out.name] = value
        if operation.op_type == "constexpr_affine_dequantize":
            self._scales[out.name] = np.atleast_1d(np.asarray(operation.inputs["scale"].val, np.float32))

    def _step(self, operation: Any) -> Step:
        moving = [v for v in _tensors(operation) if self._value(v) is None]
        inputs, output = tuple(v.name for v in moving), operation.outputs[0].name
        self._last[output] = self._last.get(inputs[0], False)
        common: dict[str, Any] = {"name": operation.name, "inputs": inputs, "output": output}
        if inputs[0] in self._pixels and operation.op_type in _ENTRY:
            self._pixels.add(output)
            return Step(kind="entry", **common)
        if operation.op_type == "transpose":
            perm = [int(axis) for axis in operation.inputs["perm"].val]
            if perm in ([0, 3, 1, 2], [0, 2, 3, 1]):
                self._last[output] = perm == [0, 2, 3, 1]
        if operation.op_type in ("conv", "linear", "matmul") and len(inputs) == 1:
            return self._weighted(operation, common)
        if operation.op_type in ("quantize", "dequantize"):
            return self._quantize(operation, common)
        if operation.op_type in ("relu", "relu6", "clip"):
            limits = {"relu": (0.0, float("inf")), "relu6": (0.0, 6.0)}.get(operation.op_type)
            clip = limits or (float(operation.inputs["alpha"].val), float(operation.inputs["beta"].val))
            return Step(kind="clip", clip=clip, **common)
        if operation.op_type in ("add", "mul", "sub", "real_div") and len(inputs) == 1:
            return self._norm(operation, common)
        kind = _KINDS.get(operation.op_type, "other")
        if operation.op_type == "pad":
            amounts = [int(v) for v in operation.inputs["pad"].val]
            amounts = [0] * (8 - len(amounts)) + amounts
            if operation.inputs["mode"].val == "constant" and not any(amounts[:4]):
                return Step(kind="pad", pads=(amounts[4], amounts[6], amounts[5], amounts[7]), **common)
        if operation.op_type == "reduce_mean":
            kind = "mean" if sorted(int(a) % 4 for a in operation.inputs["axes"].val) == [2, 3] else "other"
        return Step(kind=kind, **common)

    def _weighted(self, operation: Any, common: dict[str, Any]) -> Step:
        import numpy as np

        weight = operation.inputs["y" if operation.op_type == "matmul" else "weight"]
        kernel = np.asarray(self._value(weight), np.float32)
        bias = operation.inputs.get("bias")
        held = None if bias is None else self._value(bias)
        common["bias"] = None if held is None else np.asarray(held, np.float32).reshape(-1)
        if operation.op_type == "conv":
            kernel = kernel.transpose(0, 2, 3, 1)
            strides, dilations = (tuple(int(v) for v in operation.inputs[key].val) for key in ("strides", "dilations"))
            common |= {"strides": strides, "dilations": dilations, "groups": int(operation.inputs["groups"].val)}
            common["pads"] = _pads(operation, kernel.shape[1:3], strides, dilations)
        else:
            kernel = kernel.T if operation.op_type == "matmul" and not operation.inputs["transpose_y"].val else kernel
            kernel = kernel.reshape(kernel.shape[0], 1, 1, -1)
        scale = self._scales.get(weight.name)
        step = None if scale is None else np.broadcast_to(scale, (len(kernel),))
        return Step(kind="conv" if operation.op_type == "conv" else "dense", kernel=kernel, kernel_step=step, **common)

    def _quantize(self, operation: Any, common: dict[str, Any]) -> Step:
        import numpy as np
        from coremltools.converters.mil.mil import types

        leaves = operation.op_type == "dequantize"
        scale = np.asarray(operation.inputs["scale"].val, np.float32).reshape(-1)
        held = operation.inputs.get("zero_point")
        zero = 0 if held is None else int(np.asarray(held.val).reshape(-1)[0])  # an absent zero point is 0
        kind = types.builtin_to_string(operation.inputs["input"].dtype) if leaves else str(operation.inputs["output_dtype"].val)
        grid = None
        if scale.size == 1:
            grid = Grid.of(float(scale[0]), zero, (0, 255) if "uint8" in kind else (-128, 127))
        if not leaves and grid is not None:
            self._grids[common["output"]] = grid
            self._zeros[common["output"]] = zero
        return Step(kind="quantize", grid=grid, leaves=leaves, **common)

    def _norm(self, operation: Any, common: dict[str, Any]) -> Step:
        import numpy as np

        first = self._value(operation.inputs["x"]) is not None
        value = np.asarray(self._value(operation.inputs["x" if first else "y"]), np.float32)
        if first and operation.op_type in ("sub", "real_div") or (value.size > 1 and value.size not in value.shape):
            return Step(kind="other", **common)
        value = value.reshape(-1)
        one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
        factor, offset = {"add": (one, value), "sub": (one, -value), "mul": (value, none)}.get(
            operation.op_type, (1 / value, none)
        )
        return Step(kind="norm", factor=factor, offset=offset, **common)


def _tensors(operation: Any) -> list[Any]:
    """What an operation reads as its operands; not its settings."""
    found = []
    for key in ("x", "y", "input", "values", "weight", "bias", "data"):
        value = operation.inputs.get(key)
        if value is not None:
            found += list(value) if isinstance(value, (list, tuple)) else [value]
    return [v for v in found if hasattr(v, "name")]


def _pads(operation: Any, window: Any, strides: Any, dilations: Any) -> tuple[int, int, int, int]:
    """Zeros around the input. Source: coremltools, `conv`: `same` puts the larger half of an odd number below and right."""
    kind = str(operation.inputs["pad_type"].val)
    if kind == "custom":
        top, bottom, left, right = (int(v) for v in operation.inputs["pad"].val)
        return (top, left, bottom, right)
    if kind == "valid":
        return (0, 0, 0, 0)
    before, after = [], []
    for axis in range(2):
        size = int(operation.inputs["x"].shape[2 + axis])
        total = max((-(-size // strides[axis]) - 1) * strides[axis] + (window[axis] - 1) * dilations[axis] + 1 - size, 0)
        less, more = total // 2, total - total // 2
        before.append(less if kind == "same" else more)
        after.append(more if kind == "same" else less)
    return (before[0], before[1], after[0], after[1])
