"""Open a bundle, a folder or a zip that anyone may have made: bounded, inside its own folder, every file as its manifest says."""

from __future__ import annotations

import json
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import content
from edgetl.errors import InputError
from edgetl.types import Preprocess, from_json

MAX_BYTES = 4_000_000_000
"""Most that a bundle may hold, unpacked."""
MAX_FILES = 10_000
_MAX_RECORD_BYTES = 64_000_000
"""Largest JSON file of a bundle; golden.json of a thousand classes and twenty artifacts takes about 2 million."""
_CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"(?!.*(?:^|/)\.{0,2}(?:/|$))[^\x00-\x1f\x7f\\:]{1,512}")
"""A path inside a folder: no empty, `.` or `..` parts, so neither absolute nor escaping; no backslash, no drive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBundle:
    """A bundle whose files are what its manifest says."""

    folder: Path
    manifest: dict[str, Any]
    preprocess: Preprocess
    golden: dict[str, Any]
    """golden.json; see `contract`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the network, in index order."""
        return tuple(map(str, self.manifest["classes"]))


@contextmanager
def opened(path: Path) -> Iterator[OpenBundle]:
    """Open a bundle for as long as the block lasts.

    Args:
        path: the folder `bundle`, or `bundle.zip`.

    Yields:
        The bundle; a zip is unpacked into a temporary folder, which is removed.

    Raises:
        InputError: it is none, is too large, leaves its folder, or a file is not what the manifest says.
    """
    if path.is_dir():
        yield _read(path, path)
        return
    if not path.is_file():
        raise InputError(f"{path}: no such bundle; give the folder `bundle` of a run, or its bundle.zip.")
    with tempfile.TemporaryDirectory(prefix="edgetl-bundle-") as temporary:
        yield _read(_unpacked(path, Path(temporary)), path)


def _unpacked(path: Path, goal: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            faults = [fault for entry in entries[: MAX_FILES + 1] if (fault := _fault(entry))]
            if len(entries) > MAX_FILES:
                faults.append(f"holds more than {MAX_FILES} files.")
            if len({entry.filename for entry in entries}) < len(entries):
                faults.append("holds two files of one name.")
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                faults.append(f"would unpack to more than {MAX_BYTES // 10**9} GB.")
            if faults:
                raise InputError(f"{path}: is no bundle of edgetl's; nothing was unpacked.", faults[:20])
            for entry in (e for e in entries if not e.is_dir()):
                target = goal / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("xb") as sink:
                    left = entry.file_size
                    while chunk := source.read(min(_CHUNK_BYTES, left + 1)):
                        left -= len(chunk)
                        if left < 0:
                            raise InputError(
                                f"{path}: {entry.filename!r} is larger than the archive says; it is damaged or hostile."
                            )
                        sink.write(chunk)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path}: is no zip that can be read ({error}).") from error
    folders = list(goal.iterdir())
    return folders[0] if len(folders) == 1 and folders[0].is_dir() and not (goal / "manifest.json").exists() else goal


def _fault(entry: zipfile.ZipInfo) -> str | None:
    if not _NAME.fullmatch(entry.filename.removesuffix("/")):
        return f"{entry.filename[:80]!r} leaves the folder, or is no plain name."
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"{entry.filename[:80]!r} is a link or a device."
    if entry.flag_bits & 1:
        return f"{entry.filename[:80]!r} is encrypted."
    if entry.file_size > 1_000_000 and entry.file_size > 1100 * max(entry.compress_size, 1):  # deflate's limit is 1032 to 1
        return f"{entry.filename[:80]!r} says that it unpacks to more than its kind of compression can."
    return None


def _read(folder: Path, named: Path) -> OpenBundle:
    manifest = _load(folder / "manifest.json", named)
    files = manifest.get("files")
    classes = manifest.get("classes")
    if not isinstance(files, dict) or len(files) > MAX_FILES or not isinstance(classes, list) or not classes:
        raise InputError(f"{named}: its manifest.json is not what edgetl writes.")
    faults = []
    for name, facts in files.items():
        if not _NAME.fullmatch(name):
            faults.append(f"{name[:80]!r} leaves the folder.")
            continue
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
            faults.append(f"{name}: is not in the bundle.")
        elif not isinstance(facts, dict) or facts.get("size_bytes") != file.stat().st_size:
            faults.append(f"{name}: has another size than manifest.json says.")
        elif content.digest(file, name) != facts.get("sha256"):
            faults.append(f"{name}: is not the file that manifest.json names (its sha256 differs).")
    if faults:
        raise InputError(f"{named}: does not hold what its manifest says; ship it again.", faults[:20])
    missing = [name for name in ("preprocess.json", "golden/golden.json") if name not in files]
    if missing:
        raise InputError(f"{named}: its manifest lacks {', '.join(missing)}; ship it again with this version.")
    try:
        steps = _load(folder / "preprocess.json", named)
        preprocess = from_json(Preprocess, {k: v for k, v in steps.items() if k != "steps"})
        if not 1 <= preprocess.crop_px <= preprocess.resize_px <= 4096 or preprocess.std == 0:
            raise ValueError("sizes out of range")
    except (TypeError, ValueError) as error:
        raise InputError(f"{named}: its preprocess.json is not what edgetl writes ({error}).") from error
    return OpenBundle(
        folder=folder, manifest=manifest, preprocess=preprocess, golden=_load(folder / "golden" / "golden.json", named)
    )


def _load(path: Path, named: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_RECORD_BYTES:
            raise InputError(
                f"{named}: its {path.name} is larger than {_MAX_RECORD_BYTES // 10**6} MB; this is none of edgetl's."
            )
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{named}: is no bundle of edgetl's: {path.name} cannot be read ({error}).") from error
    if not isinstance(value, dict) or value.get("schema") != 1:
        raise InputError(f"{named}: its {path.name} is not what this version of edgetl writes.")
    return value
