"""`edgetl bench` of files on this host: what is asked for, in an order that is fair to all, as one plain record.

History of the record: schema 1 = first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.errors import BenchmarkError, DeviceUnreachable, InputError
from edgetl.timing import cores as core_choice
from edgetl.timing import fresh, photo, ratio
from edgetl.timing.profile import profile
from edgetl.timing.sustained import sustain
from edgetl.timing.turns import Runnable, Told, take_turns
from edgetl.types import to_json

SCHEMA = 1
_HOST = ("cpu", "system", "python")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One file to time."""

    path: Path
    sha256: str
    size_bytes: int
    delivered_bytes: int
    """Deflated, as an app store sends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to measure."""

    threads: tuple[int, ...] = (1,)
    processes: int = 5
    """Fresh processes for each file and thread count."""
    seconds: float = 3.0
    """Of timed inferences for each file and thread count, all processes together."""
    compare: bool = False
    """Hold every other file against the first one."""
    turns_s: float = 10.0
    """How long two files take turns."""
    sustained_s: float | None = None
    profile: bool = False
    photo: bytes | None = None


def runtime_of(path: Path) -> str:
    """Name the runtime that a file is timed with on this host.

    Args:
        path: ends in .tflite or .onnx.

    Returns:
        Name of a runtime module.

    Raises:
        InputError: no runtime of this host takes it.
    """
    able = registry.load("connections", "local").RUNTIMES
    for name in able:
        if path.suffix[1:] in registry.load("runtimes", name).FORMATS:
            return str(name)
    endings = sorted(f".{f}" for name in able for f in registry.load("runtimes", name).FORMATS)
    raise InputError(f"{path}: is not timed on this computer; it times files that end in {' and '.join(endings)}.")


def bench(subjects: Sequence[Subject], wishes: Wishes, told: Told = lambda share, what: None) -> dict[str, Any]:
    """Measure files.

    Args:
        subjects: at least one.
        wishes: what to measure.
        told: hears of progress.

    Returns:
        `schema`, `evidence`, `host`, `files` (one a file and thread count, with raw values, or with `error`), `comparisons`,
        `failed` (what could not be measured of files that run, one sentence each).

    Raises:
        InputError: more threads than cores, or a file that nothing here runs.
    """
    chosen = {threads: core_choice.choose(threads) for threads in wishes.threads}
    runnables = [Runnable(path=s.path, runtime=runtime_of(s.path)) for s in subjects]
    jobs = [(number, threads) for threads in wishes.threads for number in range(len(subjects))]
    lives: dict[tuple[int, int], list[fresh.Life]] = {job: [] for job in jobs}
    errors: dict[tuple[int, int], str] = {}
    steps = wishes.processes + 2
    for process in range(wishes.processes):  # by turns, so that a slow minute meets all files
        for place, (number, threads) in enumerate(jobs):
            name = subjects[number].path.name
            told((process + place / len(jobs)) / steps, f"{name} ×{threads}, process {process + 1} of {wishes.processes}")
            if (number, threads) in errors:
                continue
            try:
                seconds = wishes.seconds / wishes.processes
                life = fresh.live(runnables[number], threads=threads, cores=chosen[threads], seconds=seconds)
                lives[number, threads].append(life)
            except (BenchmarkError, DeviceUnreachable) as error:
                errors[number, threads] = str(error)
    files, failed = [], list[str]()
    for place, job in enumerate(jobs):
        number, threads = job
        share = (wishes.processes + place / len(jobs)) / steps
        row: dict[str, Any] = {
            **_identity(subjects[number]),
            "runtime": runnables[number].runtime,
            "threads": threads,
            "cores": list(chosen[threads]),
        }
        if job in errors:
            files.append({**row, "error": errors[job]})
            continue
        told(share, f"{subjects[number].path.name} ×{threads}")
        row |= {"engine": lives[job][0].facts["engine"], **fresh.summarise(lives[job])}
        more, faults = _more(runnables[number], threads, chosen[threads], wishes, lambda at, what, share=share: told(share, what))  # type: ignore[misc]
        failed += [f"{subjects[number].path.name} ×{threads}: {fault}" for fault in faults]
        files.append({**row, **more, "processes": to_json(tuple(lives[job]))})
    comparisons = _comparisons(runnables, chosen, errors, wishes, lambda at, what: told((steps - 1 + at) / steps, what))
    facts = next((found[0].facts for found in lives.values() if found), {})
    return {
        "schema": SCHEMA,
        "evidence": "host",
        "host": {key: facts.get(key) for key in _HOST},
        "files": files,
        "comparisons": comparisons,
        "failed": failed,
    }


