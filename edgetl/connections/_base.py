"""What a connection module must define, and what it opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edgetl.types import Evidence

if TYPE_CHECKING:
    import numpy as np


class Session(Protocol):
    """One artifact, loaded on the device in a process of its own."""

    @property
    def facts(self) -> dict[str, Any]:
        """What the device says of itself and of the load: `engine`, `load_ms`, `first_inference_ms`, `cpu`, `cores`, `system`.

        `values_are` says what one value of `time` is: "inference" where each is timed, else for example "median of a run".
        Where the evidence is "emulated", what is a time is None.
        """

    def time(self, count: int, seconds: float) -> tuple[float, ...]:
        """Run up to `count` inferences, stopping after `seconds`; milliseconds of each, in order.

        Raises:
            BenchmarkError: this connection gives numbers only.
            DeviceUnreachable: the device went away, or answers nonsense.
        """

    def outputs(self, images: tuple[np.ndarray, ...]) -> tuple[tuple[np.ndarray, ...], ...]:
        """Outputs of each image, given in the model's own input type and shape (1, …); in the model's own output types.

        Raises:
            BenchmarkError: this connection gives times only.
        """

    def peak_memory_mib(self) -> float | None:
        """Growth of the process's resident memory since before the load, at its peak; None where it is not known."""

    def close(self) -> None:
        """End the process and free what it held. Safe to call twice, and after a failure."""


class Link(Protocol):
    """An open way to a device; several sessions may live at once, and take turns."""

    def start(self, artifact: Path, runtime: str, threads: int) -> Session:
        """Copy the artifact there if it is not yet there (by sha256) and load it.

        Args:
            artifact: file, or folder of an .mlpackage, on this host.
            runtime: name of a runtime module: "litert", "onnxruntime", "coreml".
            threads: CPU threads.

        Raises:
            DeviceUnreachable: the device does not answer, or went away.
            BenchmarkError: it answers, and cannot load the artifact.
        """

    def close(self) -> None:
        """Remove what was copied for this link and hang up. Safe to call twice."""


class ConnectionModule(Protocol):
    """The names a module in this folder defines. Constants are read-only.

    It may also define `prepare(settings, tell) -> str`, which makes here what it needs, tells what it does in some words, and
    returns what is there now; `edgetl device prepare` calls it.
    """

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def EVIDENCE(self) -> Evidence:
        """What a time taken through it is: "measured", "host", or "emulated" (then times say nothing, only numbers do)."""

    @property
    def RUNTIMES(self) -> tuple[str, ...]:
        """Runtime modules that it can use there."""

    @property
    def Settings(self) -> type[Any]:
        """Frozen dataclass of what it must be told (host, serial …), checked by `edgetl.schema`; without fields where nothing.

        Its `PATHS`, where it has one, names the fields that are paths of this host; `edgetl.desk` reads them from its file on.
        """

    def unavailable(self) -> str | None:
        """None, or what this host lacks for it and how to get it. Never raises."""

    def unreachable(self, settings: Any) -> str | None:
        """None, or why the device does not answer and how to mend it; takes at most some seconds. Never raises."""

    def probe(self, settings: Any) -> dict[str, Any]:
        """Ask the device what it has; takes at most some seconds.

        Returns:
            `runtimes`: name → version, None where it is not there; and what the device says of itself, as plain values.

        Raises:
            DeviceUnreachable: it does not answer; says how it was tried and what to check.
        """

    def open(self, settings: Any) -> Link:
        """Open the way.

        Raises:
            DeviceUnreachable: it does not answer; says how it was tried and what to check.
        """
