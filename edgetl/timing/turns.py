"""Two files that take turns on this host: the measuring for `edgetl.timing.ratio`."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.timing.ratio import Comparison, Place, Turn, compare
from edgetl.timing.steady import warm_up, window_size
from edgetl.timing.strain import Strain, Watch

if TYPE_CHECKING:
    from edgetl.connections._served import ServedSession

GENERATIONS = 5
"""Fresh processes for each file, twice (our choice: ten of each file; a process costs a fifth of a second)."""
MIN_ROUNDS = 2
"""Fewest rounds a generation."""
_ORDER: tuple[tuple[Place, int], ...] = (("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 1), ("b", 1), ("b", 0), ("a", 0))
"""A round: ABBA and back, so that what drifts evenly cancels for files and for processes."""
_WARM_UP_S = 1.5
"""Longest warm-up of each: there are twenty (our choice)."""
_SETTLE = 2
"""Untimed inferences at the start of a turn: the one before left the caches to another process."""
_REST_S = 0.02
"""Pause between turns with several threads: the idle threads of a pool go on spinning for some milliseconds (our choice)."""

Told = Callable[[float, str], None]
"""Hears how far it is, 0 to 1, and what runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runnable:
    """A file and what runs it."""

    path: Path
    runtime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """All that was measured of two files."""

    comparison: Comparison
    turns: tuple[Turn, ...]
    warmup_ms: tuple[tuple[float, ...], ...]
    """What each process ran before."""


def take_turns(
    a: Runnable, b: Runnable, *, threads: int, cores: tuple[int, ...], seconds: float, told: Told = lambda share, what: None
) -> Duel:
    """Measure two files in turns.

    Args:
        a: the one that is compared with.
        b: the one compared.
        threads: CPU threads of each.
        cores: to pin every process to; empty = none.
        seconds: how long the rounds may last together; slow files take longer, for there are at least two a generation.
        told: hears of progress.

    Returns:
        The ratio and all values.

    Raises:
        BenchmarkError: a file cannot be loaded.
        DeviceUnreachable: a process went away.
    """
    local = registry.load("connections", "local")
    link = local.open(local.Settings(cpus=cores))
    turns: list[Turn] = []
    warmups: list[tuple[float, ...]] = []
    strain, unsettled = Strain(), 0
    for generation in range(GENERATIONS):
        with ExitStack() as open_sessions:
            sessions: dict[tuple[Place, int], ServedSession] = {}
            counts: dict[Place, int] = {}
            for place, process in _ORDER[:4]:
                chosen = a if place == "a" else b
                told(generation / GENERATIONS, f"warming up {chosen.path.name}")
                session = open_sessions.enter_context(closing(link.start(chosen.path, chosen.runtime, threads)))
                warm = warm_up(session.time, limit_s=_WARM_UP_S)
                counts[place] = max(counts.get(place, 1), window_size(warm.window_ms))
                warmups.append(warm.values)
                unsettled += not warm.settled
                sessions[place, process] = session
            watch, begun, number = Watch(list(sessions.values()), cores), time.monotonic(), 0
            while number < MIN_ROUNDS or (time.monotonic() - begun) * (1 + 1 / number) < seconds / GENERATIONS:
                told((generation + min(0.99, (time.monotonic() - begun) * GENERATIONS / seconds)) / GENERATIONS, "taking turns")
                turns += _round(generation, number, sessions, counts, threads)
                number += 1
            strain += watch.end()
    return Duel(comparison=compare(turns, strain, unsettled=unsettled), turns=tuple(turns), warmup_ms=tuple(warmups))


def _round(
    generation: int, number: int, sessions: dict[tuple[Place, int], Any], counts: dict[Place, int], threads: int
) -> list[Turn]:
    found = []
    for place, process in _ORDER:
        if threads > 1:
            time.sleep(_REST_S)
        session = sessions[place, process]
        session.time(_SETTLE, 60.0)
        values = session.time(counts[place], 60.0)
        found.append(Turn(generation=generation, round=number, file=place, process=process, values_ms=tuple(values)))
    return found
