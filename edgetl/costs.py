"""What is known of an artifact's cost on a device: raw values, or an interval with its grade; and how it is judged.

Input: statistics that another tool stated, or an estimate of the median. Output: a `KnownCost`: bounds that hold for what the
budget speaks of, the 90th percentile. Bounds are worked out from what is stated, never from a shape that a distribution might
have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgetl.devices import DeviceProfile
from edgetl.reading import Reading, Statistics
from edgetl.stats import MIN_VALUES, Interval, bootstrap_interval, percentile, unstable
from edgetl.types import Evidence, Measurement, Outcome

TAIL_LOW, TAIL, TAIL_HIGH = 1.01, 1.11, 1.43
"""p90 / p50 of one inference: 5th percentile, median and 95th. Source: 2,299 MLPerf SingleStream logs on boards, TFLite and Arm
NN, CPU, those left out that are marked unstable (devices/measurements, notes)."""
_CANTELLI_ABOVE, _CANTELLI_BELOW = 3.0, 1.0 / 3.0
"""The 90th percentile of any values lies between mean - sd / 3 and mean + 3 sd. Source: Cantelli's inequality."""


MIN_PEAK_MEMORY_VALUES = 5
"""Fewest processes whose peak memory decides. Our choice: a peak hardly varies, and each costs a process."""

