"""A quantized network as a list of operators over tensors, in TFLite's own terms (NHWC, OHWI kernels)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgetl.errors import ConversionError

if TYPE_CHECKING:
    import numpy as np

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators that carry nearly all multiply-accumulates of a vision network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor. Quantized ones hold integers q that stand for `(q - zero_point) * scale`."""

    name: str
    """Name in the file."""
    shape: tuple[int, ...]
    dtype: str
    """numpy's name of the element type."""
    scale: np.ndarray | None
    """float32 (1,) or (channels,); None when the tensor is not quantized."""
    zero_point: np.ndarray | None
    """int64, of the same shape."""
    axis: int
    """Axis that `scale` runs along, when it has more than one element."""
    data: np.ndarray | None
    """Content of a constant, of `shape` and `dtype`; None for a value that is computed."""

    @property
    def step(self) -> float:
        """The one scale of a tensor quantized as a whole."""
        assert self.scale is not None and len(self.scale) == 1
        return float(self.scale[0])

    @property
    def zero(self) -> int:
        """The one zero point of a tensor quantized as a whole."""
        assert self.zero_point is not None and len(self.zero_point) == 1
        return int(self.zero_point[0])

    @property
    def quantized(self) -> bool:
        """Whether it holds integers that stand for real numbers."""
        return self.scale is not None and self.dtype in ("int8", "uint8", "int16", "int32", "int64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator; tensors by their index in the graph."""

    kind: str
    """TFLite's name: `CONV_2D`."""
    inputs: tuple[int, ...]
    """-1 for an optional input that is absent."""
    outputs: tuple[int, ...]
    options: dict[str, Any]
    """Fields of the operator's options table as in the schema: `strideW`, `padding` …"""

    @property
    def same_padding(self) -> bool:
        """Whether it pads so that the output is input / stride (schema: SAME = 0, VALID = 1)."""
        return int(self.options["padding"]) == 0

    @property
    def clip(self) -> tuple[float, float] | None:
        """Limits of the fused activation (schema: 0 none, 1 ReLU, 2 ReLU -1 to 1, 3 ReLU6)."""
        return (None, (0.0, math.inf), (-1.0, 1.0), (0.0, 6.0))[int(self.options.get("fusedActivationFunction", 0))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A network with one input and one output."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    """In an order in which they can be run."""
    input: int
    output: int

    def stem(self, index: int) -> str:
        """Name of an operator in files written from this graph: its kind and place, `conv_2d_3`."""
        return f"{self.operators[index].kind.lower()}_{index}"

    def consumers(self, tensor: int) -> list[int]:
        """Operators that read a tensor."""
        return [i for i, operator in enumerate(self.operators) if tensor in operator.inputs]

    def macs(self, operator: Operator) -> int:
        """Multiply-accumulates of one run of an operator on one image; 0 for one without weights."""
        if operator.kind not in WEIGHTED:
            return 0
        weight, out = self.tensors[operator.inputs[1]], self.tensors[operator.outputs[0]]
        outputs = math.prod(out.shape[1:])
        if operator.kind == "DEPTHWISE_CONV_2D":
            return outputs * weight.shape[1] * weight.shape[2]
        return outputs * math.prod(weight.shape[1:])

    def is_border(self, operator: Operator) -> bool:
        """Whether an operator makes integers of real numbers or the reverse, and nothing else."""
        kinds = {self.tensors[operator.inputs[0]].quantized, self.tensors[operator.outputs[0]].quantized}
        return operator.kind in ("QUANTIZE", "DEQUANTIZE") and kinds == {True, False}

    def settled(self, operator: Operator) -> int | None:
        """The tensor of integers that an operator's result becomes, at once or by a QUANTIZE; None where it stays real."""
        (result,) = operator.outputs[:1]
        readers = [self.operators[index] for index in self.consumers(result)]
        found = (result, *(reader.outputs[0] for reader in readers if self.is_border(reader)))
        return next((tensor for tensor in found if self.tensors[tensor].quantized), None)

    def float_layers(self) -> tuple[str, ...]:
        """Stems of the operators with weights that compute in float."""
        weighted = [(self.stem(i), operator) for i, operator in enumerate(self.operators) if operator.kind in WEIGHTED]
        return tuple(stem for stem, operator in weighted if not self.tensors[operator.inputs[0]].quantized)

    def same_pads(self, operator: Operator) -> tuple[int, int, int, int]:
        """Zeros to add around the input of a convolution or pooling: top, left, bottom, right.

        Source: TensorFlow, "padding same": of an odd number of zeros the larger half goes below and to the right.
        """
        if not operator.same_padding:
            return (0, 0, 0, 0)
        source, out = self.tensors[operator.inputs[0]].shape, self.tensors[operator.outputs[0]].shape
        before, after = [], []
        for axis, side in ((1, "H"), (2, "W")):
            if operator.kind in WEIGHTED:
                size = self.tensors[operator.inputs[1]].shape[axis]
            else:
                size = int(operator.options[f"filter{'Height' if side == 'H' else 'Width'}"])
            reach = (size - 1) * int(operator.options.get(f"dilation{side}Factor", 1)) + 1
            total = max((out[axis] - 1) * int(operator.options[f"stride{side}"]) + reach - source[axis], 0)
            before.append(total // 2)
            after.append(total - total // 2)
        return (before[0], before[1], after[0], after[1])

    def cuts(self, operator: Operator) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Where a STRIDED_SLICE of an image begins, ends and how far it steps, for each axis of NHWC.

        Raises:
            ConversionError: it is not a slice of height and width with constant bounds.
        """
        source, out = self.tensors[operator.inputs[0]], self.tensors[operator.outputs[0]]
        bounds = [self.tensors[i].data for i in operator.inputs[1:]]
        odd = [key for key in ("ellipsisMask", "newAxisMask", "shrinkAxisMask") if operator.options.get(key)]
        if len(source.shape) != 4 or len(out.shape) != 4 or odd or any(b is None for b in bounds):
            raise ConversionError(f"{out.name}: only a constant slice of height and width can be written.")
        starts, ends, steps = ([int(v) for v in b.reshape(-1)] for b in bounds if b is not None)
        for axis, size in enumerate(source.shape):
            if operator.options["beginMask"] >> axis & 1:
                starts[axis] = 0
            if operator.options["endMask"] >> axis & 1:
                ends[axis] = size
            starts[axis], ends[axis] = (v + size if v < 0 else v for v in (starts[axis], ends[axis]))
        if min(steps) < 1 or any(starts[axis] or ends[axis] < source.shape[axis] or steps[axis] != 1 for axis in (0, 3)):
            raise ConversionError(f"{out.name}: only a constant slice of height and width can be written.")
        return tuple(starts), tuple(ends), tuple(steps)

    def clip_needed(self, operator: Operator) -> tuple[float, float] | None:
        """Limits of the fused activation where the output's integers could leave them; None where they cannot.

        Half a step of tolerance: a range of 0 to 6 whose last step ends at 6.0000001 needs no clip.
        """
        limits, out = operator.clip, self.tensors[operator.outputs[0]]
        if limits is None or not out.quantized:
            return limits
        low, high = ((q - out.zero) * out.step for q in integer_limits(out.dtype))
        inside = low >= limits[0] - out.step / 2 and high <= limits[1] + out.step / 2
        return None if inside else limits


def integer_limits(dtype: str) -> tuple[int, int]:
    """Smallest and largest integer of a numpy integer type."""
    bits = int(dtype.lstrip("uint"))
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def core(graph: Graph) -> tuple[int, int, tuple[int, ...]]:
    """The part of an int8 network between its first and its last int8 tensor.

    A file with float32 or uint8 input begins with QUANTIZE, one with float32 or uint8 output ends with DEQUANTIZE or
    QUANTIZE; whatever its own input and output are, the network between is the same.

    Args:
        graph: an int8 network.

    Returns:
        First int8 tensor, last int8 tensor, and the operators between, in order.

    Raises:
        ConversionError: input or output do not lead to int8.
    """
    first, last, inside = graph.input, graph.output, list(range(len(graph.operators)))
    if graph.tensors[first].dtype != "int8" and graph.operators[0].kind == "QUANTIZE":
        first = graph.operators[inside.pop(0)].outputs[0]
    ends = graph.operators[-1]
    if graph.tensors[last].dtype != "int8" and ends.kind in ("DEQUANTIZE", "QUANTIZE") and ends.outputs[0] == last:
        last = graph.operators[inside.pop()].inputs[0]
    for tensor in (first, last):
        if graph.tensors[tensor].dtype != "int8" or not graph.tensors[tensor].quantized:
            raise ConversionError(f"not an int8 network: {graph.tensors[tensor].name} is {graph.tensors[tensor].dtype}.")
    return first, last, tuple(inside)
