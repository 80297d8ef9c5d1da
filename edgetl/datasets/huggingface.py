"""A Hugging Face data set that lies in a local folder: parquet files with a column of encoded images and one of classes.

Nothing of the data set's own code is run, and nothing is downloaded: `huggingface-cli download --repo-type dataset NAME
--local-dir FOLDER` brings one here. Of each row only its place is kept; images are read, a row group at a time, when asked for.
(An image folder without parquet files is what source `folder` reads.)
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import DataError, MissingDependency
from edgetl.types import Dataset, Sample, Split

if TYPE_CHECKING:
    from edgetl.datasets._base import Spec

TITLE = "A Hugging Face data set in a local folder: parquet files with encoded images and classes."
REQUIRED = ("path",)
OPTIONAL = ("image_key", "label_key")

_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_SHOWN = 50


def unavailable() -> str | None:
    """See `DatasetModule.unavailable`."""
    import importlib.util

    return None if importlib.util.find_spec("pyarrow") else "pyarrow is not installed; pip install edgetl[huggingface] brings it."


def fingerprint(spec: Spec) -> dict[str, str]:
    """See `DatasetModule.fingerprint`: sha256 over the files' names and contents."""
    root, lines = Path(spec.path or ""), []
    for path in _files(spec):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(root).as_posix()}\n")
    return {"content": hashlib.sha256("".join(lines).encode()).hexdigest()}


def load(spec: Spec) -> Dataset:
    """See `DatasetModule.load`. Files whose name begins with train, validation or test settle the split; all or none."""
    reason = unavailable()
    if reason:
        raise MissingDependency("pyarrow", "read a Hugging Face data set", reason)
    root, faults = Path(spec.path or ""), list[str]()
    image_key, label_key = spec.image_key or "image", spec.label_key or "label"
    names: list[str] | None = None
    rows: list[tuple[str, Any, Split | None, functools.partial[bytes]]] = []
    for path in _files(spec):
        shown = path.relative_to(root).as_posix()
        split = _SPLITS.get(path.stem.lower().replace("_", "-").partition("-")[0])
        opened = _open(path, shown, (image_key, label_key), faults)
        if opened is None:
            continue
        names = _class_names(opened, label_key) or names
        for group in range(opened.num_row_groups):
            labels = opened.read_row_group(group, columns=[label_key]).column(label_key).to_pylist()
            for number, label in enumerate(labels):
                read = functools.partial(_read, path, group, number, image_key)
                rows.append((f"{shown}#{group}.{number}", label, split, read))
    faults += [f"{name}: has no class." for name, label, _, _ in rows if not isinstance(label, str | int)]
    splits = {row[2] for row in rows}
    if None in splits and len(splits) > 1:
        faults.append("some files' names begin with train, validation or test, and some do not.")
    known, index = _classes([label for _, label, _, _ in rows], names, faults)
    if faults:
        more = [f"and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        raise DataError(f"data.path: {spec.path}: cannot be used ({len(faults)} fault(s)).", [*faults[:_SHOWN], *more])
    samples = tuple(Sample(name=name, class_index=index[label], split=split, read=read) for name, label, split, read in rows)
    return Dataset(class_names=tuple(known), samples=samples, licence="see the data set's card")


def _files(spec: Spec) -> list[Path]:
    root = Path(spec.path or "")
    if not root.is_dir():
        raise DataError(f"data.path: {spec.path}: {'is not a folder' if root.exists() else 'no such folder'}.")
    found = sorted(path for path in root.rglob("*.parquet") if path.is_file() and path.resolve().is_relative_to(root.resolve()))
    if not found:
        raise DataError(f"data.path: {spec.path}: holds no parquet file. A folder of photos is what source: folder reads.")
    return found


def _open(path: Path, shown: str, columns: tuple[str, str], faults: list[str]) -> Any:
    """Open a file that has the two columns; else say why not."""
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        faults.append(f"{shown}: is not a parquet file: {' '.join(str(error).split())[:120]}.")
        return None
    schema = file.schema_arrow
    missing = [name for name in columns if name not in schema.names]
    if missing:
        faults.append(f"{shown}: no column named {' or '.join(missing)}. It has: {', '.join(schema.names[:12])}.")
        return None
    kind = schema.field(columns[0]).type
    if not (pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0) and not pyarrow.types.is_binary(kind):
        faults.append(f"{shown}: column {columns[0]} holds {kind}, not encoded images.")
        return None
    return file


def _class_names(file: Any, label_key: str) -> list[str] | None:
    """Names of a ClassLabel, which the data set's library keeps in the schema's metadata."""
    text = (file.schema_arrow.metadata or {}).get(b"huggingface")
    try:
        names = json.loads(text)["info"]["features"][label_key]["names"] if text else None
    except (ValueError, KeyError, TypeError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _classes(labels: list[Any], names: list[str] | None, faults: list[str]) -> tuple[list[str], dict[Any, int]]:
    """Names of the classes, and label → index."""
    seen = sorted({label for label in labels if isinstance(label, str | int)}, key=lambda label: (isinstance(label, str), label))
    if len({type(label) for label in seen}) > 1:
        faults.append("some classes are text and some are numbers.")
        return [], {}
    if names is not None and seen and isinstance(seen[0], int):
        numbers = [int(label) for label in seen]
        odd = [number for number in numbers if not 0 <= number < len(names)]
        if odd:
            faults.append(f"class {odd[0]} has no name; there are {len(names)} names.")
        return names, {number: number for number in numbers}
    if len(seen) < 2 and not faults:
        faults.append(f"{len(seen)} class(es); a classifier needs at least two.")
    return [str(label) for label in seen], {label: number for number, label in enumerate(seen)}


@functools.lru_cache(maxsize=2)
def _images(path: Path, group: int, image_key: str) -> Any:
    """Images of one row group; two are kept, since images are asked for in order by two threads."""
    from pyarrow import parquet

    return parquet.ParquetFile(path).read_row_group(group, columns=[image_key]).column(image_key)


def _read(path: Path, group: int, number: int, image_key: str) -> bytes:
    value = _images(path, group, image_key)[number].as_py()
    data = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(data, bytes):
        raise OSError(2, "the row holds a path instead of an image")
    return data
