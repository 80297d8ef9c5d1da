"""What else went on at the cores while something was timed there: other processes, the hypervisor, waiting for a core."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgetl.connections._served import ServedSession

OTHERS_LIMIT = 0.10
"""Share of our cores' time that other processes may take (our choice: an idle desktop's take 1 to 3 %)."""
STEAL_LIMIT = 0.05
"""Share that the hypervisor may give to other guests (our choice)."""
WAITED_LIMIT = 0.10
"""Share of the time it wanted to run that a timed process may wait for a core (our choice: below it the median of a turn is still
that of inferences nobody interrupted, and the noise floor comes from the same rounds)."""
ALL_OTHERS_LIMIT = 0.2
"""Share of all cores' time that may go to others (our choice: less than one busy loop on two or four cores)."""
_ENOUGH_S = 0.2
"""Below this the system's clock ticks of 10 ms say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """Sums over the time watched; all in seconds, over all cores watched."""

    core_s: float = 0.0
    """Length of the time watched times cores."""
    own_s: float = 0.0
    """CPU time of the timed processes."""
    others_s: float = 0.0
    """CPU time of everything else on these cores."""
    all_core_s: float = 0.0
    """Length of the time watched times all cores of the host."""
    all_others_s: float = 0.0
    """CPU time of everything else on all cores: others are moved off a pinned core, but caches and clocks are shared."""
    steal_s: float = 0.0
    waited_s: float | None = 0.0
    """Time that the timed processes waited for a core; None where the system does not say."""
    involuntary: int = 0
    """Times that the timed processes were put aside for another one."""

    def __add__(self, other: Strain) -> Strain:
        return Strain(
            core_s=self.core_s + other.core_s,
            own_s=self.own_s + other.own_s,
            others_s=self.others_s + other.others_s,
            all_core_s=self.all_core_s + other.all_core_s,
            all_others_s=self.all_others_s + other.all_others_s,
            steal_s=self.steal_s + other.steal_s,
            waited_s=None if self.waited_s is None or other.waited_s is None else self.waited_s + other.waited_s,
            involuntary=self.involuntary + other.involuntary,
        )

    @property
    def others_share(self) -> float:
        """Share of the cores' time that went to other processes."""
        return self.others_s / self.core_s if self.core_s else 0.0

    @property
    def steal_share(self) -> float:
        """Share of the cores' time that the hypervisor took."""
        return self.steal_s / self.core_s if self.core_s else 0.0

    @property
    def waited_share(self) -> float | None:
        """Share of the time the timed processes wanted to run that they waited for a core."""
        if self.waited_s is None:
            return None
        wanted = self.own_s + self.waited_s
        return self.waited_s / wanted if wanted else 0.0

    def reasons(self) -> tuple[str, ...]:
        """Say what disturbed the times, one phrase each; empty when nothing did."""
        if self.core_s < _ENOUGH_S:
            return ()
        found = []
        if self.others_share > OTHERS_LIMIT:
            found.append(f"other processes took {self.others_share:.0%} of the cores' time")
        elif self.all_core_s and self.all_others_s / self.all_core_s > ALL_OTHERS_LIMIT:
            found.append(f"other processes took {self.all_others_s / self.all_core_s:.0%} of all cores' time")
        if self.steal_share > STEAL_LIMIT:
            found.append(f"the hypervisor took {self.steal_share:.0%} of the cores' time")
        if self.waited_share is not None and self.waited_share > WAITED_LIMIT:
            found.append(f"the timed process waited for a core in {self.waited_share:.0%} of its time")
        return tuple(found)


class Watch:
    """Counts from `begin` to `end` what happens on some cores while sessions run there."""

    def __init__(self, sessions: Sequence[ServedSession], cores: tuple[int, ...]) -> None:
        """Begin to watch.

        Args:
            sessions: local sessions, alive until `end`.
            cores: those they are pinned to; empty = all.
        """
        self._sessions, self._cores = tuple(sessions), cores
        self._begun, self._busy, self._steal = time.monotonic(), *self._system(self._cores)
        self._all_busy, _ = self._system(())
        self._own = [session.counters() for session in self._sessions]

    def end(self) -> Strain:
        """Say what happened since the beginning."""
        own = [session.counters() for session in self._sessions]
        busy, steal = self._system(self._cores)
        all_busy, _ = self._system(())
        seconds = time.monotonic() - self._begun

        def grown(key: str) -> float | None:
            pairs = [(now[key], then[key]) for now, then in zip(own, self._own, strict=True)]
            return None if any(n is None or t is None for n, t in pairs) else sum(float(n or 0) - float(t or 0) for n, t in pairs)

        cpu_s = grown("cpu_s") or 0.0
        return Strain(
            core_s=seconds * self._count(self._cores),
            own_s=cpu_s,
            others_s=max(0.0, busy - self._busy - cpu_s),
            all_core_s=seconds * self._count(()),
            all_others_s=max(0.0, all_busy - self._all_busy - cpu_s),
            steal_s=max(0.0, steal - self._steal),
            waited_s=grown("waited_s"),
            involuntary=int(grown("involuntary") or 0),
        )

    @staticmethod
    def _count(cores: tuple[int, ...]) -> int:
        import psutil

        return len(cores) or int(psutil.cpu_count() or 1)

    @staticmethod
    def _system(cores: tuple[int, ...]) -> tuple[float, float]:
        """Busy and stolen seconds of some cores since the system began; empty = all."""
        import psutil

        times: list[Any] = psutil.cpu_times(percpu=True)
        chosen = [times[core] for core in cores if core < len(times)] or times
        busy = steal = 0.0
        for each in chosen:
            steal += getattr(each, "steal", 0.0)
            # guest time is within user time already: proc(5)
            busy += sum(getattr(each, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        return busy, steal
