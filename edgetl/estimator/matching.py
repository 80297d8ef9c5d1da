"""Which calibration speaks for a question, and what it costs in certainty where none fits it exactly.

A question names a device, and as much of runtime, version, accelerator, threads and precision as it knows. A calibration of
another device never answers; one of another precision neither: the difference is too large to bridge.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgetl.estimator import pool as pools
from edgetl.estimator.rows import Setting

OTHER_VERSION_DEVIATION = 0.10
"""Standard deviation of the logarithm that another version of the runtime adds. Source: MLPerf boards, TFLite 2.4 to 2.11, int8:
median change of a board's times from version to version 3 to 10 %."""
OTHER_RUNTIME_DEVIATION = 0.30
"""The same for another runtime of the pool (XNNPACK measured alone, say, for TFLite). Our choice."""
THREADS_DEVIATION = 0.20
"""What a factor of two in threads adds, where `SERIAL_SHARE` bridges it. Source: scatter of the speed-up from one to four
threads over the Raspberry Pi rows of TFLite 2.5 and 2.18."""
SERIAL_SHARE = 0.15
"""Share of one thread's time that more threads do not shorten (Amdahl). Source: the same rows; medians 0.11 to 0.22."""
OTHER_UNIT_DEVIATION = 0.25
"""What another published name of the same profile adds. Source: AI Hub's kit against its proxy of one chip: medians 2 to 8 %
apart, nine of ten rows within a factor of 0.5 to 1.4."""
UNSTATED_DEVIATION = 0.15
"""What it adds when the source does not say how many threads there were (MLPerf: probably as many as there are cores)."""
OLDEST = re.compile(r"(?:0|1)\.|2018|2019")
"""Versions of TFLite from before 2020: two to five times slower, so nothing newer may answer for them."""


@dataclass(frozen=True, slots=True)
class Match:
    """A calibration that speaks for a question."""

    setting: Setting
    log_factor: float
    """What to add to the logarithm of its latency."""
    deviation: float
    """Standard deviation to add, of the logarithm; 0 where the question is met exactly."""
    because: tuple[str, ...]
    """Every difference, in words."""


def matches(question: Setting, known: Iterable[Setting], precisions: Sequence[str], cores: int) -> tuple[Match, ...]:
    """Find the calibrations that can speak for a question.

    Where no version is asked for, the newest that was measured is meant: that is what an app ships.

    Args:
        question: `threads` 0 and empty texts mean "not asked for"; its device is one of the profile's names.
        known: calibrated settings of the profile.
        precisions: acceptable ones, the best first.
        cores: of the device's CPU; what unstated threads probably were.

    Returns:
        Those of the best precision there is, the one that needs the least bridging first.
    """
    pool = pools.pool_of(question)
    version = pools.without_version(question).runtime_version
    candidates = [s for s in known if pools.pool_of(s) == pool and s.precision in precisions]
    if OLDEST.match(question.runtime_version):
        candidates = [s for s in candidates if s.runtime_version == version]
    asked = bool(version)
    if not version and candidates:
        version = max(
            (s for s in candidates if s.runtime == question.runtime), key=_newest, default=candidates[0]
        ).runtime_version
    best = min((precisions.index(s.precision) for s in candidates), default=0)
    candidates = [s for s in candidates if precisions.index(s.precision) == best]
    found = []
    for setting in candidates:
        because, factor, square = [], 0.0, 0.0
        if setting.device != question.device:
            because.append(f"measured as {setting.device}")
            square += OTHER_UNIT_DEVIATION**2
        if setting.runtime != question.runtime:
            because.append(f"not with {question.runtime}")
            square += OTHER_RUNTIME_DEVIATION**2
        if version and setting.runtime_version != version:
            because.append(f"not on version {version}" + ("" if asked else ", the newest measured"))
            square += (OTHER_VERSION_DEVIATION * (1 + _apart(version, setting.runtime_version))) ** 2
        if setting.accelerator.startswith("cpu") and question.threads and setting.threads != question.threads:
            theirs = setting.threads or cores
            factor += math.log(_scaled(question.threads) / _scaled(theirs))
            square += (THREADS_DEVIATION * math.log2(question.threads / theirs)) ** 2
            if setting.threads:
                because.append(f"scaled from {setting.threads} to {question.threads} threads")
            else:
                because.append("the rows do not say how many threads they used")
                square += UNSTATED_DEVIATION**2
        order = (round(square, 6), setting)
        found.append((order, Match(setting, factor, math.sqrt(square), tuple(because))))
    return tuple(match for _, match in sorted(found, key=lambda pair: pair[0]))


def _scaled(threads: int) -> float:
    """Time of that many threads, of one thread's."""
    return SERIAL_SHARE + (1.0 - SERIAL_SHARE) / threads


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version)[:3])


def _apart(a: str, b: str) -> float:
    """Rough distance of two versions: fifths of a minor version within a major one, at most 3."""
    one, other = _numbers(a), _numbers(b)
    if len(one) < 2 or len(other) < 2 or one[0] != other[0]:
        return 3.0
    return min(3.0, abs(one[1] - other[1]) / 5.0)


def _newest(setting: Setting) -> tuple[int, ...]:
    return _numbers(setting.runtime_version)
