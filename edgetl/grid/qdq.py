"""`Graph` → ONNX in QDQ form: every operator between DequantizeLinear and QuantizeLinear, which onnxruntime fuses.

Choices, each of which costs speed when made otherwise (onnxruntime 1.31, x86 with VNNI, MobileNetV2 0.35):

- activations as uint8 (128 added to each zero point, nothing else changes): 52 of 52 convolutions fuse; as int8 only 37;
- scales and zero points of a whole tensor have rank 0: with shape (1,) additions and multiplications are refused;
- a fused activation is written as Clip only where the output's integers could leave its limits, and then behind the
  QuantizeLinear, on the integers: before it, a Clip stops the fusion;
- each consumer has its own DequantizeLinear: older onnxruntimes fuse only those.

Layers with weights that stay in float are written with float weights, and what they read of integers with a scale for each
channel, all alike: onnxruntime from 1.21 on makes int8, per tensor, of any float weights that follow a DequantizeLinear with one
scale (its WeightBiasQuantization, microsoft/onnxruntime#22969).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edgetl.errors import ConversionError
from edgetl.grid import operators_onnx
from edgetl.grid.graph import WEIGHTED, Graph, Tensor, core

if TYPE_CHECKING:
    import numpy as np

OPSET = 17
"""Understood by onnxruntime since 1.12 (2022), so by every phone build in use."""
IR_VERSION = 8
"""What belongs to opset 17; newer stamps are refused by older phone builds ("Unsupported model IR version")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What may be chosen about the file; none of it changes an integer's meaning."""

    activation: Literal["uint8", "int8"] = "uint8"
    """Type of values between operators."""
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    """Order of the input's axes; inside it is always NCHW."""
    dynamic_batch: bool = False
    """Any number of images at a time, instead of one."""
    io: Literal["float32", "uint8", "int8"] = "float32"
    """Type of input and output; an integer one must be the type of the activations."""


def write(graph: Graph, form: Form, names: tuple[str, str]) -> Any:
    """Write the graph as an ONNX model.

    Args:
        graph: an int8 network.
        form: choices about the file.
        names: of input and output.

    Returns:
        `onnx.ModelProto`, opset 17, IR 8, checked.

    Raises:
        ConversionError: an operator that cannot be written, by name; or an I/O type that the activations do not have.
    """
    import onnx

    if form.io not in ("float32", form.activation):
        raise ConversionError(f"onnx: {form.io} input and output need activation: {form.io}, not {form.activation}.")
    writer = Writer(graph, form)
    first, last, inside = core(graph)
    writer.open(names[0], first)
    for index in inside:
        operators_onnx.write(writer, index)
    writer.close(names[1], last)
    model = writer.model(names)
    onnx.checker.check_model(model, full_check=True)
    return model


