"""The ledger of evidence: what is known of an artifact's speed on a device, and the file that each figure came from.

`<folder>/ledger.jsonl` holds one record a line, `<folder>/files/<sha256>.<suffix>` what the records were read from, to the byte.
A record is added whole or not at all: the new ledger is written beside the old one and takes its place. Two writers wait for each
other. History of the record: schema 1 = first.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from edgetl.errors import InputError
from edgetl.reading import Date, Faults, Reading, Sha256, Text, Word, plain
from edgetl.schema import Bound, Pattern, check

FOLDER = "evidence"
"""Name of a ledger's folder, beside the recipe that it is about."""
FILE = "ledger.jsonl"
MAX_BYTES = 256 * 2**20
"""Largest ledger that is read."""
MAX_SOURCE_BYTES = 16 * 2**20
"""Largest file that a record is read from."""
_WAIT_S = 20.0
"""How long a writer waits for another; adding takes milliseconds."""
_SOURCE = r"files/[0-9a-f]{64}\.[a-z0-9]{1,16}"
_NO_MEASUREMENT = ("artifact", "imported_at", "note", "source_file")
"""Fields that do not make a record another one."""


@dataclass(frozen=True, slots=True)
class Source:
    """What records were read from."""

    content: bytes
    suffix: str
    """How its file's name ends, without the dot: "log"; other than letters and digits it is kept as "bin"."""

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def file(self) -> str:
        """Where the ledger keeps it, relative to the ledger's folder."""
        suffix = self.suffix.lower()
        return f"files/{self.sha256}.{suffix if re.fullmatch('[a-z0-9]{1,16}', suffix) else 'bin'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run of one artifact on one device, and how it is known."""

    schema: Literal[1] = 1
    device: Annotated[str, Pattern("[a-z0-9][a-z0-9_.-]{0,63}", "the name of a device profile")]
    artifact: Text
    """Name of the file that was measured; of the package, for Core ML."""
    artifact_sha256: Sha256
    """Of the file; for a folder, of the sorted list of its files and their sha256."""
    artifact_bytes: Annotated[int, Bound(ge=0, le=2**50)]
    format: Word
    """Name of the format's converter."""
    reading: Reading
    """The figures, with what the log did not state filled in from `given`."""
    how: Literal["imported", "measured", "emulated", "host"]
    """Evidence of what kind: taken elsewhere and imported, taken by edgetl on the device, on an emulator, on this computer."""
    log: Word
    """What read the source: a reader of logs, or a connection."""
    given: tuple[Word, ...] = ()
    """Fields of `reading` that the source does not state and a person gave: `threads`, `accelerator` …"""
    source_file: Annotated[str, Pattern(_SOURCE, "files/<sha256>.<suffix>")]
    source_sha256: Sha256
    imported_at: Date
    note: Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{0,512}", "one line of at most 512 printable characters")] = ""

    @property
    def id(self) -> str:
        """sha256 of the record as canonical JSON without what makes it no other measurement: names, date of import, note."""
        content = {key: value for key, value in plain(self).items() if key not in _NO_MEASUREMENT}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def faults(self) -> Faults:
        """The file is named by its content, and a run that had CPU threads says how many."""
        found = []
        if not self.source_file.startswith(f"files/{self.source_sha256}."):
            found.append(("source_file", "is not named by source_sha256."))
        for name in ("runtime", "accelerator", *(("threads",) if self.reading.accelerator == "cpu" else ())):
            if getattr(self.reading, name) is None:
                found.append((f"reading.{name}", "is missing; a time says nothing without it."))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of records that were to be added."""

    new: tuple[Record, ...]
    known: tuple[Record, ...]
    """Those that were in the ledger already, as they stand there."""


def add(folder: Path, records: tuple[Record, ...], source: Source) -> Added:
    """Add records to a ledger, and the file they were read from.

    Args:
        folder: of the ledger; made when it is not there.
        records: all read from `source`.
        source: its content.

    Returns:
        Which records are new, and which it had.

    Raises:
        InputError: a record or the ledger does not hold, the source is larger than 16 MiB, or another process does not finish
            writing. The ledger is then as it was.
    """
    if len(source.content) > MAX_SOURCE_BYTES:
        raise InputError(f"{folder}: a source of {len(source.content)} bytes is too large; at most {MAX_SOURCE_BYTES} are kept.")
    for record in records:
        if (record.source_sha256, record.source_file) != (source.sha256, source.file):
            raise InputError(f"{folder}: a record names {record.source_file}, which is not the source that was given.")
    lines = [_line(record, f"{folder}: a record for {record.device}") for record in records]
    with _locked(folder):
        kept = {record.id: record for record in read(folder)}
        fresh: dict[str, str] = {}
        for record, line in zip(records, lines, strict=True):
            if record.id not in kept:
                fresh.setdefault(record.id, line)
        if fresh:
            path = folder / FILE
            before = path.read_bytes() if path.exists() else b""
            _write(folder / source.file, source.content)
            _write(path, before + "".join(fresh.values()).encode())
    unique = {record.id: record for record in records}
    return Added(tuple(unique[i] for i in fresh), tuple(kept[i] for i in unique if i in kept))


def read(folder: Path) -> tuple[Record, ...]:
    """Read a ledger, and hold every source against what its records say of it.

    Args:
        folder: of the ledger.

    Returns:
        Its records, oldest first; none where there is no ledger.

    Raises:
        InputError: a line does not hold, or a source is missing or another; every fault, with its line.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BYTES} bytes; begin another ledger.")
    faults: list[str] = []
    records: dict[str, Record] = {}
    sources: dict[str, str | None] = {}
    if data and not data.endswith(b"\n"):
        faults.append(f"{path}: does not end with a whole line; it was cut off.")
    for number, line in enumerate(data.split(b"\n")[: data.count(b"\n")], 1):
        place = f"{path}:{number}"
        record = _record(line, place, faults)
        if record is None:
            continue
        if record.id in records:
            faults.append(f"{place}: repeats the record {record.id[:12]} of an earlier line.")
        records[record.id] = record
        if record.source_file not in sources:
            sources[record.source_file] = _sha256(folder / record.source_file)
        if sources[record.source_file] != record.source_sha256:
            lies = "is missing or cannot be read" if sources[record.source_file] is None else "has another content"
            faults.append(f"{place}: {record.source_file} {lies}; put the file back that the record was read from.")
    if faults:
        raise InputError(f"{path}: {len(faults)} fault(s). Nothing of it is used.", faults)
    return tuple(records.values())


