"""From another tool's log to a record of the ledger: which of its readings is meant, and whether it is of the artifact at hand.

Input: a log, a device profile and the file that was measured. Output: one record, or an error that says what does not fit. What a
log does not state must be given; what it states cannot be overruled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from edgetl import registry
from edgetl.content import digest
from edgetl.devices import DeviceProfile
from edgetl.errors import InputError
from edgetl.graphs._base import file_bytes
from edgetl.ledger import Record, Source
from edgetl.reading import Reading

MAX_BYTES = 16_000_000
"""Largest log that is read."""
_HEAD = 65_536
"""Characters of a log from which its kind is recognised."""
_WORD = "[a-z0-9]+|[+]"  # a Galaxy S24+ is no Galaxy S24
_LISTED = 12
"""Most candidates that an error lists."""
_FORMATS = {"tflite": "tflite", "litert": "tflite", "onnxruntime": "onnx", "coreml": "coreml"}
"""Runtimes that load files of one format only; others compile from several, so they tell nothing about the file."""
_MODEL_FILES = (".tflite", ".lite", ".onnx", ".ort", ".mlpackage", ".mlmodel", ".mlmodelc")
"""A model that is named with one of these is a file's name, another is a title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log as it was read."""

    name: str
    """As the user gave it; starts errors."""
    kind: str
    """Reader that understood it."""
    readings: tuple[Reading, ...]
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The file that was measured."""

    path: Path
    format: str
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> Artifact:
        """Look at a file.

        Args:
            path: a model file; for Core ML, the package folder.

        Returns:
            What identifies it.

        Raises:
            InputError: it is not there, or its name does not end as a format's do.
        """
        suffixes = {registry.load("converters", name).SUFFIX: name for name in registry.names("converters")}
        if not path.exists():
            raise InputError(f"--artifact: {path}: no such file.")
        if path.suffix not in suffixes:
            raise InputError(f"--artifact: {path}: must be the file that was measured, ending in {', '.join(sorted(suffixes))}.")
        return cls(path=path, format=suffixes[path.suffix], sha256=digest(path, "--artifact"), size_bytes=file_bytes(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a person says about a log: it chooses among readings, and fills in what they do not state."""

    threads: int | None = None
    accelerator: str | None = None
    precision: str | None = None


