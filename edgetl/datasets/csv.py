"""A table of photos: a CSV file with a header row and columns `path`, `label` and, when it settles them, `split`.

With a `separator`, a label cell holds any number of labels: `cat;dog`, or nothing.
Paths are relative to the table's folder and stay within it. Every fault is named with its line, all at once.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from edgetl.errors import DataError
from edgetl.types import Dataset, Sample, Split

if TYPE_CHECKING:
    from edgetl.datasets._base import Spec

TITLE = "A CSV file with columns path, label and, if it settles them, split; paths relative to the file."
REQUIRED = ("path",)
OPTIONAL = ("image_key", "label_key", "separator")

MAX_BYTES = 500_000_000
"""A larger table is not one of photos."""
_SHOWN = 50
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def unavailable() -> str | None:
    """See `DatasetModule.unavailable`."""
    return None


def fingerprint(spec: Spec) -> dict[str, str]:
    """See `DatasetModule.fingerprint`: sha256 over paths, labels, splits and contents of all images."""
    total = hashlib.sha256()
    root = Path(spec.path or "").parent
    dataset = load(spec)
    for sample in dataset.samples:
        with (root / sample.name).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        own = (sample.class_index,) if dataset.label_sets is None else dataset.label_sets[sample.class_index]
        labels = (spec.separator or "").join(dataset.class_names[index] for index in own)
        total.update(f"{content}  {labels} {sample.split}  {sample.name}\n".encode())
    return {"content": total.hexdigest()}


def load(spec: Spec) -> Dataset:
    """See `DatasetModule.load`."""
    table = Path(spec.path or "")
    faults: list[str] = []
    rows = list(_rows(table, spec, faults))
    class_names = sorted({name for _, label, _ in rows for name in _labels(label, spec)})
    if spec.separator is None and len(class_names) < 2 and not faults:
        faults.append(f"{table.name}: {len(class_names)} class(es); a classifier needs at least two.")
    if spec.separator is not None and not class_names and not faults:
        faults.append(f"{table.name}: no row has a label.")
    splits = {split for _, _, split in rows}
    if None in splits and len(splits) > 1:
        faults.append(f"{table.name}: some rows name a split and some do not.")
    elif splits and None not in splits:
        faults += [f"{table.name}: no row is in the {split} split." for split in ("train", "test") if split not in splits]
    if faults:
        more = [f"and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        raise DataError(f"data.path: {spec.path}: cannot be used ({len(faults)} fault(s)).", [*faults[:_SHOWN], *more])
    index = {name: number for number, name in enumerate(class_names)}
    own = [tuple(sorted(index[name] for name in _labels(label, spec))) for _, label, _ in rows]
    sets = tuple(sorted(set(own)))
    place = {labels: number for number, labels in enumerate(sets)}
    samples = tuple(
        Sample(
            name=name,
            class_index=labels[0] if spec.separator is None else place[labels],
            split=split,
            read=functools.partial(_read, table.parent / name),
        )
        for (name, _, split), labels in zip(rows, own, strict=True)
    )
    return Dataset(
        class_names=tuple(class_names),
        samples=samples,
        licence="not stated",
        label_sets=None if spec.separator is None else sets,
    )


def _labels(cell: str, spec: Spec) -> list[str]:
    """Labels in a cell: one, or what the separator divides it into, each once."""
    if spec.separator is None:
        return [cell]
    return sorted({part.strip() for part in cell.split(spec.separator)} - {""})


def _rows(table: Path, spec: Spec, faults: list[str]) -> Iterator[tuple[str, str, Split | None]]:
    """Yield path, label and split of each row that is sound; tell of the others."""
    import csv

    image_key, label_key = spec.image_key or "path", spec.label_key or "label"
    if not table.is_file():
        what = "is not a file" if table.exists() else "no such file"
        raise DataError(f"data.path: {spec.path}: {what}.")
    if table.stat().st_size > MAX_BYTES:
        raise DataError(f"data.path: {spec.path}: larger than {MAX_BYTES} bytes.")
    root, seen = table.parent.resolve(), set[str]()
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [name or "" for name in reader.fieldnames or ()]
            twice = sorted({name for name in columns if columns.count(name) > 1})
            if twice:
                faults.append(f"{table.name}:1: {' and '.join(twice)}: more than one column of this name.")
                return
            missing = [key for key in (image_key, label_key) if key not in columns]
            if missing:
                faults.append(f"{table.name}:1: no column named {' or '.join(missing)}. It has: {', '.join(columns) or 'none'}.")
                return
            for row in reader:
                where = f"{table.name}:{reader.line_num}"
                name, label, told = ((row.get(key) or "").strip() for key in (image_key, label_key, "split"))
                name = PurePosixPath(name).as_posix() if name else ""
                complaint = _complaint(root, name, label or (None if spec.separator else ""), told, seen)
                if None in row or None in row.values():
                    complaint = f"has not {len(columns)} cells"
                if complaint is not None:
                    faults.append(f"{where}: {complaint}.")
                    continue
                seen.add(name)
                yield name, label, _SPLITS.get(told.lower())
    except (UnicodeDecodeError, csv.Error) as error:
        faults.append(f"{table.name}: is not a CSV file in UTF-8: {error}.")


def _complaint(root: Path, name: str, label: str | None, split: str, seen: set[str]) -> str | None:
    """What is wrong with a row, or None; a label that may be empty and is comes as None."""
    if not name or label == "":
        return "an empty path or label"
    if "\0" in name or any(ord(c) < 32 for c in label or ""):
        return "control characters in path or label"
    if split and split.lower() not in _SPLITS:
        return f"no split named '{split}'. Known: {', '.join(_SPLITS)}"
    if name in seen:
        return f"{name} is there twice"
    path = root / name
    try:
        inside = path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return f"{name}: no such file"
    if PurePosixPath(name).is_absolute() or not inside:
        return f"{name}: leads out of the table's folder"
    return None if path.is_file() else f"{name}: is not a file"


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(200_000_001)  # one byte above what decode accepts
