"""A Mac over ssh: Core ML loads and predicts there, in Python with coremltools. Its times are the Mac's, not an iPhone's.

The compute plan says which share of the operations Core ML means to run on the CPU, the GPU and the Neural Engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgetl.connections._openssh import KeptLink, Place, Wire, missing
from edgetl.connections._served import ServedSession, checked_probe
from edgetl.errors import BenchmarkError, EdgetlError
from edgetl.types import Evidence

TITLE = "A Mac over ssh: Core ML through coremltools, on the compute units you choose."
EVIDENCE: Evidence = "measured"
RUNTIMES = ("coreml",)
CORE_ML = Path(__file__).with_name("_core_ml.py")
LOAD_S = 600.0
"""What loading may take: Core ML compiles the model, and may prepare it for the Neural Engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Place):
    """See `ConnectionModule.Settings`."""

    compute_units: Literal["all", "cpu_only", "cpu_and_ne", "cpu_and_gpu"] = "all"
    """What Core ML may use: coremltools.ComputeUnit, in lower case."""


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
    """See `ConnectionModule.probe`.

    Raises:
        BenchmarkError: what answers is no Mac.
    """
    wire = Wire(settings)
    try:
        found = checked_probe(wire.ask("probe"), settings.host)
    finally:
        wire.close()
    if found["system"] != "Darwin":
        raise BenchmarkError(f"{settings.host}: Core ML runs on macOS; this is {found['system']}. Name a Mac.")
    return found


class _Link(KeptLink):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings

    def start(self, artifact: Path, runtime: str, threads: int) -> ServedSession:
        if runtime not in RUNTIMES:
            raise BenchmarkError(f"{artifact.name}: on this connection only {', '.join(RUNTIMES)} runs, not {runtime}.")
        job = {"model": self._wire.keep(artifact), "runtime": runtime, "threads": threads, "cpus": None, "seed": 0}
        job |= {"core_ml": self._wire.keep(CORE_ML), "units": self._settings.compute_units}
        name, advice = f"{self._settings.host}: {artifact.name}", self._settings.advice
        return ServedSession(self._wire.runner(), job, name=name, put_array=self._put_array, load_s=LOAD_S, advice=advice)


def open(settings: Settings) -> _Link:
    """See `ConnectionModule.open`. Packages stay there in `folder`, up to 2 GiB; images are removed when the link closes."""
    return _Link(settings)