class Writer:
    """The ONNX graph while it grows."""

    def __init__(self, graph: Graph, form: Form) -> None:
        """Start with nothing."""
        self.graph, self.form = graph, form
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.values: dict[int, str] = {}
        """Tensor → name of its integers in the file, or of its real numbers where it stays in float; rank 4 in NCHW."""
        self.left: dict[int, int] = {}
        """Real tensor → the tensor of integers that it stands for, where layers in float begin."""
        self.names: dict[int, str] = {}
        """Tensor → what its scale and zero point are called after."""

    def shift(self, tensor: Tensor) -> int:
        """What is added to an activation's integers and zero point."""
        return 128 if self.form.activation == "uint8" and tensor.dtype == "int8" else 0

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node named after its output; returns the output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray | np.generic) -> str:
        """Add a constant once; returns its name."""
        from onnx import numpy_helper

        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(value, name)
        return name

    def grid(self, tensor: int) -> list[str]:
        """Names of the scale and zero point of an activation, rank 0."""
        import numpy as np

        spec, name = self.graph.tensors[tensor], self.names[tensor]
        zero = np.array(spec.zero + self.shift(spec), np.dtype(self.form.activation))
        return [self.constant(f"{name}_scale", np.float32(spec.step)), self.constant(f"{name}_zero_point", zero)]

    def place(self, tensor: int, value: str, name: str) -> None:
        """Say where the integers of a tensor are and what its constants are called after."""
        self.values[tensor], self.names[tensor] = value, name

    def real(self, tensor: int, reader: str) -> str:
        """Dequantize an activation, or a constant one, for one reader; returns the float value's name."""
        import numpy as np

        if tensor in self.left:
            weighted = any(reader.startswith(f"{kind.lower()}_") for kind in WEIGHTED)
            return self._leave(self.left[tensor], reader) if weighted else self.real(self.left[tensor], reader)
        spec = self.graph.tensors[tensor]
        if tensor not in self.values:
            if spec.data is None:
                raise ConversionError(f"onnx: {reader} reads a tensor that nothing computes: {spec.name}.")
            if not spec.quantized:
                return self.constant(f"{reader}_constant", np.ascontiguousarray(channels_first(spec.data)))
            shifted = (channels_first(spec.data).astype(np.int64) + self.shift(spec)).astype(self.form.activation)
            self.place(tensor, self.constant(f"{reader}_constant", shifted), f"{reader}_constant")
        if not spec.quantized:
            return self.values[tensor]
        output = f"{self.values[tensor]}_for_{reader}"
        if any(output in node.output for node in self.nodes[-8:]):
            return output  # an operator that reads one value twice
        return self.node("DequantizeLinear", [self.values[tensor], *self.grid(tensor)], output)

    def value(self, tensor: int, reader: str) -> str:
        """What stands for a tensor in the file, integers or real numbers, for an operator that moves it."""
        return self.real(tensor, reader) if tensor in self.left else self.values[tensor]

    def _leave(self, tensor: int, reader: str) -> str:
        """Dequantize an activation for a layer in float, by channels, so that it stays so; returns the float value's name."""
        import numpy as np

        spec, value = self.graph.tensors[tensor], self.values[tensor]
        scales = np.full(spec.shape[-1], spec.step, np.float32)
        zeros = np.full(spec.shape[-1], spec.zero + self.shift(spec), np.dtype(self.form.activation))
        inputs = [value, self.constant(f"{reader}_input_scale", scales), self.constant(f"{reader}_input_zero_point", zeros)]
        return self.node("DequantizeLinear", inputs, f"{value}_for_{reader}", axis=1)

    def weight(self, tensor: int, name: str, data: np.ndarray) -> str:
        """Add a constant that keeps its own type (weight, bias); integers are dequantized along axis 0."""
        import numpy as np

        spec = self.graph.tensors[tensor]
        if not spec.quantized:
            return self.constant(name, np.ascontiguousarray(data))
        assert spec.scale is not None and spec.zero_point is not None
        scalar = len(spec.scale) == 1
        inputs = [
            self.constant(name, np.ascontiguousarray(data)),
            self.constant(f"{name}_scale", spec.scale.reshape(() if scalar else -1)),
        ]
        if spec.dtype != "int32":
            zero = spec.zero_point.astype(spec.dtype).reshape(() if scalar else -1)
            inputs.append(self.constant(f"{name}_zero_point", zero))
        return self.node("DequantizeLinear", inputs, f"{name}_real", **({} if scalar else {"axis": 0}))

    def settle(self, value: str, tensor: int, name: str, clip: tuple[float, float] | None = None) -> None:
        """Quantize a float value into the tensor it stands for, and clip its integers where needed; or clip it, in float."""
        import numpy as np

        if not self.graph.tensors[tensor].quantized:
            given = [] if clip is None else [limit for limit in clip if limit != math.inf]
            limits = [self.constant(f"{name}_{w}", np.float32(v)) for w, v in zip(("low", "high"), given, strict=False)]
            self.place(tensor, self.node("Clip", [value, *limits], f"{name}_clipped") if limits else value, name)
            return
        self.place(tensor, f"{name}_q", name)
        if clip is None:
            self.node("QuantizeLinear", [value, *self.grid(tensor)], f"{name}_q")
            return
        integers = self.node("QuantizeLinear", [value, *self.grid(tensor)], f"{name}_whole")
        spec, kind = self.graph.tensors[tensor], np.dtype(self.form.activation)
        ends = np.iinfo(kind)
        limits = [
            self.constant(f"{name}_{word}", np.array(min(max(round(v), ends.min), ends.max), kind))
            for word, v in zip(
                ("low", "high"),
                ((ends.max if limit == math.inf else limit / spec.step + spec.zero + self.shift(spec)) for limit in clip),
                strict=True,
            )
        ]
        self.node("Clip", [integers, *limits], f"{name}_q")

    def open(self, name: str, tensor: int) -> None:
        """From the file's input to the first integers."""
        self.place(tensor, name, name)
        if self.form.io == "float32":
            self.place(tensor, self.node("QuantizeLinear", [name, *self.grid(tensor)], f"{name}_q"), name)
        if len(self.graph.tensors[tensor].shape) == 4 and self.form.layout == "NHWC":
            moved = self.node("Transpose", [self.values[tensor]], f"{name}_nchw", perm=[0, 3, 1, 2])
            self.place(tensor, moved, name)

    def close(self, name: str, tensor: int) -> None:
        """From the last integers to the file's output."""
        if self.form.io == "float32":
            self.node("DequantizeLinear", [self.values[tensor], *self.grid(tensor)], name)
        else:
            self.node("Identity", [self.values[tensor]], name)

    def model(self, names: tuple[str, str]) -> Any:
        """The finished model."""
        import numpy as np
        from onnx import helper

        first, last, _ = core(self.graph)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.form.io))
        batch = "batch" if self.form.dynamic_batch else 1
        shape = list(self.graph.tensors[first].shape[1:])
        if len(shape) == 3 and self.form.layout == "NCHW":
            shape = [shape[2], *shape[:2]]
        inputs = [helper.make_tensor_value_info(names[0], kind, [batch, *shape])]
        outputs = [helper.make_tensor_value_info(names[1], kind, [batch, *self.graph.tensors[last].shape[1:]])]
        body = helper.make_graph(self.nodes, "edgetl", inputs, outputs, list(self.constants.values()))
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(body, opset_imports=opset, ir_version=IR_VERSION, producer_name="edgetl")


def channels_first(data: np.ndarray) -> np.ndarray:
    """Bring a constant operand from NHWC to NCHW, as its shape broadcasts: (C,) → (C, 1, 1)."""
    if data.ndim == 4:
        return data.transpose(0, 3, 1, 2)
    return data.reshape(-1, 1, 1) if data.ndim == 1 and data.size > 1 else data
