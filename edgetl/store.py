"""Results of stages on disk: found again by what went into them, complete or absent, and able to say why a stage must run.

`<root>/<recipe>/<stage>/<target>/<key>/` holds a stage's files and `stage.json`. A stage works in `<key>.partial`, which is
renamed when it is whole, so a killed run leaves no half result; a stage that can resume finds its partial folder again.
`key` is the sha256 of everything that decides the result: stage, its VERSION, the part of the recipe it reads, the keys of the
results it starts from, versions of the packages it calls. History of stage.json: schema 1 = first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgetl.errors import InputError

ROOT = Path(".edgetl")
"""The store of the working folder."""
RECORD = "stage.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage on one target, and everything that decides its result."""

    stage: str
    target: str
    """`format/scheme`, a scheme, or "" for the whole recipe."""
    variant: str = ""
    """Tells several steps of one stage on one target apart: "litert x2"."""
    decides: dict[str, Any] = field(default_factory=dict)
    """Flat: what decides the result → its value; plain JSON."""

    @property
    def key(self) -> str:
        """Name of the result: 20 hexadecimal digits of a sha256."""
        text = json.dumps([self.stage, self.target, self.variant, self.decides], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def label(self) -> str:
        """For people: "convert tflite/fp32"."""
        return " ".join(word for word in (self.stage, self.target, self.variant) if word)


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a step must run, and why."""

    cached: bool
    reasons: tuple[str, ...]


class Store:
    """The results of one recipe."""

    def __init__(self, root: Path, recipe: str) -> None:
        """Name the store; nothing is created yet.

        Args:
            root: the store's folder, `.edgetl` as a rule.
            recipe: name of the recipe.
        """
        self.folder = root / recipe

    def path(self, step: Step) -> Path:
        """Folder of a step's finished result."""
        return self._shelf(step) / step.key

    def _shelf(self, step: Step) -> Path:
        return self.folder / step.stage / ("_".join(filter(None, (*step.target.split("/"), *step.variant.split()))) or "all")

    def status(self, step: Step, *, thorough: bool = False) -> Status:
        """Tell whether the result is there and whole; if not, why the step must run.

        Args:
            step: the step.
            thorough: compare the sha256 of every file too, not its size alone.

        Returns:
            The status; its reasons are sentences for people.
        """
        record = _read(self.path(step) / RECORD)
        if record is not None:
            damage = self._damage(step, record, thorough)
            return Status(True, ()) if damage is None else Status(False, (f"the kept result is damaged: {damage}",))
        partial = self.path(step).with_suffix(".partial").is_dir()
        shelf = self._shelf(step)
        kept = [p for p in shelf.glob(f"*/{RECORD}") if p.parent.suffix != ".partial"] if shelf.is_dir() else []
        earlier = [r for r in map(_read, kept) if r is not None]
        started = ("an earlier run of it did not finish",) if partial else ()
        if not earlier:
            return Status(False, started or ("has not run yet",))
        latest = max(earlier, key=lambda r: float(r["finished_s"]))
        return Status(False, (*_changes(latest["decides"], step.decides), *started))

    def _damage(self, step: Step, record: dict[str, Any], thorough: bool) -> str | None:
        for name, (size, digest) in record["files"].items():
            path = self.path(step) / name
            try:
                if path.stat().st_size != size:
                    return f"{name} has another size"
                if thorough and _sha256(path) != digest:
                    return f"{name} has another content"
            except (OSError, ValueError):
                return f"{name} is gone"
        return None

    def result(self, step: Step) -> dict[str, Any]:
        """What a finished step answered (the `result` of its stage.json)."""
        record = _read(self.path(step) / RECORD)
        if record is None:
            raise InputError(f"{self.path(step)}: holds no finished {step.label}.")
        return {**record["result"], "seconds": record["seconds"]}

    def begin(self, step: Step, *, resumable: bool) -> Path:
        """Open the folder in which a step works.

        Args:
            step: the step.
            resumable: keep what an interrupted run left there; else start empty.

        Returns:
            The partial folder.
        """
        partial = self.path(step).with_suffix(".partial")
        if partial.exists() and not resumable:
            shutil.rmtree(partial)
        if self.path(step).exists():  # damaged, or this would not run
            shutil.rmtree(self.path(step))
        partial.mkdir(parents=True, exist_ok=True)
        return partial

    def commit(self, step: Step, result: dict[str, Any], seconds: float, finished_s: float) -> None:
        """Make a partial folder the step's result, whole or not at all.

        Args:
            step: the step.
            result: what the stage answered; plain JSON.
            seconds: how long it took.
            finished_s: Unix time.
        """
        partial = self.path(step).with_suffix(".partial")
        files = {
            path.relative_to(partial).as_posix(): (path.stat().st_size, _sha256(path))
            for path in sorted(partial.rglob("*"))
            if path.is_file() and path != partial / RECORD  # one of an earlier commit that was killed before its last step
        }
        record = {
            "schema": 1,
            "stage": step.stage,
            "target": step.target,
            "variant": step.variant,
            "decides": step.decides,
            "seconds": round(seconds, 3),
            "finished_s": finished_s,
            "files": files,
            "result": result,
        }
        with (partial / RECORD).open("w", encoding="utf-8") as file:
            json.dump(record, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self.path(step))

    def discard(self, step: Step) -> None:
        """Forget what a failed step left in its partial folder."""
        shutil.rmtree(self.path(step).with_suffix(".partial"), ignore_errors=True)

    def _prune(self) -> None:
        """Remove folders that hold nothing, so that a refused request leaves no trace; and the lock with the last of them."""
        for folder in sorted((p for p in self.folder.rglob("*") if p.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
        if [p.name for p in self.folder.iterdir()] == ["lock"]:
            shutil.rmtree(self.folder)
            if not any(self.folder.parent.iterdir()):
                self.folder.parent.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for one run; the system lets go of it when the process ends, however it ends.

        Raises:
            InputError: another run of this recipe is going on.
        """
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(f"{self.folder}: another run of this recipe is using it. Wait for it to end.") from error
            try:
                yield
            finally:
                self._prune()


_ENTRY = re.compile(r".*?\[\d+\]\.")
"""An entry of a list in a key, such as `train[1].` of `train[1].epochs`: told as one when all of it is new or gone."""


def _read(path: Path) -> dict[str, Any] | None:
    """Read a record; None when it is absent or not one (then it is as good as absent)."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("schema") != 1:
        return None
    fields = {"decides": dict, "files": dict, "result": dict, "seconds": int | float, "finished_s": int | float}
    whole = all(isinstance(record.get(name), kind) for name, kind in fields.items())
    return record if whole and all(isinstance(f, list) and len(f) == 2 for f in record["files"].values()) else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """Say in words how two descriptions differ."""
    told = []
    entries = [{found[0] for name in side if (found := _ENTRY.match(name))} for side in (before, after)]
    told += [f"{entry[:-1]} removed" for entry in sorted(entries[0] - entries[1])]
    told += [f"{entry[:-1]} added" for entry in sorted(entries[1] - entries[0])]
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new and not name.startswith(tuple(entries[0] ^ entries[1])):
            if name.startswith("from "):
                told.append(f"{name[5:]} is another")
            else:
                told.append(f"{name} changed: {_short(old)} → {_short(new)}")
    return tuple(told) or ("its result was removed",)


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"
