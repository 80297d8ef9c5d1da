"""TFRecord files of `tf.train.Example`s with an encoded image and its class, as TensorFlow's own tools write them.

Of each record only its place is kept; images are read when they are asked for.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.datasets import _records
from edgetl.errors import DataError
from edgetl.types import Dataset, Sample, Split

if TYPE_CHECKING:
    from edgetl.datasets._base import Spec

TITLE = "TFRecord files of tf.train.Example with image/encoded and image/class/text or image/class/label."
REQUIRED = ("path",)
OPTIONAL = ("image_key", "label_key")

_IMAGE, _LABELS = "image/encoded", ("image/class/text", "image/class/label")
_SUFFIXES = (".tfrecord", ".tfrecords", ".record")
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_SHOWN = 50
_MAX_LABEL_BYTES = 1000


def unavailable() -> str | None:
    """See `DatasetModule.unavailable`."""
    return None


def fingerprint(spec: Spec) -> dict[str, str]:
    """See `DatasetModule.fingerprint`: sha256 over the files' names and contents."""
    lines = []
    for path in _files(spec):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    return {"content": hashlib.sha256("".join(lines).encode()).hexdigest()}


def load(spec: Spec) -> Dataset:
    """See `DatasetModule.load`. A file whose name begins with train, val or test settles its images' split; all or none must."""
    faults: list[str] = []
    rows: list[tuple[str, str | int, Split | None, functools.partial[bytes]]] = []
    for path in _files(spec):
        split = _SPLITS.get(path.name.lower().replace("_", "-").replace(".", "-").partition("-")[0])
        try:
            with path.open("rb") as file:
                for number, (place, length) in enumerate(_records.places(file, path.name)):
                    name = f"{path.name}#{number}"
                    file.seek(place)
                    label, complaint = _label(file.read(length), spec)
                    if complaint is not None:
                        faults.append(f"{name}: {complaint}.")
                    else:
                        rows.append(
                            (name, label, split, functools.partial(_records.read, path, place, length, spec.image_key or _IMAGE))
                        )
        except DataError as error:
            faults.append(str(error))
    splits = {row[2] for row in rows}
    if None in splits and len(splits) > 1:
        faults.append("some files' names begin with train, val or test, and some do not.")
    kinds = {type(label) for _, label, _, _ in rows}
    if len(kinds) > 1:
        faults.append("some classes are text and some are numbers.")
    labels = sorted({label for _, label, _, _ in rows}) if len(kinds) == 1 else []
    if len(labels) < 2 and not faults:
        faults.append(f"{len(labels)} class(es); a classifier needs at least two.")
    if faults:
        more = [f"and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        raise DataError(f"data.path: {spec.path}: cannot be used ({len(faults)} fault(s)).", [*faults[:_SHOWN], *more])
    index = {label: number for number, label in enumerate(labels)}
    samples = tuple(Sample(name=name, class_index=index[label], split=split, read=read) for name, label, split, read in rows)
    return Dataset(class_names=tuple(map(str, labels)), samples=samples, licence="not stated")


def _files(spec: Spec) -> list[Path]:
    path = Path(spec.path or "")
    if path.is_dir():
        shards = [p for p in path.iterdir() if any(s in (p.suffix, Path(p.name.partition("-")[0]).suffix) for s in _SUFFIXES)]
        found = sorted(p for p in shards if p.is_file())
        if not found:
            raise DataError(f"data.path: {spec.path}: holds no file ending in {', '.join(_SUFFIXES)}.")
        return found
    if not path.is_file():
        raise DataError(f"data.path: {spec.path}: no such file or folder.")
    return [path]


def _label(data: bytes, spec: Spec) -> tuple[str | int, str | None]:
    """Class of a record, and what is wrong with the record."""
    image_key = spec.image_key or _IMAGE
    try:
        features = _records.example(data)
    except ValueError as error:
        return "", f"{error}"
    if not isinstance(next(iter(features.get(image_key, [])), None), bytes):
        return "", f"has no bytes named {image_key}. It has: {', '.join(sorted(features)[:12]) or 'nothing'}"
    for key in (spec.label_key,) if spec.label_key else _LABELS:
        values = features.get(key, [])
        if len(values) == 1:
            value = values[0]
            if isinstance(value, int):
                return value, None
            text = value.decode("utf-8", errors="replace").strip()
            if text and len(value) <= _MAX_LABEL_BYTES and text.isprintable():
                return text, None
    wanted = spec.label_key or " or ".join(_LABELS)
    return "", f"has no single class named {wanted}. It has: {', '.join(sorted(features)[:12])}"