def _line(record: Record, where: str) -> str:
    """Write a record as a line, once it is known to be read back as the same."""
    line = json.dumps({"id": record.id, **plain(record)}, ensure_ascii=False, allow_nan=False) + "\n"
    faults: list[str] = []
    if _record(line.encode(), where, faults) is None:
        raise InputError(f"{where} does not hold. The ledger is as it was.", faults)
    return line


def _record(line: bytes, place: str, faults: list[str]) -> Record | None:
    """Read one line; None when it does not hold (then `faults` has grown)."""

    def whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key is given twice")
        return dict(pairs)

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not a number")

    try:
        value = json.loads(line.decode(), object_pairs_hook=whole, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        faults.append(f"{place}: is not a line of JSON: {' '.join(str(error).split())[:120]}.")
        return None
    if not isinstance(value, dict):
        faults.append(f"{place}: must be a JSON object.")
        return None
    stated = value.pop("id", None)
    record = check(Record, value, lambda key: f"{place}: {key}" if key else place, faults)
    if record is not None and stated != record.id:
        faults.append(
            f"{place}: id: is {str(stated)[:64]!r}, but the record's content gives {record.id}. It was changed by hand."
        )
        return None
    return record


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only writer of a ledger; the lock ends with the process, however it ends."""
    try:
        (folder / "files").mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}.") from error
    try:
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise InputError(f"{folder}: another process has been writing for {_WAIT_S:g} s. Try again later.") from error
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _write(path: Path, content: bytes) -> None:
    """Put a file in place, whole and on the disk, or leave what is there."""
    partial = path.with_name(f"{path.name}.partial")  # one name: what a killed writer left is written over
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}. The ledger is as it was.") from error
