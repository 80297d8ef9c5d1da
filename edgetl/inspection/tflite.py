"""What a TFLite file says of itself."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

from edgetl import registry, versions
from edgetl.errors import ConversionError, InputError
from edgetl.inspection import repeated, tflite_metadata
from edgetl.inspection.records import End, Facts

_INTEGER = (3, 7, 9)
"""uint8, int16 and int8. Source: TFLite schema, enum TensorType."""
_DAMAGE = (ConversionError, struct.error, zipfile.BadZipFile, LookupError, TypeError, ValueError, AttributeError, RuntimeError)


def read(path: Path) -> Facts:
    """See `edgetl.inspection.read`."""
    graph = registry.load("graphs", "tflite").read(path)
    from ai_edge_litert import schema_py_generated as schema

    try:
        model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        return _facts(path, graph, model, schema)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except _DAMAGE as error:
        raise InputError(f"{path.name}: is not a TFLite file, or is damaged: {error}.") from error


def _facts(path: Path, graph: Any, model: Any, schema: Any) -> Facts:
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    types = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    first = model.subgraphs[0]
    custom, builtin = set(), set()
    for part in model.subgraphs:
        for operator in part.operators or ():
            code = model.operatorCodes[operator.opcodeIndex]
            kind = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if kind == "CUSTOM":
                custom.add(_text(code.customCode) or "CUSTOM")
            else:
                builtin.add((kind, code.version))
    stamps = {"schema": str(model.version)}
    for entry in model.metadata or ():
        if _text(entry.name) == "min_runtime_version":
            stamps["min_runtime_version"] = _text(bytes(model.buffers[entry.buffer].data)).strip("\0 ")[:16]
    if "min_runtime_version" not in stamps and (least := versions.tflite_least(builtin)):
        stamps["least_runtime"] = least
    read = {i for operator in first.operators for i in operator.inputs}
    holding = ((_text(first.tensors[i].name), first.tensors[i].buffer) for i in sorted(read) if 0 <= i < len(first.tensors))
    stored = {number: name for name, number in reversed(list(holding))}
    blobs = ((name, model.buffers[number].data) for number, name in stored.items())
    groups, wasted = repeated.groups((name, bytes(data)) for name, data in blobs if data is not None and len(data))
    made = {i for operator in first.operators for i in operator.outputs}
    between = {types[first.tensors[i].type] for i in made if first.tensors[i].type in _INTEGER}
    return Facts(
        graph=graph,
        inputs=tuple(_end(first.tensors[i], types) for i in first.inputs),
        outputs=tuple(_end(first.tensors[i], types) for i in first.outputs),
        producer=_text(model.description)[:120],
        versions=stamps,
        metadata=tflite_metadata.read(path, model),
        custom=tuple(sorted(custom)),
        activations=tuple(sorted(between)),
        duplicates=groups,
        duplicate_bytes=wasted,
        bad_scales=tuple(_text(t.name) for t in first.tensors if _bad(t)),
    )


def _text(raw: Any) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _end(tensor: Any, types: dict[int, str]) -> End:
    signature = tensor.shapeSignature if tensor.shapeSignature is not None and len(tensor.shapeSignature) else tensor.shape
    table = tensor.quantization
    whole = table is not None and table.scale is not None and len(table.scale) == 1
    return End(
        name=_text(tensor.name),
        shape=tuple(int(side) for side in signature) if signature is not None else (),
        dtype=types[tensor.type],
        scale=float(table.scale[0]) if whole else None,
        zero_point=int(table.zeroPoint[0]) if whole and table.zeroPoint is not None and len(table.zeroPoint) else None,
    )


def _bad(tensor: Any) -> bool:
    import numpy as np

    table = tensor.quantization
    if table is None or table.scale is None or not len(table.scale):
        return False
    scale = np.asarray(table.scale, np.float64)
    return not bool(np.isfinite(scale).all() and (scale > 0).all())
