"""What one log states about the timing of one model: the record, and what must hold in it wherever it came from.

Input: figures that another tool printed. Output: a frozen `Reading`, or every fault at once. Nothing is worked out that the log
does not state: raw values stay raw, a statistic keeps the name it was given, and what is not stated is None.
Times are in milliseconds, memory in MiB (2^20 bytes).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, Any

from edgetl.errors import InputError
from edgetl.schema import Bound, Pattern, check
from edgetl.types import to_json

MAX_MS = 1e7
"""Nearly three hours: no inference on a phone takes longer, so a larger figure was read in the wrong unit."""
MAX_VALUES = 100_000
"""Most raw values, or operators, of one reading."""
_ROUNDING = 1e-5
"""Relative error of a figure that was printed with six digits, as C++ streams do."""
_STEP_MS = 0.01
"""Absolute error of a figure that was printed with two decimals."""

Faults = tuple[tuple[str, str], ...]
Milliseconds = Annotated[float, Bound(gt=0.0, le=MAX_MS)]
Since = Annotated[float, Bound(ge=0.0, le=MAX_MS)]
Text = Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{1,512}", "one line of at most 512 printable characters")]
Word = Annotated[str, Pattern(r"[a-z0-9][a-z0-9 ._()+/-]{0,63}", "a name of lower-case letters, digits and ._()+/- in between")]
Sha256 = Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")]
Date = Annotated[str, Pattern(r"\d{4}-[01]\d-[0-3]\d", "a date like 2026-01-31")]

_MOMENT_SLACK = 0.02
"""Share of the mean by which percentiles may miss what moments allow: tools define quantiles, and round, a little differently."""
_ORDER = {"min": 0.0, "p5": 0.05, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1.0}
"""Quantile of each statistic that is one, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Statistics of the latency of one inference as the log states them; each tool defines its quantiles a little differently."""

    min: Milliseconds | None = None
    p5: Milliseconds | None = None
    p50: Milliseconds | None = None
    """The median."""
    p90: Milliseconds | None = None
    p95: Milliseconds | None = None
    p99: Milliseconds | None = None
    p999: Milliseconds | None = None
    max: Milliseconds | None = None
    mean: Milliseconds | None = None
    sd: Since | None = None
    """Standard deviation."""
    unstated: Milliseconds | None = None
    """A latency of which the log does not say which statistic it is. It is evidence, but decides no budget."""

    @property
    def stated(self) -> dict[str, float]:
        """Name → value of those that are stated."""
        return {field.name: value for field in dataclasses.fields(self) if (value := getattr(self, field.name)) is not None}

    def faults(self) -> Faults:
        """Quantiles ascend, the mean lies between the extremes, and no deviation is wider than they are apart."""
        found, given = [], self.stated
        ordered = [name for name in _ORDER if name in given]
        for lower, upper in zip(ordered, ordered[1:], strict=False):
            if given[lower] > given[upper] * (1 + _ROUNDING):
                found.append((lower, f"is {given[lower]:g} ms, more than {upper}, {given[upper]:g} ms."))
        if {"min", "mean"} <= set(given) and given["mean"] < given["min"] * (1 - _ROUNDING):
            found.append(("mean", f"is {given['mean']:g} ms, less than min, {given['min']:g} ms."))
        if {"max", "mean"} <= set(given) and given["mean"] > given["max"] * (1 + _ROUNDING):
            found.append(("mean", f"is {given['mean']:g} ms, more than max, {given['max']:g} ms."))
        if {"sd", "min", "max"} <= set(given) and given["sd"] > (given["max"] - given["min"]) + 2 * _STEP_MS:
            found.append(("sd", f"is {given['sd']:g} ms, but min and max are only {given['max'] - given['min']:g} ms apart."))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """One operator's row of a profile."""

    name: Text
    type: Text
    """The format's own name: `CONV_2D`."""
    mean_ms: Since
    """Time in one inference, averaged over the runs; 0 for what is below the tool's resolution."""
    first_ms: Since | None = None
    """Time in the first run."""
    times_called: Annotated[int, Bound(ge=0, le=1_000_000)] = 1
    """In one inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One run of one model, as one log states it."""

    values_ms: tuple[Milliseconds, ...] = ()
    """Latency of each inference after the warm-up, in order."""
    statistics_ms: Statistics = Statistics()
    count: Annotated[int, Bound(ge=1, le=1_000_000_000)] | None = None
    """Inferences behind the statistics."""
    warmup_values_ms: tuple[Milliseconds, ...] = ()
    first_inference_ms: Since | None = None
    load_ms: Since | None = None
    """From the file to a model that can run."""
    peak_memory_mib: Annotated[float, Bound(gt=0.0, le=1e6)] | None = None
    runtime: Word | None = None
    """`tflite`, `onnxruntime`, `coreml`, `qnn`, or another's own name."""
    runtime_version: Text | None = None
    accelerator: Word | None = None
    """`cpu`, `gpu`, `npu`, or what the log calls it."""
    threads: Annotated[int, Bound(ge=1, le=1024)] | None = None
    """CPU threads."""
    device: Text | None = None
    """As the log calls it."""
    model: Text | None = None
    """Path, file name or title, as the log gives it."""
    model_bytes: Annotated[int, Bound(ge=1, le=2**40)] | None = None
    """Size of the file that was measured."""
    model_bytes_error: Annotated[int, Bound(ge=0, le=2**40)] = 0
    """How far `model_bytes` may be off, since the log rounded it."""
    artifact_sha256: Sha256 | None = None
    precision: Text | None = None
    date: Date | None = None
    operators: tuple[OperatorTime, ...] = ()
    """In the order in which they ran."""
    notes: tuple[Text, ...] = ()
    """What else a reader of the figures must know."""

    def faults(self) -> Faults:
        """There is a figure at all, not more of them than allowed, and values and statistics agree."""
        found: list[tuple[str, str]] = []
        stated = self.statistics_ms.stated
        for name in ("values_ms", "warmup_values_ms", "operators"):
            if len(getattr(self, name)) > MAX_VALUES:
                found.append((name, f"has {len(getattr(self, name))} entries; at most {MAX_VALUES} are read."))
        if not (self.values_ms or set(stated) - {"sd"} or self.operators):
            found.append(("", "states no latency and no operator."))
        if self.values_ms and self.count is not None and self.count != len(self.values_ms):
            found.append(("count", f"is {self.count}, but there are {len(self.values_ms)} values."))
        if not found:
            found.extend(_impossible_moments(self.statistics_ms, self.count))
        if self.values_ms and not found:
            found.extend(_disagreements(sorted(self.values_ms), stated))
        return tuple(found)