Judged = tuple[Outcome, float | None, Interval | None, Evidence | None, str]
"""Outcome, figure, its interval, how it is known, and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCost:
    """One figure about one artifact on one device."""

    gate: str
    """`latency_p90_ms` or `peak_memory_mib`."""
    device: str
    """Name of the profile."""
    value: float
    interval: Interval | None
    """None where what is known bounds nothing."""
    evidence: Evidence
    accelerator: str
    threads: int | None
    """CPU threads; None on other processors."""
    source: str
    """How it is known, in words, without a full stop."""
    why_unsure: str = ""
    """Where there is no interval: what is missing."""


def p90_of(reading: Reading) -> tuple[float, Interval | None, str]:
    """Bound the 90th percentile by what a log states.

    Args:
        reading: as it was read.

    Returns:
        The figure in milliseconds, its bounds (None where it states too little), and what is missing.
    """
    if len(reading.values_ms) >= MIN_VALUES:
        return _of_values(reading.values_ms)
    stated = reading.statistics_ms
    count = reading.count or 0
    value = next((v for v in (stated.p90, stated.p95, _from_moments(stated), *stated.stated.values()) if v), 0.0)
    if count < MIN_VALUES:
        return value, None, f"it is of {count or 'an unstated number of'} runs; take at least {MIN_VALUES}"
    lows = [stated.p50, stated.min]
    highs = [stated.p95, stated.p99, stated.p999, stated.max]
    if stated.p90 is not None:
        lows.insert(0, stated.p50)
    if stated.mean is not None and stated.sd is not None:
        lows.append(stated.mean - _CANTELLI_BELOW * stated.sd)
        highs.append(stated.mean + _CANTELLI_ABOVE * stated.sd)
    known_lows, known_highs = [v for v in lows if v is not None], [v for v in highs if v is not None]
    if not known_lows or not known_highs:
        return value, None, "it states neither a spread nor percentiles; take a log that does"
    low, high = max(known_lows), min(known_highs)
    return min(max(value, low), high), (low, high), ""


def _from_moments(stated: Statistics) -> float | None:
    if stated.mean is None or stated.sd is None:
        return None
    return stated.mean + 1.2816 * stated.sd  # where the values are normal; only the figure, never its bounds


def _of_values(values: Sequence[float]) -> tuple[float, Interval, str]:
    def p90(taken: Sequence[float]) -> float:
        return percentile(taken, 90.0)

    middle = len(values) // 2
    ends = [p90(values), p90(values[:middle]), p90(values[middle:])]
    ends += bootstrap_interval(values, p90, seed=0, block=max(1, round(len(values) ** (1 / 3))))
    return p90(values), (min(ends), max(ends)), ""


def p90_of_estimate(median_ms: float, interval: Interval) -> tuple[float, Interval]:
    """Turn an estimate of the median into one of the 90th percentile.

    Args:
        median_ms: in milliseconds.
        interval: 90 % interval of it.

    Returns:
        The figure and its bounds; see `TAIL`.
    """
    return median_ms * TAIL, (interval[0] * TAIL_LOW, interval[1] * TAIL_HIGH)


def decide(known: Sequence[KnownCost], profile: DeviceProfile, limit: float, unit: str, settle: str) -> Judged:
    """Judge by the best evidence there is: measured, else imported, else estimated.

    A device is served by any of its processors, so each is judged by itself and the best outcome counts. On one processor all
    figures of the grade must agree: their common hull is judged.

    Args:
        known: figures of one gate, of this device.
        profile: the device.
        limit: of its budget.
        unit: of the limit.
        settle: the command that would settle it.

    Returns:
        Outcome, figure, bounds, grade and reason.
    """
    fitting = [k for k in known if k.accelerator != "cpu" or k.threads in (None, profile.threads)]
    if not fitting:
        other = ", ".join(sorted({str(k.threads) for k in known}))
        why = f"known with {other} thread(s) only, but the budget of {profile.title} means {profile.threads}; {settle}."
        return "unsure", None, None, None, why
    ranks: tuple[Evidence, ...] = ("measured", "imported", "estimated")
    grade = min((k.evidence for k in fitting if k.evidence in ranks), key=ranks.index, default=None)
    if grade is None:
        return "unsure", None, None, None, f"what is known does not count as evidence of a time; {settle}."
    best = [k for k in fitting if k.evidence == grade]
    bounded = [k for k in fitting if k.interval is not None and k.evidence in ranks]
    if bounded and all(k.interval is None for k in best):  # a figure that bounds nothing does not silence one that does
        grade = min((k.evidence for k in bounded), key=ranks.index)
        best = [k for k in bounded if k.evidence == grade]
    judged = [
        _decide_processor([k for k in best if k.accelerator == a], a, limit, unit, settle)
        for a in dict.fromkeys(k.accelerator for k in best)
    ]
    order: tuple[Outcome, ...] = ("pass", "unsure", "fail")
    return min(judged, key=lambda found: order.index(found[0]))


def _decide_processor(known: Sequence[KnownCost], accelerator: str, limit: float, unit: str, settle: str) -> Judged:
    value, grade = max(k.value for k in known), known[0].evidence
    source = "; ".join(dict.fromkeys(k.source for k in known))
    figure = f"{value:.3g} {unit} on the {accelerator}, {grade} ({source})"
    bounded = [k.interval for k in known if k.interval is not None]
    if len(bounded) < len(known):
        missing = next(k.why_unsure for k in known if k.interval is None)
        return "unsure", value, None, grade, f"{figure}: {missing}; {settle}."
    low, high = min(i[0] for i in bounded), max(i[1] for i in bounded)
    if not all(map(math.isfinite, (low, high))):
        return "unsure", value, None, grade, f"{figure}: its bounds are not finite; {settle}."
    told = f"{figure}, between {low:.3g} and {high:.3g}"
    if high <= limit:
        return "pass", value, (low, high), grade, f"{told}: within the budget of {limit:g} {unit}."
    if low > limit:
        return "fail", value, (low, high), grade, f"{told}: above the budget of {limit:g} {unit}."
    return "unsure", value, (low, high), grade, f"{told}: straddles the budget of {limit:g} {unit}; {settle}."


@dataclass(frozen=True, slots=True)
class _Cost:
    """A quantity that is measured on a device."""

    quantity: str
    label: str
    unit: str
    fewest: int
    figure: Callable[[Sequence[float]], float]


_COSTS = {
    "latency_p90_ms": _Cost("latency_ms", "p90 latency", "ms", MIN_VALUES, lambda v: percentile(v, 90.0)),
    "peak_memory_mib": _Cost("peak_memory_mib", "peak memory", "MiB", MIN_PEAK_MEMORY_VALUES, max),
}


def judge(
    gate: str, taken: tuple[Measurement, ...], known: Sequence[KnownCost], profile: DeviceProfile, limit: float, settle: str
) -> Judged:
    """Judge by the measurements that were taken on the device, with the threads that its budget means; else by what is known.

    Args:
        gate: `latency_p90_ms` or `peak_memory_mib`.
        taken: raw values; those of this host do not count.
        known: what else is known, of any gate and device.
        profile: the device.
        limit: of its budget.
        settle: the command that would settle it.

    Returns:
        Outcome, figure, bounds, grade and reason.

    Raises:
        ValueError: a measurement whose name does not start with the quantity and unit that it is judged as.
    """
    cost = _COSTS[gate]
    for measurement in taken:
        if not measurement.name.startswith(cost.quantity):
            raise ValueError(f"{measurement.name!r} is no {cost.label}: its name must start with {cost.quantity!r}.")
    here = [m for m in taken if m.evidence != "host" and m.environment.get("device") == profile.name and m.values]
    real = [m for m in here if m.evidence == "measured"]
    fitting_known = [k for k in known if k.gate == gate and k.device == profile.name]
    if not real and fitting_known:
        return decide(fitting_known, profile, limit, cost.unit, settle)
    if not here:
        why = f"there is no measurement or estimate for {profile.title} yet; a figure from this host does not count; {settle}."
        return "unsure", None, None, None, why
    if not real:
        value, kind = max(cost.figure(m.values) for m in here), here[0].evidence
        why = f"{value:.3g} {cost.unit} is {kind}, not measured; a measurement on {profile.title} would settle it."
        return "unsure", value, None, kind, why
    threads = str(profile.threads)
    fitting = [m for m in real if m.environment.get("threads", threads) == threads]
    if not fitting:
        other = ", ".join(sorted({m.environment["threads"] for m in real}))
        why = f"measured with {other} thread(s), but the budget of {profile.title} means {threads}; measure with those."
        return "unsure", None, None, None, why
    return _decide_cost(cost, fitting, profile, limit)


def _decide_cost(cost: _Cost, measurements: list[Measurement], profile: DeviceProfile, limit: float) -> Judged:
    """Decide by the hull of all intervals, so that runs that contradict each other, or drift, stay unsure."""
    value = max(cost.figure(m.values) for m in measurements)
    fewest = min(len(m.values) for m in measurements)
    if fewest < cost.fewest:
        why = f"{cost.label} {value:.3g} {cost.unit} from {fewest} value(s) only; take at least {cost.fewest}."
        return "unsure", value, None, "measured", why
    ends = [value]
    for m in measurements:
        # successive timings are alike: blocks of n^(1/3), the usual order of length (Hall, Horowitz and Jing, 1995)
        ends += bootstrap_interval(m.values, cost.figure, seed=0, block=round(len(m.values) ** (1 / 3)))
        middle = len(m.values) // 2
        ends += cost.figure(m.values[:middle]), cost.figure(m.values[middle:])
    low, high = min(ends), max(ends)
    doubts = sorted({doubt for m in measurements for doubt in unstable(m.values)}) if cost.unit == "ms" else []
    mind = f" Mind: {'; '.join(doubts)}." if doubts else ""
    figure = f"{cost.label} {value:.3g} {cost.unit} on {profile.title}, 95 % interval {low:.3g} to {high:.3g}"
    budget = f"the budget of {limit:g} {cost.unit}"
    if high <= limit:
        return "pass", value, (low, high), "measured", f"{figure}, is within {budget}.{mind}"
    if low > limit:
        return "fail", value, (low, high), "measured", f"{figure}, is above {budget}.{mind}"
    again = "repeat it with more runs on an idle, cool device"
    return "unsure", value, (low, high), "measured", f"{figure}, straddles {budget}; {again}.{mind}"
