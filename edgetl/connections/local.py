"""This computer: a process of its own for each artifact. Its times are never a device's."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl.connections._served import PROFILER, RUNNER, ServedSession
from edgetl.packages import version
from edgetl.types import Evidence

TITLE = "This computer, one process an artifact."
EVIDENCE: Evidence = "host"
RUNTIMES = ("litert", "onnxruntime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See `ConnectionModule.Settings`."""

    cpus: tuple[int, ...] = ()
    """Cores that the process may use; empty = all that this one may."""


def unavailable() -> str | None:
    """See `ConnectionModule.unavailable`."""
    return None


def unreachable(settings: Settings) -> str | None:
    """See `ConnectionModule.unreachable`."""
    return None


def probe(settings: Settings) -> dict[str, Any]:
    """See `ConnectionModule.probe`."""
    system = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    return {**system, "runtimes": {"litert": version("ai-edge-litert"), "onnxruntime": version("onnxruntime")}}


class _Link:
    def __init__(self, settings: Settings) -> None:
        self._cpus = list(settings.cpus) or None

    def start(self, artifact: Path, runtime: str, threads: int, *, profiled: bool = False) -> ServedSession:
        """See `Link.start`; `profiled`: the session can say what each operator costs, and is slower for it."""
        job = {"model": str(artifact), "runtime": runtime, "threads": threads, "cpus": self._cpus, "seed": 0}
        if profiled:
            job["profiler"] = str(PROFILER)
        return ServedSession([sys.executable, "-I", str(RUNNER)], job, name=artifact.name)

    def close(self) -> None:
        return


def open(settings: Settings) -> _Link:
    """See `ConnectionModule.open`."""
    return _Link(settings)
