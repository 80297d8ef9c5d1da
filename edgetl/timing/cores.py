"""Which cores a timed process may use: as many as it has threads, each another physical core where that is known."""

from __future__ import annotations

import os
from pathlib import Path

from edgetl.errors import InputError

_TOPOLOGY = Path("/sys/devices/system/cpu")
"""Source: Linux, Documentation/ABI/testing/sysfs-devices-system-cpu."""


def allowed() -> tuple[int, ...]:
    """Cores that this process may use, in order; empty where the system knows no affinity (macOS)."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def choose(threads: int, cores: tuple[int, ...] | None = None, topology: Path = _TOPOLOGY) -> tuple[int, ...]:
    """Choose cores to pin a process to.

    The fastest ones (`cpu_capacity`) first, then one of each physical core, then those with high numbers: core 0 is the one that
    most interrupts go to.

    Args:
        threads: how many, at least 1.
        cores: choose among these; None = those that this process may use.
        topology: where Linux describes cores.

    Returns:
        `threads` core numbers, in order; empty where the system knows no affinity.

    Raises:
        InputError: there are fewer cores than threads.
    """
    found = allowed() if cores is None else cores
    if not found:
        return ()
    if threads > len(found):
        raise InputError(f"{threads} threads need {threads} cores, and {len(found)} may be used here. Ask for fewer.")
    taken: dict[str, int] = {}
    ranked = []
    for core in sorted(found, reverse=True):
        here = topology / f"cpu{core}"
        capacity = _read(here / "cpu_capacity")
        physical = _read(here / "topology" / "core_cpus_list") or _read(here / "topology" / "thread_siblings_list") or str(core)
        rank = taken[physical] = taken.get(physical, -1) + 1
        ranked.append((-int(capacity) if capacity.isdigit() else 0, rank, -core))
    return tuple(sorted(-core for _, _, core in sorted(ranked)[:threads]))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