def _identity(subject: Subject) -> dict[str, Any]:
    return {
        "file": str(subject.path),
        "sha256": subject.sha256,
        "size_bytes": subject.size_bytes,
        "delivered_bytes": subject.delivered_bytes,
    }


def _more(chosen: Runnable, threads: int, cores: tuple[int, ...], wishes: Wishes, told: Told) -> tuple[dict[str, Any], list[str]]:
    """What is measured on request only, and why a part of it is missing."""

    def around() -> dict[str, Any]:
        import numpy as np

        assert wishes.photo is not None
        local = registry.load("connections", "local")
        with closing(local.open(local.Settings(cpus=cores)).start(chosen.path, chosen.runtime, threads)) as session:
            specs = session.facts["inputs"]
            ((output, *_),) = session.outputs((np.zeros(specs[0]["shape"], specs[0]["dtype"]),))
        return photo.around(wishes.photo, specs, output, cores)

    def sustained() -> dict[str, Any]:
        run = sustain(chosen, threads=threads, cores=cores, seconds=wishes.sustained_s or 1.0, told=told)
        return {**to_json(run), "warnings": list(run.strain.reasons())}

    def operators() -> dict[str, Any]:
        told(0.0, f"{chosen.path.name}: operators")
        found = profile(chosen, threads=threads, cores=cores)
        kinds = [{"kind": kind, "count": count, "share": share} for kind, count, share in found.kinds()]
        return {**to_json(found), "kinds": kinds, "sentence": found.sentence()}

    parts: list[tuple[str, bool, Callable[[], dict[str, Any]]]] = [
        ("photo", wishes.photo is not None, around),
        ("sustained", wishes.sustained_s is not None, sustained),
        ("profile", wishes.profile, operators),
    ]
    found: dict[str, Any] = {}
    faults: list[str] = []
    for name, wanted, measure in parts:
        try:
            found |= {name: measure()} if wanted else {}
        except (BenchmarkError, DeviceUnreachable, InputError) as error:
            faults.append(f"{name}: {error}")
    return found, faults


def _comparisons(
    runnables: list[Runnable],
    chosen: dict[int, tuple[int, ...]],
    errors: dict[tuple[int, int], str],
    wishes: Wishes,
    told: Told,
) -> list[dict[str, Any]]:
    pairs = [(n, threads) for threads in wishes.threads for n in range(1, len(runnables))] if wishes.compare else []
    found = []
    for place, (number, threads) in enumerate(pairs):
        a, b = runnables[0], runnables[number]
        if (0, threads) in errors or (number, threads) in errors:
            continue
        duel = take_turns(
            a,
            b,
            threads=threads,
            cores=chosen[threads],
            seconds=wishes.turns_s,
            told=lambda share, what, place=place: told((place + share) / len(pairs), what),  # type: ignore[misc]
        )
        found.append(
            {
                "a": str(a.path),
                "b": str(b.path),
                "threads": threads,
                "cores": list(chosen[threads]),
                **to_json(duel.comparison),
                "sentence": ratio.sentence(duel.comparison, *_names(a.path, b.path)),
                "turns": to_json(duel.turns),
                "warmup_ms": to_json(duel.warmup_ms),
            }
        )
    return found


def _names(a: Path, b: Path) -> tuple[str, str]:
    """Short names that differ where they can."""
    return (a.name, b.name) if a.name != b.name else (str(a), f"{b} (again)" if a == b else str(b))
