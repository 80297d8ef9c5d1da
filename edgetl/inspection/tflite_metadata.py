"""What a TFLite file tells people: its metadata (a flatbuffer in one of its buffers) and the files packed behind it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from edgetl import declared
from edgetl.inspection.records import text

_MOST_NAME = 200
_MAX_LABELS_BYTES = 1_000_000
_NORMALIZATION, _SCORE_CALIBRATION = 1, 2
"""Union ProcessUnitOptions. Source of this and of all places below: tflite-support, metadata_schema.fbs 1.x."""


def read(path: Path, model: Any) -> dict[str, str]:
    """Read the metadata.

    Args:
        path: the file.
        model: its flatbuffer, unpacked.

    Returns:
        `name`, `description`, `version`, `author`, `licence`, `normalisation`, `score_calibration`, `labels`, and what
        `edgetl.declared` reads; only what is there.

    Raises:
        What the flatbuffer reader raises of a damaged file.
    """
    found: dict[str, str] = {}
    for entry in model.metadata or ():
        if entry.name == b"TFLITE_METADATA":
            found |= _table(bytes(model.buffers[entry.buffer].data))
        if entry.name == declared.KEY.encode():
            found[declared.KEY] = bytes(model.buffers[entry.buffer].data).decode("utf-8", "replace")[:_MOST_NAME]
    labels = _labels(path)
    return {**found, **({"labels": labels} if labels else {})}


def _table(data: bytes) -> dict[str, str]:
    from flatbuffers import encode, number_types, packer
    from flatbuffers.table import Table

    if len(data) < 8 or data[4:8] != b"M001":
        return {}
    root = Table(bytearray(data), encode.Get(packer.uoffset, data, 0))

    def words(table: Any, place: int) -> str:
        at = table.Offset(4 + 2 * place)
        return text(table.String(at + table.Pos).decode("utf-8", "replace")) if at else ""

    def rows(table: Any, place: int) -> list[Any]:
        at = table.Offset(4 + 2 * place)
        if not at:
            return []
        start = table.Vector(at)
        return [Table(table.Bytes, table.Indirect(start + 4 * i)) for i in range(min(table.VectorLen(at), 16))]

    def floats(table: Any, place: int) -> list[float]:
        at = table.Offset(4 + 2 * place)
        start = table.Vector(at) if at else 0
        return [table.Get(number_types.Float32Flags, start + 4 * i) for i in range(min(table.VectorLen(at), 8))] if at else []

    places = {"name": 0, "description": 1, "version": 2, "author": 4, "licence": 5}
    found = {key: value for key, place in places.items() if (value := words(root, place))}
    for graph in rows(root, 3)[:1]:
        for tensor in (*rows(graph, 2)[:1], *rows(graph, 3)[:1]):
            for unit in rows(tensor, 4):
                kind, at = unit.Offset(4), unit.Offset(6)
                number = unit.Get(number_types.Uint8Flags, kind + unit.Pos) if kind and at else 0
                if number == _SCORE_CALIBRATION:
                    found["score_calibration"] = "a slope and an offset for each class"
                if number == _NORMALIZATION:
                    options = Table(unit.Bytes, unit.Indirect(at + unit.Pos))
                    mean, std = (" ".join(f"{v:g}" for v in floats(options, place)) for place in (0, 1))
                    found["normalisation"] = f"mean {mean}, std {std}"
    return found


def _labels(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        return ""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist()[:64]:
            if member.filename.endswith(".txt") and member.file_size <= _MAX_LABELS_BYTES:
                with archive.open(member) as stream:
                    count = len(stream.read(_MAX_LABELS_BYTES).splitlines())
                return f"{count} in {member.filename[:_MOST_NAME]}"
    return ""