def _impossible_moments(stated: Statistics, count: int | None) -> list[tuple[str, str]]:
    """Percentiles and extremes that no values of the stated mean and standard deviation have.

    Source: Cantelli's inequality; for extremes of `count` values, Samuelson, "How deviant can you be?" (1968).
    """
    mean, sd = stated.mean, stated.sd
    if mean is None or sd is None:
        return []
    slack = _MOMENT_SLACK * mean + _STEP_MS
    found = []
    for name, value in stated.stated.items():
        share = _ORDER.get(name)
        if share is None or (share in (0.0, 1.0) and count is None):
            continue
        if share in (0.0, 1.0):
            below = above = sd * math.sqrt(max(1, (count or 1) - 1))
        else:
            below, above = sd * math.sqrt((1 - share) / share), sd * math.sqrt(share / (1 - share))
        if not mean - below - slack <= value <= mean + above + slack:
            found.append(
                (f"statistics_ms.{name}", f"is {value:g} ms, which a mean of {mean:g} and a deviation of {sd:g} exclude.")
            )
    return found


def _disagreements(ascending: list[float], stated: dict[str, float]) -> list[tuple[str, str]]:
    """Statistics that cannot be those of the values, whatever definition of a quantile was used."""
    found, last = [], len(ascending) - 1
    for name, value in stated.items():
        if name in _ORDER:
            place = _ORDER[name] * last
            slack = 0 if name in ("min", "max") else 1
            low = ascending[max(0, math.floor(place) - slack)]
            high = ascending[min(last, math.ceil(place) + slack)]
        elif name == "mean":
            low = high = math.fsum(ascending) / len(ascending)
        else:
            continue
        if not low * (1 - _ROUNDING) - _STEP_MS / 2 <= value <= high * (1 + _ROUNDING) + _STEP_MS / 2:
            found.append((f"statistics_ms.{name}", f"is {value:g} ms, which the {len(ascending)} values contradict."))
    return found


def checked(reading: Reading, where: str) -> Reading:
    """Hold a reading against its own rules.

    Args:
        reading: as a log was read.
        where: file, and line where there is one; starts the error.

    Returns:
        The same reading, whole numbers that stand for floats made floats.

    Raises:
        InputError: a figure is out of range, or two contradict each other; with every fault found.
    """
    faults: list[str] = []
    found = check(Reading, plain(reading), lambda key: key or "the log", faults)
    if found is None:
        raise InputError(f"{where}: its figures cannot be right. Take the log again, or mend what wrote it.", faults)
    return found


def plain(record: Any) -> Any:
    """Turn a record into JSON values, leaving out what is not stated.

    Args:
        record: a `Reading`, or a record that holds one.

    Returns:
        dicts, lists, strings and numbers; no None and nothing empty.
    """
    return _stated(to_json(record))


def _stated(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _stated(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != [] and item != {}}
    return [_stated(item) for item in value] if isinstance(value, list) else value
