"""Ship set: the fewest artifacts that serve every device. Pure: no I/O, no clock.

Input: what each artifact weighs, and its verdicts. Output: which artifacts to ship, what each device gets and why, and what keeps
the others from being served. Fewest first, then the fewest delivered bytes, then the better top-1 (of the worst artifact first),
then names.

An artifact serves a device that can load it when every gate and every figure of the device's budget passes. Where nothing does,
and it is allowed, what is unsure at worst serves too. A gate that was skipped proves nothing, so it is unsure here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from edgetl import setcover, verdicts
from edgetl.types import Outcome, Verdict

FILE = "shipset.json"
"""What it is kept as, in the folder of the run or of its bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One artifact that may be shipped."""

    name: str
    """`format/scheme`."""
    format: str
    path: str
    """Relative to the run's folder."""
    sha256: str
    delivered_bytes: int
    """Compressed."""
    top1: float | None
    """On the test split; None where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One artifact on one device."""

    artifact: str
    outcome: Outcome
    """The worst of `verdicts`; pass when there are none."""
    verdicts: tuple[Verdict, ...]
    """Of every gate and of every figure of the budget."""

    def missed(self) -> tuple[Verdict, ...]:
        """The verdicts for which it does not pass."""
        return tuple(v for v in self.verdicts if v.outcome != "pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A device and what it gets."""

    device: str
    given: Judged
    why: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """A device that gets nothing."""

    device: str
    nearest: Judged | None
    """The artifact that misses least; None when it can load none."""
    why: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipSet:
    """What to ship."""

    artifacts: tuple[Candidate, ...]
    """By name."""
    delivered_bytes: int
    served: tuple[Served, ...]
    unserved: tuple[Unserved, ...]


def choose(
    candidates: Sequence[Candidate], formats: Mapping[str, Iterable[str]], found: Sequence[Verdict], *, allow_unsure: bool
) -> ShipSet:
    """Choose what to ship.

    Args:
        candidates: the artifacts, no two of one name.
        formats: device → formats that it can load, in the order in which devices are told.
        found: verdicts on these artifacts: gates (of no device) and budgets.
        allow_unsure: where nothing passes, take what is unsure at worst.

    Returns:
        The ship set.
    """
    by_name = {candidate.name: candidate for candidate in candidates}
    matrix = {
        device: [_judged(c, device, found) for c in candidates if c.format in set(loads)] for device, loads in formats.items()
    }
    serving: dict[str, dict[str, Judged]] = {}
    for device, row in matrix.items():
        sure = {j.artifact: j for j in row if j.outcome == "pass"}
        doubtful = {j.artifact: j for j in row if j.outcome == "unsure"} if allow_unsure else {}
        serving[device] = sure or doubtful
    columns = {
        c.name: setcover.Column(
            name=c.name,
            rows=frozenset(number for number, able in enumerate(serving.values()) if c.name in able),
            cost=c.delivered_bytes,
            worth=c.top1 or 0.0,
        )
        for c in candidates
    }
    chosen = setcover.fewest(list(columns.values()))
    served, unserved = [], []
    for device, able in serving.items():
        fitting = sorted((column for column in chosen if column.name in able), key=lambda column: column.rank)
        if fitting:
            given = able[fitting[0].name]
            served.append(Served(device=device, given=given, why=_why_served(given, [c.name for c in fitting], len(able))))
        else:
            unserved.append(_unserved(device, matrix[device], columns, list(formats[device])))
    return ShipSet(
        artifacts=tuple(by_name[column.name] for column in chosen),
        delivered_bytes=sum(column.cost for column in chosen),
        served=tuple(served),
        unserved=tuple(unserved),
    )


def _judged(candidate: Candidate, device: str, found: Sequence[Verdict]) -> Judged:
    own = [v for v in found if f"{v.format}/{v.scheme}" == candidate.name and v.device in (None, device)]
    own = [replace(v, outcome="unsure", reason=f"was not judged: {v.reason}") if v.outcome == "skipped" else v for v in own]
    return Judged(artifact=candidate.name, outcome=verdicts.worst(v.outcome for v in own) if own else "pass", verdicts=tuple(own))


def _why_served(given: Judged, fitting: Sequence[str], able: int) -> str:
    told = figures(v for v in given.verdicts if v.device is not None or v.outcome != "pass") or "the device asks nothing of it"
    others = f"{len(fitting)} of the set serve it, this one takes the fewest bytes" if fitting[1:] else "the only one of the set"
    return f"{told} ({others}; {able} of the run would do)."


def figures(judged: Iterable[Verdict]) -> str:
    """Tell verdicts in short: each figure, its limit, and how it is known.

    Args:
        judged: any number.

    Returns:
        One line; empty for none.
    """
    return "; ".join(map(_figure, judged))


def _figure(verdict: Verdict) -> str:
    value = "unknown" if verdict.value is None else f"{verdict.value:.3g}"
    between = f", {verdict.interval[0]:.3g} to {verdict.interval[1]:.3g}" if verdict.interval else ""
    limit = "unknown" if verdict.limit is None else f"{verdict.limit:g}"
    doubt = "" if verdict.outcome == "pass" else f", {verdict.outcome}"
    return f"{verdict.gate} {value} of {limit} ({verdict.evidence or 'not known'}{between}{doubt})"


def _unserved(device: str, row: Sequence[Judged], columns: Mapping[str, setcover.Column], loads: list[str]) -> Unserved:
    if not row:
        why = f"it loads {', '.join(loads)}, and the run made none of these; add such a target to the recipe."
        return Unserved(device=device, nearest=None, why=why)

    def distance(judged: Judged) -> tuple[int, int, float, tuple[int, float, str]]:
        fails = [v for v in judged.missed() if v.outcome == "fail"]
        return len(fails), len(judged.missed()), max(map(_beyond, judged.missed()), default=0.0), columns[judged.artifact].rank

    nearest = min(row, key=distance)
    told = "; ".join(f"{v.gate} {v.outcome}: {v.reason.rstrip('.')}" for v in nearest.missed())
    return Unserved(device=device, nearest=nearest, why=f"nearest is {nearest.artifact}: {told}.")


def _beyond(verdict: Verdict) -> float:
    """How far a figure lies on the wrong side of its limit, as a share of the limit; infinite where there is no figure."""
    if verdict.value is None or verdict.limit is None:
        return float("inf")
    beyond = verdict.limit - verdict.value if verdict.gate.startswith("min_") else verdict.value - verdict.limit
    return beyond / (abs(verdict.limit) or 1.0)
