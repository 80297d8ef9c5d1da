"""Read a TFLite flatbuffer, name its input and output, and say what its operators compute in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from edgetl.converters._base import INPUT_NAME, OUTPUT_NAME
from edgetl.errors import ConversionError
from edgetl.types import TensorSpec

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators that carry nearly all multiply-accumulates of a vision network."""


def load(data: bytes) -> Any:
    """Parse a model.

    Args:
        data: a `.tflite` file.

    Returns:
        `ModelT`, the generated object tree of the TFLite schema.
    """
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(data, 0)


def name_tensors(data: bytes) -> bytes:
    """Give a one-input, one-output model the names `image` and `probabilities` and a `serving_default` signature.

    Why: converting a function without the detour over a SavedModel is more than ten times faster but leaves both out,
    and mobile code finds tensors by signature.

    Args:
        data: a `.tflite` file.

    Returns:
        The same model, named.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = load(data)
    graph = model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = [], []
    for maps, indices, name in (
        (signature.inputs, graph.inputs, INPUT_NAME),
        (signature.outputs, graph.outputs, OUTPUT_NAME),
    ):
        index = int(indices[0])
        graph.tensors[index].name = name.encode()
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), index
        maps.append(entry)
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(len(data) + 65536)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def audit(data: bytes, scheme: str, path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...], tuple[str, ...]]:
    """Check that a file computes in what its scheme says.

    Args:
        data: the file.
        scheme: what it claims to be.
        path: its name, for the error.

    Returns:
        Inputs, outputs, and notes: count of each operator.

    Raises:
        ConversionError: weights or activations are of another type.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = load(data)
    graph = model.subgraphs[0]
    types = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    wanted = {
        "fp32": ("float32", "float32"),
        "fp16": ("float32", "float32"),  # half-precision constants pass through DEQUANTIZE
        "w8a8_ptq": ("int8", "int8"),
        "w8a8_qat": ("int8", "int8"),
    }[scheme]
    halves = 0
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        counts[name] += 1
        if name in _WEIGHTED:
            activation, weight = (types[graph.tensors[i].type] for i in operator.inputs[:2])
            if (activation, weight) != wanted:
                wrong.append(f"{name} computes {activation} × {weight}, {scheme} means {wanted[0]} × {wanted[1]}")
    halves = sum(types[t.type] == "float16" for t in graph.tensors)
    if scheme == "fp16" and not halves:
        wrong.append("no weight is stored in float16")
    if wrong:
        raise ConversionError(f"{path.name}: is not what {scheme} says: {'; '.join(sorted(set(wrong)))}.")
    notes = tuple(f"{count} {name}" for name, count in counts.most_common())
    return _specs(graph, graph.inputs, types, "NHWC"), _specs(graph, graph.outputs, types, "NC"), notes


def _specs(graph: Any, indices: Any, types: dict[int, str], layout: Any) -> tuple[TensorSpec, ...]:
    specs = []
    for index in indices:
        tensor = graph.tensors[int(index)]
        quantization = tensor.quantization
        quantized = quantization is not None and quantization.scale is not None and len(quantization.scale) > 0
        specs.append(
            TensorSpec(
                name=tensor.name.decode(),
                shape=tuple(int(d) for d in tensor.shape),
                dtype=types[tensor.type],
                layout=layout,
                scale=float(quantization.scale[0]) if quantized else None,
                zero_point=int(quantization.zeroPoint[0]) if quantized else None,
            )
        )
    return tuple(specs)
