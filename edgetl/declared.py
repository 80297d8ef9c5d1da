"""What a file of ours declares about its input: whether it normalises pixels itself, so that an app feeds it the bytes.

A file made with `normalise: graph` says so under `KEY`, in TFLite as an entry of its metadata, in ONNX as a metadata property.
All that feeds a file asks here (or the runtime's session does), so nothing depends on a record that lies elsewhere.
"""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any

from edgetl.errors import InputError
from edgetl.types import Preprocess

KEY = "edgetl.normalise"
GRAPH = "graph"
"""Value of `KEY`: (byte - mean) / std is the file's first step."""
_MOST_ROWS = 1_000_000
_DAMAGE = (struct.error, LookupError, TypeError, ValueError, AttributeError, OverflowError)


def left_for_app(preprocess: Preprocess, *, graph: bool) -> Preprocess:
    """Say what an app does before a file.

    Args:
        preprocess: what happens to a photo on its way into the network.
        graph: the file normalises by itself.

    Returns:
        The same; with a mean of 0 and a deviation of 1 where the file takes the bytes.
    """
    return dataclasses.replace(preprocess, mean=0.0, std=1.0) if graph else preprocess


def of_file(path: Path, preprocess: Preprocess) -> Preprocess:
    """Read what a file leaves for an app to do.

    Args:
        path: a converted file; a package of Core ML takes a picture, and declares nothing.
        preprocess: what happens to a photo on its way into the network.

    Returns:
        See `left_for_app`.

    Raises:
        InputError: the file is damaged.
    """
    try:
        looks = {".tflite": _tflite_normalises, ".onnx": _onnx_normalises}.get(path.suffix)
        return left_for_app(preprocess, graph=looks is not None and looks(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except _DAMAGE as error:
        raise InputError(f"{path.name}: is damaged ({error}). Get a whole copy.") from error


def _tflite_normalises(path: Path) -> bool:
    """Look where schema.fbs has it: Model.metadata (6), .buffers (4); Metadata.name (0), .buffer (1); Buffer.data (0)."""
    import mmap

    from flatbuffers import encode, number_types, packer
    from flatbuffers.table import Table

    def rows(table: Any, place: int) -> list[Any]:
        at = table.Offset(4 + 2 * place)
        start = table.Vector(at) if at else 0
        count = min(table.VectorLen(at), _MOST_ROWS) if at else 0
        return [Table(table.Bytes, table.Indirect(start + 4 * i)) for i in range(count)]

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        model = Table(data, encode.Get(packer.uoffset, data, 0))
        for entry in rows(model, 6):
            name, number = entry.Offset(4), entry.Offset(6)
            if name and number and entry.String(name + entry.Pos) == KEY.encode():
                buffer = rows(model, 4)[entry.Get(number_types.Uint32Flags, number + entry.Pos)]
                at = buffer.Offset(4)
                return bool(at) and bytes(data[buffer.Vector(at) : buffer.Vector(at) + buffer.VectorLen(at)]) == GRAPH.encode()
    return False


def _onnx_normalises(path: Path) -> bool:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(path), load_external_data=False)
    except DecodeError as error:
        raise ValueError(f"it is no ONNX file: {error}") from error
    return any(entry.key == KEY and entry.value == GRAPH for entry in model.metadata_props)
