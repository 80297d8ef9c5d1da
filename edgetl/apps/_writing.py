"""A folder of sources on disk: never over what something else wrote, nothing half-written, the same bundle the same bytes.

`.edgetl-app.json` in the folder names each file that was written, with its sha256. What it does not name, or what has changed
since, is the user's, and is not touched.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from edgetl import content
from edgetl.errors import InputError

RECORD = ".edgetl-app.json"
_MAX_RECORD_BYTES = 16_000_000


def write(out: Path, files: Mapping[str, bytes | Path], facts: Mapping[str, Any]) -> dict[str, str]:
    """Write the folder.

    Args:
        out: absent, empty, or one that this function wrote.
        files: relative path → bytes, or the file to copy.
        facts: what else the record says.

    Returns:
        Relative path → sha256, in alphabetical order.

    Raises:
        InputError: a file is there that this function did not write, or that was changed since.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out: {out}: is a file; give a folder.")
    sums = {name: _sum(files[name]) for name in sorted(files)}
    folded = [name.casefold() for name in sums]
    if len(set(folded)) < len(folded):
        raise InputError("the bundle: two of its golden photos differ in upper and lower case only; not every disk holds both.")
    before = _record(out)
    _refuse_strangers(out, sums, before)
    out.mkdir(parents=True, exist_ok=True)
    known = {name: sorted({*before.get(name, ()), *([sums[name]] if name in sums else ())}) for name in {*before, *sums}}
    _note(out, known, facts)  # first: whatever is killed from here on can be written again
    for name in sums:
        target, source = out / name, files[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        _put(target, source if isinstance(source, bytes) else source.read_bytes())
    for name in sorted(set(before) - set(sums)):
        (out / name).unlink(missing_ok=True)
    _note(out, {name: [value] for name, value in sums.items()}, facts)
    return sums


def _refuse_strangers(out: Path, sums: Mapping[str, str], before: Mapping[str, list[str]]) -> None:
    faults = []
    root = out.resolve()
    for name in sorted({*sums, *before}):
        target = out / name
        if not target.parent.resolve().is_relative_to(root) or target.is_symlink():
            faults.append(f"{name}: is a link, or lies behind one.")
        elif target.is_dir():
            faults.append(f"{name}: is a folder.")
        elif target.exists() and content.digest(target, name) not in (*before.get(name, ()), sums.get(name)):
            faults.append(f"{name}: {'was changed since it was written.' if name in before else 'was not written by edgetl.'}")
    if faults:
        raise InputError(f"--out: {out}: nothing was written; move these away, or give another folder.", faults[:20])


def _record(out: Path) -> dict[str, list[str]]:
    path = out / RECORD
    if not path.exists() and not path.is_symlink():
        if out.is_dir() and (there := next(out.iterdir(), None)) is not None:
            raise InputError(f"--out: {out}: holds {there.name!r}, which edgetl did not write; give a new or an empty folder.")
        return {}
    try:
        if path.is_symlink() or path.stat().st_size > _MAX_RECORD_BYTES:
            raise ValueError("not a plain small file")
        value = json.loads(path.read_text(encoding="utf-8"))
        files: dict[str, list[str]] = value["files"]
        for name, known in files.items():
            parts = PurePosixPath(name).parts
            if not parts or name.startswith("/") or ".." in parts or "\\" in name or not all(len(k) == 64 for k in known):
                raise ValueError(f"{name[:80]!r} is no path in the folder")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"--out: {path}: is not what edgetl writes ({error}); give another folder.") from error
    return files


def _note(out: Path, known: Mapping[str, list[str]], facts: Mapping[str, Any]) -> None:
    value = {"schema": 1, **facts, "files": {name: known[name] for name in sorted(known)}}
    _put(out / RECORD, (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode())


def _put(target: Path, data: bytes) -> None:
    partial = target.with_name(f".{target.name}.partial")
    partial.write_bytes(data)
    os.replace(partial, target)


def _sum(source: bytes | Path) -> str:
    return hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else content.digest(source, source.name)
