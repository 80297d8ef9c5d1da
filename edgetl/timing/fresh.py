"""One file in several fresh processes: what starting costs, what an inference takes once steady, how much memory it needs.

A median of one process can be off by some per cent for as long as the process lives, so its interval comes from drawing whole
processes, not inferences.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from edgetl import registry
from edgetl.stats import Interval, bootstrap_interval, percentile, unstable
from edgetl.timing.steady import warm_up
from edgetl.timing.strain import Strain, Watch
from edgetl.timing.turns import Runnable

MIN_VALUES = 8
"""Fewest timed inferences a process: five processes then give the 40 that a 90th percentile needs."""
MAX_VALUES = 400
"""Most; the bootstrap draws all of them two thousand times."""
_COLD = ("import_ms", "load_ms", "first_inference_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What one process did."""

    facts: dict[str, Any]
    """What the runner says of engine, host, load and first inference."""
    warmup_ms: tuple[float, ...]
    settled: bool
    values_ms: tuple[float, ...]
    peak_memory_mib: float | None
    """Growth of resident memory since before the load."""
    strain: Strain

    @property
    def cold_ms(self) -> float:
        """Importing the runtime, loading the file, first inference; the file itself is in the system's cache."""
        return float(sum(self.facts[key] for key in _COLD))


def live(chosen: Runnable, *, threads: int, cores: tuple[int, ...], seconds: float) -> Life:
    """Run a file in a process of its own.

    Args:
        chosen: the file.
        threads: CPU threads.
        cores: to pin it to; empty = none.
        seconds: about how long to time it once it is steady.

    Returns:
        What came out.

    Raises:
        BenchmarkError: it cannot be loaded.
        DeviceUnreachable: the process went away.
    """
    local = registry.load("connections", "local")
    with closing(local.open(local.Settings(cpus=cores)).start(chosen.path, chosen.runtime, threads)) as session:
        warm = warm_up(session.time)
        count = max(MIN_VALUES, min(MAX_VALUES, round(seconds * 1e3 / warm.window_ms)))
        watch = Watch([session], cores)
        values = session.time(count, 600.0)
        return Life(
            facts=dict(session.facts),
            warmup_ms=warm.values,
            settled=warm.settled,
            values_ms=values,
            strain=watch.end(),
            peak_memory_mib=session.peak_memory_mib(),
        )


def summarise(lives: Sequence[Life], *, seed: int = 0) -> dict[str, Any]:
    """Reduce the processes of one file to figures, each with what it is worth.

    Args:
        lives: at least one.
        seed: of the bootstrap.

    Returns:
        `p50_ms`, `p90_ms` as `{value, low, high}` (95 %, processes drawn whole), `load_ms`, `first_inference_ms` (medians),
        `cold_start_ms` and `peak_memory_mib` as `{median, max}` (memory None where it is not known), `warnings`.
    """
    values = [value for life in lives for value in life.values_ms]
    found: dict[str, Any] = {}
    for name, q in (("p50_ms", 50.0), ("p90_ms", 90.0)):
        low, high = _interval(lives, q, seed)
        found[name] = {"value": percentile(values, q), "low": low, "high": high}
    for name in ("load_ms", "first_inference_ms"):
        found[name] = percentile([life.facts[name] for life in lives], 50.0)
    memory = [life.peak_memory_mib for life in lives if life.peak_memory_mib is not None]
    found["cold_start_ms"] = _middle_and_most([life.cold_ms for life in lives])
    found["peak_memory_mib"] = _middle_and_most(memory) if memory else None
    found["warnings"] = list(warnings(lives))
    return found


def _interval(lives: Sequence[Life], q: float, seed: int) -> Interval:
    """95 % interval of a percentile of all values: whole processes are drawn, or neighbours where there is one process only.

    With five processes it is somewhat too narrow, as every bootstrap of five is.
    """
    if len(lives) == 1:
        values = lives[0].values_ms
        return bootstrap_interval(values, lambda drawn: percentile(drawn, q), seed, block=max(1, len(values) // 20))

    def of_drawn(numbers: Sequence[float]) -> float:
        return percentile([value for number in numbers for value in lives[int(number)].values_ms], q)

    return bootstrap_interval(range(len(lives)), of_drawn, seed)


def warnings(lives: Sequence[Life]) -> tuple[str, ...]:
    """Say why the times should not be trusted, one phrase each.

    Args:
        lives: at least one.

    Returns:
        Empty when nothing speaks against them.
    """
    found = list(unstable([value for life in lives for value in life.values_ms]))
    unsettled = sum(not life.settled for life in lives)
    if unsettled:
        found.append(f"{unsettled} of {len(lives)} processes never came to a steady state")
    strain = Strain()
    for life in lives:
        strain += life.strain
    return (*found, *strain.reasons())


def _middle_and_most(values: Sequence[float]) -> dict[str, float]:
    return {"median": percentile(values, 50.0), "max": max(values)}
