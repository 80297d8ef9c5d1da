"""What the turns of two files say: a ratio, or "not resolvable". Pure.

Each file runs in two processes at once, and all four take turns, so that two questions are answered by the same minutes: how far
apart are the files (A against B), and how far apart is a file from itself (A against A, B against B): the noise floor. A process
keeps its luck, good or bad (where its memory came to lie), as long as it lives; so there are several generations of fresh ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgetl.stats import Interval, bootstrap_interval, percentile, unstable
from edgetl.timing.strain import Strain

MIN_ROUNDS = 8
"""Fewest rounds that an interval is made of (our choice: with fewer the bootstrap is too narrow by much)."""
TREND_Z = 3.0
"""Normal score of the trend test from which a ratio counts as moving (our choice: by luck in 1 of 370 runs)."""
TREND_LIMIT = 0.01
"""How far the ratio's later half must be from its earlier half besides (our choice)."""
SURE_FACTOR = 4.0
"""How many times smaller than the difference of the files a movement or spread must be, to be no reason to refuse: what moves by
2 % does not put in question which of two files is eleven times slower (our choice)."""
UNSETTLED_LIMIT = 0.25
"""Share of the processes that may begin their turns before they are steady (our choice: turns warm them further)."""
_FLOOR_LEAST = 0.002
"""No host is trusted to tell files apart by less (our choice)."""
_RESAMPLES = 2000

