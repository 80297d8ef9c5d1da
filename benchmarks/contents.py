"""What is inside a file: which type its layers compute in, and how many bytes of it are float weights."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

_TFLITE_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def look(path: Path) -> dict[str, Any]:
    """Look into a file.

    Args:
        path: `.tflite`, `.onnx` or `.mlpackage`.

    Returns:
        `size_bytes`; for the first two also `float_share` (0 to 1, of the bytes of constants) and `layers` (kind → count, of
        the layers that carry the arithmetic; for ONNX after onnxruntime's extended optimisation).
    """
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    facts: dict[str, Any] = {"size_bytes": sum(p.stat().st_size for p in files)}
    if path.suffix == ".tflite":
        facts.update(_tflite(path))
    elif path.suffix == ".onnx":
        facts.update(_onnx(path))
    return facts


def _tflite(path: Path) -> dict[str, Any]:
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    operators = {v: k for k, v in vars(schema.BuiltinOperator).items()}
    types = {v: k.lower() for k, v in vars(schema.TensorType).items()}
    graph, layers, stored = model.subgraphs[0], Counter[str](), Counter[bool]()
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = operators[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if name in _TFLITE_WEIGHTED:
            layers[f"{types[graph.tensors[operator.inputs[0]].type]} {name}"] += 1
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer].data
        if data is not None and np.size(data):
            stored[types[tensor.type].startswith("float")] += int(np.size(data))
    return {"layers": dict(layers), "float_share": stored[True] / max(1, sum(stored.values()))}


def _onnx(path: Path) -> dict[str, Any]:
    import onnx
    import onnxruntime

    stored = Counter[bool]()
    model = onnx.load(str(path))
    constants = [n.attribute[0].t for n in model.graph.node if n.op_type == "Constant" and n.attribute[0].HasField("t")]
    for constant in [*model.graph.initializer, *constants]:
        floating = constant.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
        stored[floating] += onnx.numpy_helper.to_array(constant).nbytes
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        optimised = onnx.load(options.optimized_model_filepath)
    counts = Counter(node.op_type for node in optimised.graph.node)
    return {"layers": dict(counts.most_common()), "float_share": stored[True] / max(1, sum(stored.values()))}


def note(facts: dict[str, Any], suffix: str, *, floating: bool) -> str:
    """Say in a few words what `look` found.

    Args:
        facts: its answer.
        suffix: of the file.
        floating: the row does not claim to be int8.

    Returns:
        Text for the table; "" when there is nothing to say.
    """
    if "layers" not in facts:
        return ""
    layers, told = facts["layers"], []
    if facts["float_share"] > 0.5 and not floating:
        told.append("float weights under an int8 name")
    if suffix == ".tflite":
        whole = sum(layers.values())
        integer = sum(count for kind, count in layers.items() if kind.startswith(("int8", "uint8")))
        told.append(f"{integer} of {whole} layers int8")
    else:
        integer = sum(layers.get(kind, 0) for kind in ("QLinearConv", "ConvInteger", "QGemm", "QLinearMatMul", "MatMulInteger"))
        left = sum(layers.get(kind, 0) for kind in ("Conv", "FusedConv", "MatMul", "Gemm", "FusedMatMul", "FusedGemm"))
        told.append(f"{layers.get('QLinearConv', 0)} QLinearConv, {integer} of {integer + left} layers int8")
        told.append(f"{sum(layers.values())} nodes")
    return "; ".join(told)