def load(path: Path, kind: str | None = None) -> Log:
    """Read a log.

    Args:
        path: the file.
        kind: reader of logs; None: the one that recognises it.

    Returns:
        Its readings.

    Raises:
        InputError: it cannot be read, no reader or several recognise it, or it does not hold.
        UnknownName: there is no such reader.
    """
    name = str(path)
    if path.is_dir():
        raise InputError(f"{name}: is a folder; give a file. Of a report that Xcode exported, give the report.json in it.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file.") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: is larger than {MAX_BYTES // 10**6} MB; give the log of one run alone.")
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is not UTF-8 text (byte {error.start}).") from error
    if not text.strip():
        raise InputError(f"{name}: is empty.")
    kind = kind or _recognise(text, path)
    readings: tuple[Reading, ...] = registry.load("logs", kind).read(text, name)
    return Log(name=name, kind=kind, readings=readings, source=Source(data, path.suffix.removeprefix(".")))


def _recognise(text: str, path: Path) -> str:
    known = registry.names("logs")
    fitting = [name for name in known if registry.load("logs", name).recognises(text[:_HEAD], path.name)]
    if len(fitting) != 1:
        what = f"could be of {' or '.join(fitting)}" if fitting else "is of no kind that is known"
        raise InputError(f"{path}: {what}. Say which with --log: {', '.join(fitting or known)}.")
    return fitting[0]


def record_of(log: Log, device: DeviceProfile, artifact: Artifact, given: Given, note: str = "") -> Record:
    """Make a record of the one reading that is of this device and this artifact.

    Args:
        log: as it was read.
        device: on which it was taken.
        artifact: of which it was taken.
        given: what the log does not state, or which of its readings is meant.
        note: for people.

    Returns:
        The record, dated today.

    Raises:
        InputError: no reading fits, several do, or a fact is missing.
    """
    found = _chosen(log, device, artifact, given)
    filled: dict[str, str | int] = {}
    for name in ("threads", "accelerator", "precision"):
        stated, wanted = getattr(found, name), getattr(given, name)
        if stated is None and wanted is not None:
            filled[name] = wanted
    whole = replace(found, **filled)  # type: ignore[arg-type]
    if whole.accelerator is None:
        raise InputError(f"{log.name}: does not say what ran the model. Give --accelerator: cpu, gpu, npu …")
    kinds = {accelerator.kind for accelerator in device.accelerators}
    if whole.accelerator in ("gpu", "npu") and whole.accelerator not in kinds:
        raise InputError(
            f"{log.name}: ran on the {whole.accelerator}, and the profile {device.name} names none. Use one that does."
        )
    if whole.accelerator == "cpu" and whole.threads is None:
        raise InputError(f"{log.name}: does not say on how many CPU threads it ran. Give --threads.")
    return Record(
        device=device.name,
        artifact=artifact.path.name,
        artifact_sha256=artifact.sha256,
        artifact_bytes=artifact.size_bytes,
        format=artifact.format,
        reading=whole,
        how="imported",
        log=log.kind,
        given=tuple(filled),
        source_file=log.source.file,
        source_sha256=log.source.sha256,
        imported_at=date.today().isoformat(),
        note=note,
    )


def _chosen(log: Log, device: DeviceProfile, artifact: Artifact, given: Given) -> Reading:
    rest = [reading for reading in log.readings if reading.device is None or is_same_device(reading.device, device)]
    if not rest:
        others = _listing({str(reading.device) for reading in log.readings})
        raise InputError(f"{log.name}: was not taken on {device.name} ({device.title}), but on: {others}.")
    reasons = {contradiction(reading, artifact): None for reading in rest}
    rest = [reading for reading in rest if contradiction(reading, artifact) is None]
    if not rest:
        raise InputError(f"{log.name}: was taken of another model: {_listing([str(reason) for reason in reasons])}.")
    exact = [reading for reading in rest if reading.model and _letters(reading.model) == _letters(artifact.path.stem)]
    rest = exact or rest
    for name in ("accelerator", "threads", "precision"):
        wanted = getattr(given, name)
        fitting = [reading for reading in rest if wanted is None or getattr(reading, name) in (None, wanted)]
        if not fitting:
            stated = _listing({str(getattr(reading, name)) for reading in rest})
            raise InputError(f"{log.name}: --{name} is {wanted}, but the log states: {stated}. What a log states stays.")
        rest = fitting
    if len(rest) > 1:
        raise InputError(
            f"{log.name}: {len(rest)} readings fit. Say which with --accelerator, --threads or --precision, or cut the log.",
            [_line(reading) for reading in rest[:_LISTED]] + (["…"] if len(rest) > _LISTED else []),
        )
    return rest[0]


def is_same_device(name: str, device: DeviceProfile) -> bool:
    """Tell whether a log's name of a device means a profile: its title, a name it is published under, or its own.

    Args:
        name: as the log has it: "Samsung Galaxy S24".
        device: the profile.

    Returns:
        Whether they are the same, with or without the maker before the name; "Galaxy S24 Ultra" is another one.
    """
    words = re.findall(_WORD, name.lower())
    titles = (device.title, *device.measured_as, re.sub(r"\([^)]*\)", "", device.title))
    own = re.findall(_WORD, device.name)
    return words in [re.findall(_WORD, title.lower()) for title in titles] or words[-len(own) :] == own


def contradiction(reading: Reading, artifact: Artifact) -> str | None:
    """Say why a reading cannot be of an artifact.

    Args:
        reading: as the log states it.
        artifact: the file at hand.

    Returns:
        A clause, or None when nothing speaks against it. An equal sha256 settles it whatever the name.
    """
    here = artifact.path.name
    if reading.artifact_sha256 is not None:
        same = reading.artifact_sha256 == artifact.sha256
        return None if same else f"it states sha256 {reading.artifact_sha256[:12]}…, {here} has {artifact.sha256[:12]}…"
    loads = _FORMATS.get(reading.runtime or "")
    if loads is not None and loads != artifact.format:
        return f"{reading.runtime} does not load {here}"
    if reading.model_bytes is not None and abs(reading.model_bytes - artifact.size_bytes) > reading.model_bytes_error:
        return f"it states a file of {_bytes(reading)}, {here} has {artifact.size_bytes} bytes"
    if reading.model is None:
        return None
    stated = re.split(r"[/\\]", reading.model)[-1]
    if stated.lower().endswith(_MODEL_FILES):
        same = Path(stated).stem.lower() == artifact.path.stem.lower()
    else:  # a title: "MobileNet-v2" is in mobilenet_v2_w8a8.tflite
        same = _letters(stated) in _letters(artifact.path.stem)
    return (
        None
        if same
        else f"it names '{stated}', --artifact is '{here}' (the same file under another name? Name it as the log does)"
    )


def _bytes(reading: Reading) -> str:
    error = reading.model_bytes_error
    return f"{reading.model_bytes} bytes" + (f" (± {error})" if error > 1 else "")


def _letters(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _listing(names: set[str] | list[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:_LISTED]) + (f" and {len(ordered) - _LISTED} more" if len(ordered) > _LISTED else "")


def _line(reading: Reading) -> str:
    """One candidate, for a person."""
    facts = (reading.device, reading.model, reading.runtime, reading.runtime_version, reading.accelerator, reading.precision)
    threads = f"{reading.threads} threads" if reading.threads else None
    times = ", ".join(f"{name} {value:g} ms" for name, value in reading.statistics_ms.stated.items())
    return "; ".join(str(fact) for fact in (*facts, threads, reading.date, times) if fact)
