"""A board or computer over ssh: Python there runs the runner, one process an artifact. What it says is measured on the device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from edgetl.connections._openssh import KeptLink, Place, Wire, missing
from edgetl.connections._served import ServedSession, checked_probe
from edgetl.errors import EdgetlError
from edgetl.schema import Bound
from edgetl.types import Evidence

TITLE = "A board or computer over ssh; Python and the runtime there, nothing else."
EVIDENCE: Evidence = "measured"
RUNTIMES = ("litert", "onnxruntime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Place):
    """See `ConnectionModule.Settings`."""

    cpus: tuple[Annotated[int, Bound(ge=0, le=1023)], ...] = ()
    """Cores that the process may use there; empty = all."""


def unavailable() -> str | None:
    """See `ConnectionModule.unavailable`."""
    return missing()


def unreachable(settings: Settings) -> str | None:
    """See `ConnectionModule.unreachable`."""
    try:
        probe(settings)
    except EdgetlError as error:
        return str(error)
    return None


def probe(settings: Settings) -> dict[str, Any]:
    """See `ConnectionModule.probe`."""
    wire = Wire(settings)
    try:
        return checked_probe(wire.ask("probe"), settings.host)
    finally:
        wire.close()


class _Link(KeptLink):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings

    def start(self, artifact: Path, runtime: str, threads: int) -> ServedSession:
        cpus = list(self._settings.cpus) or None
        job = {"model": self._wire.keep(artifact), "runtime": runtime, "threads": threads, "cpus": cpus, "seed": 0}
        name, advice = f"{self._settings.host}: {artifact.name}", self._settings.advice
        return ServedSession(self._wire.runner(), job, name=name, put_array=self._put_array, advice=advice)


def open(settings: Settings) -> _Link:
    """See `ConnectionModule.open`. Artifacts stay there in `folder`, up to 2 GiB; images are removed when the link closes."""
    return _Link(settings)
