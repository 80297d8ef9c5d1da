"""What a converted file is, as the run that made it wrote down: scheme, preparation of pixels, classes, checkpoints.

A file alone does not say how a photo becomes its input. A run's folder does (`report.json`), and so does a bundle
(`manifest.json`, `preprocess.json`); both are looked for beside the file and one folder above.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import content
from edgetl.errors import InputError
from edgetl.types import Preprocess, from_json

_MAX_BYTES = 200_000_000
"""Largest record that is read; a report with the raw times of many targets has a few megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is written down of one file."""

    record: Path
    """The `report.json` or `manifest.json` that says it."""
    recipe: str | None
    """The recipe's file, as it was given to the run; None in a bundle, and for a model that was converted without one."""
    format: str
    scheme: str
    sha256: str
    """Of the file as it was made; `same` says whether it still is that file."""
    same: bool
    preprocess: Preprocess
    class_names: tuple[str, ...]
    several: bool
    """An image may have several labels."""
    asked: dict[str, str]
    """What the recipe asked of the file: `io`, `layout`, `batch`, `activation`; empty where the record does not say."""
    keep_float: tuple[str, ...]
    """Layers that were to stay in float, as the float network names them."""
    checkpoint: Path | None
    """Folder of the float checkpoint (`network.pb`, `checkpoint.json`)."""
    quantized: Path | None
    """Folder of the checkpoint with fake quantization that the file was converted from; None where there is none."""


def find(path: Path) -> Origin | None:
    """Look for the record of a file.

    Args:
        path: a converted file or package, where a run or a bundle put it.

    Returns:
        What is written down; None when no record beside it, or one folder above, names it.

    Raises:
        InputError: there is a record that names it and cannot be read.
    """
    path = path.absolute()
    for folder in (path.parent.parent, path.parent):
        for name, read in (("report.json", _report), ("manifest.json", _manifest)):
            record = folder / name
            if not record.is_file():
                continue
            value = _load(record)
            entries = value.get("artifacts")
            inside = path.relative_to(folder).as_posix()
            entry = next((e for e in entries if isinstance(e, dict) and e.get("path") == inside), None) if entries else None
            if entry is not None:
                try:
                    return read(record, value, entry, content.digest(path, str(path)))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise InputError(f"{record}: is not what a run writes ({error!r}); run the recipe again.") from error
    return None


def insist(path: Path) -> Origin:
    """Do as `find`, and raise InputError when there is no record.

    Args:
        path: a converted file or package.

    Returns:
        What is written down.
    """
    found = find(path)
    if found is None:
        raise InputError(
            f"{path}: nothing says how its pixels are prepared. Give the file where `edgetl run` put it "
            "(runs/<recipe>/artifacts) or in its bundle, or give --recipe RECIPE."
        )
    return found


def _load(record: Path) -> dict[str, Any]:
    try:
        if record.stat().st_size > _MAX_BYTES:
            raise InputError(f"{record}: is larger than {_MAX_BYTES // 10**6} MB; this is no record of a run.")
        value = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{record}: cannot be read ({error}).") from error
    if not isinstance(value, dict) or not isinstance(value.get("artifacts", []), list):
        raise InputError(f"{record}: is not what a run writes.")
    return value


def _report(record: Path, value: dict[str, Any], entry: dict[str, Any], digest: str) -> Origin:
    folder = record.parent / "checkpoint"
    quantized = folder / str(entry["scheme"])
    return Origin(
        record=record,
        recipe=None if value["recipe"]["file"] is None else str(value["recipe"]["file"]),
        **_entry(entry, digest),
        preprocess=from_json(Preprocess, value["preprocess"]),
        class_names=tuple(map(str, value["data"]["classes"])),
        several=value["answers"]["labels_per_image"] == "several",
        asked={str(k): str(v) for k, v in entry["asked"].items()},
        checkpoint=folder if (folder / "network.pb").is_file() else None,
        quantized=quantized if (quantized / "network.pb").is_file() else None,
    )


def _manifest(record: Path, value: dict[str, Any], entry: dict[str, Any], digest: str) -> Origin:
    steps = _load(record.parent / "preprocess.json")
    return Origin(
        record=record,
        recipe=None,
        **_entry(entry, digest),
        preprocess=from_json(Preprocess, {k: v for k, v in steps.items() if k != "steps"}),
        class_names=tuple(map(str, value["classes"])),
        several=value["answers"]["labels_per_image"] == "several",
        asked={},
        checkpoint=None,
        quantized=None,
    )


def _entry(entry: dict[str, Any], digest: str) -> dict[str, Any]:
    return {
        "format": str(entry["format"]),
        "scheme": str(entry["scheme"]),
        "sha256": str(entry["sha256"]),
        "same": entry["sha256"] == digest,
        "keep_float": tuple(map(str, entry.get("keep_float", ()))),
    }
