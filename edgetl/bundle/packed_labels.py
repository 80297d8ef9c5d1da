"""Labels that an artifact carries inside, as each format keeps them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from edgetl.quiet import quiet

MAX_BYTES = 4_000_000
"""A hundred thousand labels of forty letters."""
MAX_MODEL_BYTES = 1_000_000_000
"""Largest file that is looked into: protocol buffers are read whole."""
_SPECIFICATION = Path("Data") / "com.apple.CoreML" / "model.mlmodel"


def read(path: Path, form: str) -> list[str] | None:
    """Read them.

    Args:
        path: file, or package, that anyone may have made; its files are those of the bundle.
        form: its format.

    Returns:
        In index order; None where the file carries none, is too large, or is of another format than those known here.

    Raises:
        ValueError: there are some, and they cannot be read.
    """
    file = path / _SPECIFICATION if form == "coreml" else path
    reader = {"tflite": _tflite, "onnx": _onnx, "coreml": _coreml}.get(form)
    if reader is None or not file.is_file() or file.stat().st_size > MAX_MODEL_BYTES:
        return None
    return reader(file)


def _tflite(path: Path) -> list[str] | None:
    """`labels.txt` in the zip behind the flatbuffer, as TFLite metadata keeps it."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = next((e for e in archive.infolist() if e.filename == "labels.txt"), None)
            if entry is None:
                return None
            with archive.open(entry) as file:
                data = file.read(MAX_BYTES + 1)
    except zipfile.BadZipFile:
        return None
    except (OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(str(error)) from error
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES // 10**6} MB")
    return data.decode("utf-8").removesuffix("\n").split("\n")


def _onnx(path: Path) -> list[str] | None:
    """Metadata property `labels`, a list in JSON."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError as error:
        raise ValueError("is no ONNX file") from error
    told = {entry.key: entry.value for entry in model.metadata_props}
    if "labels" not in told:
        return None
    try:
        found = json.loads(told["labels"])
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError("no list of names")
    return found


def _coreml(path: Path) -> list[str] | None:
    """Classes of the program's `classify` operation."""
    from google.protobuf.message import DecodeError

    with quiet():
        from coremltools.proto import Model_pb2

    spec = Model_pb2.Model()
    try:
        spec.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError("is no Core ML package") from error
    blocks = [b for f in spec.mlProgram.functions.values() for b in f.block_specializations.values()]
    given = [
        argument.value.immediateValue
        for block in blocks
        for operation in block.operations
        if operation.type == "classify" and "classes" in operation.inputs
        for argument in operation.inputs["classes"].arguments
    ]
    return [t for value in given for i in value.list.values for t in i.immediateValue.tensor.strings.values] if given else None
