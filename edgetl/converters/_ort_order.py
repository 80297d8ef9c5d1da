"""An `.ort` file written anew with its tables in a fixed order.

onnxruntime writes them in the order of hash tables whose seed is another in each process, so the same network gave other bytes
each time. Numbers of fields: onnxruntime/core/flatbuffers/schema/ort.fbs, as of onnxruntime 1.31.
"""

from __future__ import annotations

from typing import Any

_SCALARS = {"int8": 1, "uint8": 1, "int32": 4, "uint32": 4, "float32": 4, "int64": 8}
_EDGE_BYTES = 12
_TABLES: dict[str, dict[int, str]] = {
    "InferenceSession": {0: "text", 1: "Model", 3: "KernelTypeStrResolver"},
    "Model": {
        0: "int64", 1: "[OperatorSetId]", 2: "text", 3: "text", 4: "text", 5: "int64", 6: "text", 7: "Graph", 8: "text",
        9: "[StringStringEntry]",
    },
    "Graph": {
        0: "[Tensor]", 1: "[ValueInfo]", 2: "(Node)", 3: "uint32", 4: "(NodeEdge)", 5: "(text)", 6: "(text)",
        8: "RuntimeOptimizations",
    },
    "Node": {
        0: "text", 1: "text", 2: "text", 3: "int32", 4: "uint32", 5: "text", 6: "int32", 7: "text", 8: "(text)", 9: "(text)",
        10: "[Attribute]", 11: "(int32)", 12: "(text)",
    },
    "NodeEdge": {0: "uint32", 1: "(edge)", 2: "(edge)"},
    "ValueInfo": {0: "text", 1: "text", 2: "TypeInfo"},
    "TypeInfo": {0: "text", 1: "uint8", 2: "TensorTypeAndShape"},
    "TensorTypeAndShape": {0: "int32", 1: "Shape"},
    "Shape": {0: "(Dimension)"},
    "Dimension": {0: "DimensionValue", 1: "text"},
    "DimensionValue": {0: "int8", 1: "int64", 2: "text"},
    "Tensor": {0: "text", 1: "text", 2: "(int64)", 3: "int32", 4: "(bytes)", 5: "(text)"},
    "Attribute": {
        0: "text", 1: "text", 2: "int32", 3: "float32", 4: "int64", 5: "text", 6: "Tensor", 7: "Graph", 8: "(float32)",
        9: "(int64)", 10: "(text)", 11: "(Tensor)", 12: "(Graph)",
    },
    "OperatorSetId": {0: "text", 1: "int64"},
    "StringStringEntry": {0: "text", 1: "text"},
    "RuntimeOptimizations": {},
    "KernelTypeStrResolver": {0: "[OpIdKernelTypeStrArgsEntry]"},
    "OpIdKernelTypeStrArgsEntry": {0: "text", 1: "[KernelTypeStrArgsEntry]"},
    "KernelTypeStrArgsEntry": {0: "text", 1: "(ArgTypeAndIndex)"},
    "ArgTypeAndIndex": {0: "int8", 1: "uint32"},
}  # fmt: skip
"""Table → number of the field → a number's type, `text`, or a table; `(…)`: several, in their order; `[…]`: several tables whose
order means nothing, sorted here by their first field, a text. A union's value is a tensor's type: no other has been seen here."""
_ALIGNED_BYTES = 16


def settle(data: bytes) -> bytes:
    """Write an `.ort` file anew.

    Args:
        data: as onnxruntime wrote it.

    Returns:
        The same network; two files that differ in the order of their tables alone give the same.

    Raises:
        ValueError: it holds what this module does not know.
    """
    import flatbuffers
    from flatbuffers import encode, packer
    from flatbuffers.table import Table

    builder = flatbuffers.Builder(len(data) + 4096)
    root = _copy(builder, Table(data, encode.Get(packer.uoffset, data, 0)), "InferenceSession")
    builder.Finish(root, file_identifier=data[4:8])
    return bytes(builder.Output())


def _copy(builder: Any, table: Any, kind: str) -> int:
    from flatbuffers import number_types

    fields = _TABLES[kind]
    index = table.Pos - table.Get(number_types.SOffsetTFlags, table.Pos)
    count = (table.Get(number_types.VOffsetTFlags, index) - 4) // 2
    there = [place for place in range(count) if table.Offset(4 + 2 * place)]
    strange = [place for place in there if place not in fields and not _empty(table, place)]
    if strange or (kind == "TypeInfo" and table.Get(number_types.Uint8Flags, table.Pos + table.Offset(6)) != 1):
        raise ValueError(f"{kind} of the .ort file holds fields {strange or 'of another type'} that edgetl does not know")
    known = [(place, table.Pos + table.Offset(4 + 2 * place)) for place in there if place in fields]
    made = {place: _value(builder, table, at, fields[place]) for place, at in known}
    builder.StartObject(max(fields, default=-1) + 1)
    for place, value in made.items():
        if fields[place] in _SCALARS:
            getattr(builder, f"Prepend{fields[place].capitalize()}Slot")(place, value, None)
        else:
            builder.PrependUOffsetTRelativeSlot(place, value, 0)
    return int(builder.EndObject())


def _empty(table: Any, place: int) -> bool:
    """Whether an unknown field is a vector of nothing, as onnxruntime writes for what a network has not."""
    at = table.Pos + table.Offset(4 + 2 * place)
    return bool(table.VectorLen(at - table.Pos) == 0)


def _value(builder: Any, table: Any, at: int, kind: str) -> Any:
    """A field's number, or the place where a copy of what it refers to now stands."""
    from flatbuffers import number_types
    from flatbuffers.table import Table

    if kind in _SCALARS:
        return table.Get(getattr(number_types, f"{kind.capitalize()}Flags"), at)
    if kind == "text":
        return builder.CreateSharedString(bytes(table.String(at)))
    if kind in _TABLES:
        return _copy(builder, Table(table.Bytes, table.Indirect(at)), kind)
    inner, start, count = kind[1:-1], table.Vector(at - table.Pos), table.VectorLen(at - table.Pos)
    size = {"edge": _EDGE_BYTES, "bytes": 1, **_SCALARS}.get(inner)
    if size is not None:
        align = {"edge": 4, "bytes": _ALIGNED_BYTES}.get(inner, size)
        builder.StartVector(size, count, align)
        builder.head -= size * count
        builder.Bytes[builder.head : builder.head + size * count] = table.Bytes[start : start + size * count]
        return builder.EndVector()
    places = [start + 4 * place for place in range(count)]
    if kind.startswith("["):
        inside = [Table(table.Bytes, table.Indirect(place)) for place in places]
        names = [bytes(t.String(t.Pos + t.Offset(4))) if t.Offset(4) else b"" for t in inside]
        places = [place for _, place in sorted(zip(names, places, strict=True))]
    copies = [_value(builder, table, place, inner) for place in places]
    builder.StartVector(4, count, 4)
    for copy in reversed(copies):
        builder.PrependUOffsetTRelative(copy)
    return builder.EndVector()