Place = Literal["a", "b"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One process's timed inferences within a round."""

    generation: int
    round: int
    file: Place
    process: int
    """0 or 1: which of the file's two processes."""
    values_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """B's time over A's."""

    ratio: float
    """Median over rounds."""
    low: float
    high: float
    """95 % interval of the ratio: bootstrap over rounds, those of a generation drawn together."""
    floor: float
    """Smallest factor between two files that this host could tell from luck during these rounds; 1.02 = 2 %."""
    resolvable: bool
    reasons: tuple[str, ...]
    """Why not; empty when it is."""
    round_ratios: tuple[float, ...]
    self_ratios: tuple[float, ...]
    """A against itself and B against itself, one a generation each."""
    strain: Strain


def compare(turns: Sequence[Turn], strain: Strain, *, unsettled: int = 0, seed: int = 0) -> Comparison:
    """Reduce turns to a ratio and judge whether it means anything.

    Args:
        turns: of whole rounds, each with every process of both files equally often.
        strain: what else went on meanwhile.
        unsettled: processes whose warm-up did not end in a steady state.
        seed: of the bootstrap.

    Returns:
        The comparison; not resolvable when the interval holds 1, when a file differs from itself by as much, when the medians of
        the turns are unstable or their ratio moves, when there are too few rounds, or when something disturbed them.

    Raises:
        ValueError: no turns, or a round without one of the four processes.
    """
    rounds = sorted({(turn.generation, turn.round) for turn in turns})
    medians: dict[tuple[int, int, Place, int], list[float]] = {}
    for turn in turns:
        key = (turn.generation, turn.round, turn.file, turn.process)
        medians.setdefault(key, []).append(percentile(turn.values_ms, 50.0))
    if not rounds or any((g, r, file, process) not in medians for g, r in rounds for file in "ab" for process in (0, 1)):
        raise ValueError("a round lacks one of the four processes.")

    def log(g: int, r: int, file: Place, process: int) -> float:
        found = medians[g, r, file, process]
        return math.fsum(map(math.log, found)) / len(found)

    between = [(log(g, r, "b", 0) + log(g, r, "b", 1) - log(g, r, "a", 0) - log(g, r, "a", 1)) / 2 for g, r in rounds]
    files: tuple[Place, Place] = ("a", "b")
    within = [
        percentile([log(g, r, file, 0) - log(g, r, file, 1) for g, r in rounds if g == generation], 50.0)
        for generation in sorted({g for g, _ in rounds})
        for file in files
    ]
    together = max(sum(g == generation for g, _ in rounds) for generation, _ in rounds)
    low, high = bootstrap_interval(between, _median, seed, resamples=_RESAMPLES, block=together)
    middle = _median(between)
    floor = max(_FLOOR_LEAST, *(abs(value) for value in within))
    own = {file: [m for key, found in medians.items() if key[2] == file for m in found] for file in files}
    reasons = _reasons(between, (low, high), middle, floor, own)
    processes = 4 * len({g for g, _ in rounds})
    if unsettled > UNSETTLED_LIMIT * processes:
        reasons.append(f"{unsettled} of {processes} processes never came to a steady state")
    reasons += strain.reasons()
    return Comparison(
        ratio=math.exp(middle),
        low=math.exp(low),
        high=math.exp(high),
        floor=math.exp(floor),
        resolvable=not reasons,
        reasons=tuple(reasons),
        round_ratios=tuple(map(math.exp, between)),
        self_ratios=tuple(map(math.exp, within)),
        strain=strain,
    )


def _reasons(between: list[float], ends: Interval, middle: float, floor: float, own: dict[Place, list[float]]) -> list[str]:
    """Why the times themselves say nothing; logarithms but for `own`, milliseconds."""
    found = []
    if len(between) < MIN_ROUNDS:
        found.append(f"{len(between)} rounds are too few, take at least {MIN_ROUNDS}")
    if ends[0] <= 0.0 <= ends[1]:
        found.append(f"the interval of the ratio, {math.exp(ends[0]):.3f} to {math.exp(ends[1]):.3f}, holds 1")
    if abs(middle) <= floor:
        found.append(
            f"the files differ by {math.expm1(abs(middle)):.1%}, and a file differs from itself by {math.expm1(floor):.1%}"
        )
    for file, medians in own.items():
        if math.log(max(medians) / min(medians)) * SURE_FACTOR > abs(middle):
            found += [f"{file.upper()}: {why}" for why in unstable(medians) if "too few" not in why]
    half = len(between) // 2
    moved = _median(between[half:]) - _median(between[:half]) if half else 0.0
    if abs(trend_score(between)) >= TREND_Z and abs(moved) > TREND_LIMIT and abs(moved) * SURE_FACTOR > abs(middle):
        found.append(f"the ratio moves, by {math.expm1(moved):+.1%} from the first half of the rounds to the second")
    return found


def trend_score(values: Sequence[float]) -> float:
    """Normal score of the hypothesis that values do not rise or fall with their order (Mann and Kendall's test).

    Args:
        values: in order.

    Returns:
        About normal with spread 1 when there is no trend; positive when they rise; 0.0 for fewer than three values.

    Source: Kendall, "Rank Correlation Methods" (1975); variance without the term for ties, which only lowers the score.
    """
    n = len(values)
    if n < 3:
        return 0.0
    rises = sum((later > earlier) - (later < earlier) for i, earlier in enumerate(values) for later in values[i + 1 :])
    spread = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return math.copysign(max(0, abs(rises) - 1), rises) / spread


def sentence(found: Comparison, a: str, b: str) -> str:
    """Say the result in words.

    Args:
        found: the comparison.
        a: what to call the first file.
        b: what to call the second.

    Returns:
        One sentence.
    """
    if not found.resolvable:
        return f"Whether {b} is faster or slower than {a} is not resolvable on this host: {'; '.join(found.reasons)}."
    word = "longer" if found.ratio > 1 else "less long"
    times = found.ratio if found.ratio > 1 else 1 / found.ratio
    ends = (found.low, found.high) if found.ratio > 1 else (1 / found.high, 1 / found.low)
    if times < 1.1:
        return f"{b} takes {times - 1:.1%} {word} than {a} (95 % interval {ends[0] - 1:.1%} to {ends[1] - 1:.1%})."
    word = "slower" if found.ratio > 1 else "faster"
    return f"{b} is {times:.2f} times {word} than {a} (95 % interval {ends[0]:.2f} to {ends[1]:.2f})."


def _median(values: Sequence[float]) -> float:
    return percentile(values, 50.0)
