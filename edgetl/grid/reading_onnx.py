"""What an ONNX file in QDQ form has on its grid, from its wiring."""

from __future__ import annotations

from typing import Any

from edgetl.grid.compare import Edge, Reading
from edgetl.grid.sparsity import Kernels, Kind, held


def read(data: bytes) -> Reading:
    """Collect every quantization of a file that `qdq` wrote.

    Args:
        data: the ONNX file.

    Returns:
        Edges by the stem of the node they belong to.
    """
    import numpy as np
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(data).graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def edge(node: Any, kernel_axes: tuple[int, ...] | None = None) -> Edge:
        data = constants.get(node.input[0])
        zero = constants[node.input[2]] if len(node.input) > 2 else np.zeros(1, np.int8)
        shift = 128 if zero.dtype == np.uint8 else 0
        if data is not None:
            data = data.astype(np.int64) - shift
            data = data.transpose(kernel_axes) if kernel_axes else data
        scale, zero = constants[node.input[1]].reshape(-1), zero.astype(np.int64).reshape(-1) - shift
        if data is None and len(set(scale.tolist())) == 1 and len(set(zero.tolist())) == 1:
            scale, zero = scale[:1], zero[:1]  # by channels, all alike: before a layer in float
        return Edge(scale=scale, zero_point=zero, data=data)

    found: Reading = {}
    for node in graph.node:
        if node.op_type in ("DequantizeLinear", "QuantizeLinear", "Transpose", "Flatten", "Clip", "Reshape", "Pad", "Slice"):
            continue
        stem = node.name.removesuffix("_gate").removesuffix("_mean").removesuffix("_slope")
        weighted = node.op_type in ("Conv", "Gemm")
        for place, name in enumerate(node.input):
            role = ("input 0", "weight", "bias")[place] if weighted else f"input {place}"
            maker, axes = makers.get(name), None
            while weighted and maker is not None and maker.op_type in ("Transpose", "Flatten"):  # of real numbers
                maker = makers.get(maker.input[0])
            if weighted and place == 1 and node.op_type == "Conv":
                axes = (1, 2, 3, 0) if stem.startswith("depthwise") else (0, 2, 3, 1)
            if weighted and place and name in constants:  # of a layer in float
                found[stem, role] = Edge.of_real(constants[name].transpose(axes) if axes else constants[name])
            if maker is None or maker.op_type != "DequantizeLinear":
                continue
            if not weighted and maker.input[0] in constants and constants[maker.input[0]].ndim == 4:
                axes = (0, 2, 3, 1)
            found[stem, role] = edge(maker, axes)
        _output(node, stem, readers, edge, found)
    _ends(graph, readers, makers, edge, found)
    return found


def _output(node: Any, stem: str, readers: dict[str, list[Any]], edge: Any, found: Reading) -> None:
    """Follow a node's output, past a Clip or a Flatten, to what quantizes it."""
    for reader in readers.get(node.output[0], []):
        if reader.op_type in ("Clip", "Flatten"):
            _output(reader, stem, readers, edge, found)
        if reader.op_type == "QuantizeLinear":
            found[stem, "output"] = edge(reader)


def _ends(graph: Any, readers: dict[str, list[Any]], makers: dict[str, Any], edge: Any, found: Reading) -> None:
    """The quantization of the input and of the output, where the file has real numbers there."""
    for node in readers.get(graph.input[0].name, []):
        if node.op_type == "QuantizeLinear":
            found["image", "output"] = edge(node)
    maker = makers[graph.output[0].name]
    if maker.op_type == "DequantizeLinear":
        found["probabilities", "input 0"] = edge(maker)


def kernels(data: bytes) -> Kernels:
    """Find the kernels of a float file that a constraint holds.

    Args:
        data: an ONNX file that tf2onnx wrote: convolutions as `Conv` (OIHW), dense layers as `MatMul` or `Gemm` (in, out).

    Returns:
        Node's name → kernel.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(data).graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    layers: list[tuple[str, Kind, Any]] = []
    for node in graph.node:
        kernel = constants.get(node.input[1]) if node.op_type in ("Conv", "MatMul", "Gemm") else None
        if kernel is None:
            continue
        if node.op_type == "Conv":
            groups = next((a.i for a in node.attribute if a.name == "group"), 1)
            layers.append((node.name, "depthwise" if groups > 1 else "convolution", kernel.transpose(0, 2, 3, 1)))
        else:
            across = any(a.name == "transB" and a.i for a in node.attribute)
            layers.append((node.name, "dense", kernel if across else kernel.T))
    return held(layers)
