"""Operators of an ONNX file. Quantize and dequantize nodes around an operator are counted into it, as runtimes fuse them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from edgetl.errors import InputError
from edgetl.graphs._base import Arithmetic, GraphFacts, OperatorFacts, file_bytes

TITLE = "ONNX: nodes of the main graph, with shapes inferred; QDQ counted as what it stands for."
SUFFIX = ".onnx"

_MAX_BYTES = 2_000_000_000
_KERNEL = {"Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1, "ConvInteger": 1, "QLinearConv": 3, "MatMulInteger": 1,
           "QLinearMatMul": 3, "DynamicQuantizeMatMul": 1, "MatMulNBits": 1}  # fmt: skip
"""Which input is the kernel. Source: ONNX operator schemas, and onnxruntime's for the contributed ones."""
_MOST_STEPS = 8
"""Nodes between a stored kernel and its layer that are followed."""
_INTEGER = ("ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul")


def read(path: Path) -> GraphFacts:
    """See `GraphModule.read`."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES} bytes.")
        model = onnx.load_model_from_string(path.read_bytes())
        found = _Reader(onnx.shape_inference.infer_shapes(model, data_prop=True)).facts()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (DecodeError, onnx.shape_inference.InferenceError, ValueError, IndexError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{path.name}: is not an ONNX file, or is damaged: {' '.join(str(error).split())[:160]}.") from error
    return GraphFacts(format="onnx", file_bytes=file_bytes(path), operators=found)


class _Reader:
    """Knows of each value its shape, the size of its elements, and who makes and reads it."""

    def __init__(self, model: Any) -> None:
        import onnx

        graph = model.graph
        self.nodes = list(graph.node)
        self.constants = {one.name: (tuple(one.dims), one.data_type) for one in graph.initializer}
        for node in self.nodes:
            value = next((a.t for a in node.attribute if a.name == "value" and a.t.dims is not None), None)
            if node.op_type == "Constant" and value is not None:
                self.constants[node.output[0]] = (tuple(value.dims), value.data_type)
        self.types: dict[str, tuple[tuple[int, ...], int]] = dict(self.constants)
        for value in (*graph.input, *graph.value_info, *graph.output):
            tensor = value.type.tensor_type
            shape = tuple(max(1, side.dim_value) for side in tensor.shape.dim)
            self.types.setdefault(value.name, (shape, tensor.elem_type))
        self.maker = {name: node for node in self.nodes for name in node.output}
        self.readers: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.ends = {value.name for value in graph.output}
        self.sizes = {
            number: max(1, onnx.helper.tensor_dtype_to_np_dtype(number).itemsize)
            for number in onnx.helper.get_all_tensor_dtypes()
            if number != onnx.TensorProto.STRING
        }

    def facts(self) -> tuple[OperatorFacts, ...]:
        """Facts of all nodes that a runtime runs."""
        return tuple(self._facts(node) for node in self.nodes if node.op_type != "Constant" and not self._folded(node))

    def _folded(self, node: Any) -> bool:
        """Whether a runtime makes a quantize or dequantize node part of the operator beside it."""
        if node.op_type == "DequantizeLinear":
            if node.input[0] in self.constants:
                return True
            readers = self.readers.get(node.output[0], [])
            return node.output[0] not in self.ends and bool(readers) and all(self._integer(reader) for reader in readers)
        if node.op_type == "QuantizeLinear":
            maker = self.maker.get(node.input[0])
            return maker is not None and self._integer(maker)
        return False

    def _integer(self, node: Any) -> bool:
        """Whether all that a node reads and makes is dequantized before and quantized after."""
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            return False
        place = _KERNEL.get(node.op_type, -1)
        if node.op_type not in _INTEGER and 0 <= place < len(node.input) and node.input[place] in self.constants:
            return False  # its weights are stored as real numbers
        values = [name for name in node.input if name and name not in self.constants]
        before = all(self._maker_is(name, "DequantizeLinear") for name in values)
        after = all(
            (readers := self.readers.get(name, [])) and all(reader.op_type == "QuantizeLinear" for reader in readers)
            for name in node.output
            if name
        )
        return node.op_type in _INTEGER or (bool(values) and before and after and not any(n in self.ends for n in node.output))

    def _maker_is(self, name: str, kind: str) -> bool:
        return name in self.maker and self.maker[name].op_type == kind

    def _facts(self, node: Any) -> OperatorFacts:
        integer = self._integer(node)
        values, constants = list[str](), list[str]()
        for name in filter(None, node.input):
            source = self.maker[name].input[0] if self._maker_is(name, "DequantizeLinear") else name
            if source in self.constants:
                constants.append(source)
            else:
                values.append(source if integer else name)
        outputs = [self._after(name) if integer else name for name in node.output if name]
        place = _KERNEL.get(node.op_type, -1)
        kernel: tuple[int, ...] = ()
        kept, scales = "", 0
        if 0 <= place < len(node.input):
            name = node.input[place]
            kernel = self._type(self.maker[name].input[0] if self._maker_is(name, "DequantizeLinear") else name)[0]
            kept, scales = self._stored(name)
            after = place + 1 if node.op_type.startswith("QLinear") else len(node.input)
            scales = max(1, math.prod(self._type(node.input[after])[0])) if after < len(node.input) else scales
        shapes = [self._type(name)[0] for name in values]
        return OperatorFacts(
            name=node.name or (node.output[0] if node.output else ""),
            type=node.op_type,
            macs=_macs(node, shapes, kernel, [self._type(name)[0] for name in outputs]),
            weight_bytes=sum(map(self._size, constants)),
            input_bytes=sum(map(self._size, values)),
            output_bytes=sum(map(self._size, outputs)),
            arithmetic=self._arithmetic(node, integer, [*values, *outputs]),
            inputs=tuple(shapes),
            outputs=tuple(self._type(name)[0] for name in outputs),
            kernel=kernel,
            kernel_type=self._name(kept) if kept else "",
            kernel_scales=scales,
            reads=tuple(values),
            makes=tuple(outputs),
        )

    def _name(self, name: str) -> str:
        """Type of a value, as numpy calls it."""
        import onnx

        word = str(onnx.TensorProto.DataType.Name(self._type(name)[1])).lower()
        return {"float": "float32", "double": "float64"}.get(word, word)

    def _stored(self, name: str) -> tuple[str, int]:
        """Constant that a kernel is unpacked from, and how many steps it has; ("", 0) where it is made otherwise."""
        scales = 0
        for _ in range(_MOST_STEPS):
            if name in self.constants:
                return name, scales
            node = self.maker.get(name)
            if node is None or not node.input:
                break
            if node.op_type in ("DequantizeLinear", "Mul") and len(node.input) > 1:
                scales = max(1, math.prod(self._type(node.input[1])[0]))
            elif node.op_type not in ("Cast", "Transpose", "Reshape", "Identity"):
                break
            name = node.input[0]
        return "", 0

    def _after(self, name: str) -> str:
        """What a value is once it is quantized."""
        readers = [reader for reader in self.readers.get(name, []) if reader.op_type == "QuantizeLinear"]
        return str(readers[0].output[0]) if readers else name

    def _arithmetic(self, node: Any, integer: bool, values: list[str]) -> Arithmetic:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            return "other"
        import onnx

        names = {onnx.TensorProto.DataType.Name(self._type(name)[1]) for name in values}
        if integer:
            return "int16" if names & {"INT16", "UINT16"} else "int8"
        kernel = _KERNEL.get(node.op_type, -1)
        if 0 <= kernel < len(node.input) and self._maker_is(node.input[kernel], "DequantizeLinear"):
            return "hybrid"
        if "FLOAT" in names:
            return "float32"
        return "float16" if "FLOAT16" in names else "other"

    def _type(self, name: str) -> tuple[tuple[int, ...], int]:
        return self.types.get(name, ((), 1))

    def _size(self, name: str) -> int:
        shape, kind = self._type(name)
        return math.prod(shape) * int(self.sizes.get(kind, 4))


def _macs(node: Any, values: list[tuple[int, ...]], kernel: tuple[int, ...], outputs: list[tuple[int, ...]]) -> int:
    if not kernel or not outputs:
        return 0
    if node.op_type == "ConvTranspose":
        return math.prod(values[0]) * math.prod(kernel[1:])
    if "Conv" in node.op_type:
        return math.prod(outputs[0]) * math.prod(kernel[1:])
    if node.op_type == "Gemm":
        flipped = next((a.i for a in node.attribute if a.name == "transB"), 0)
        return math.prod(outputs[0]) * kernel[1 if flipped else 0]
    return math.prod(outputs[0]) * (values[0][-1] if values and values[0] else kernel[-2])
