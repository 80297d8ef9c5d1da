"""When the warm-up is over: told from the times themselves, not from a count.

Windows of inferences are timed one after another. Caches, frequency and branch predictors have settled when the medians of the
last windows lie close together and the later ones no lower or higher than the earlier ones. What came before is kept as warm-up.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgetl.stats import percentile

WINDOW_S = 0.03
"""Length of a window: several scheduler ticks (our choice)."""
MIN_IN_WINDOW = 3
"""Fewest inferences of a window, so that one slow one is not its median; 1 where an inference takes `SLOW_S` or longer."""
SLOW_S = 0.1
WINDOWS = 10
"""Windows that are looked at (our choice)."""
SPREAD_LIMIT = 0.06
"""Largest distance of two of their medians, over the lesser one (our choice: two thirds of pyperf's limit for a spread)."""
TREND_LIMIT = 0.015
"""Largest distance of the later half's median from the earlier half's (our choice: half of the 3 % that timings are held to)."""
LIMIT_S = 3.0
"""Longest warm-up, unless `WINDOWS` windows take longer (our choice)."""
_MAX_IN_WINDOW = 1000

Timer = Callable[[int, float], Sequence[float]]
"""Runs up to n inferences, for at most s seconds; milliseconds of each. See `edgetl.connections._base.Session.time`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """What was run before the times that count."""

    values: tuple[float, ...]
    """Milliseconds of each inference, in order."""
    settled: bool
    """False: the limit came first, so the times that follow may still move."""
    in_window: int
    """Inferences a window."""
    window_ms: float
    """Median inference of the last window."""


def is_steady(medians: Sequence[float]) -> bool:
    """Whether the last `WINDOWS` medians are those of a steady state.

    Args:
        medians: one a window, above 0, in order.

    Returns:
        True when they lie within `SPREAD_LIMIT` and their later half within `TREND_LIMIT` of their earlier half.
    """
    if len(medians) < WINDOWS:
        return False
    last = list(medians[-WINDOWS:])
    earlier, later = percentile(last[: WINDOWS // 2], 50.0), percentile(last[WINDOWS // 2 :], 50.0)
    return max(last) <= min(last) * (1 + SPREAD_LIMIT) and abs(math.log(later / earlier)) <= math.log1p(TREND_LIMIT)


def window_size(inference_ms: float) -> int:
    """Inferences of a window of about `WINDOW_S`.

    Args:
        inference_ms: what one takes, above 0.

    Returns:
        1 to 1000.
    """
    least = MIN_IN_WINDOW if inference_ms < SLOW_S * 1e3 else 1
    return max(least, min(_MAX_IN_WINDOW, math.ceil(WINDOW_S * 1e3 / inference_ms)))


def warm_up(time: Timer, *, least: int = 1, limit_s: float = LIMIT_S) -> WarmUp:
    """Run until the times are steady.

    Args:
        time: runs and times inferences.
        least: inferences to drop at least, 1 or more.
        limit_s: longest time, in seconds; at least `WINDOWS` windows are run.

    Returns:
        What was dropped.
    """
    begun = clock.monotonic()
    values = list(time(1, limit_s))
    count, medians = window_size(values[0]), []
    while True:
        window = time(count, limit_s)
        values += window
        medians.append(percentile(window, 50.0))
        if len(medians) == 1:  # the first inferences of all are slow: size the windows by what follows
            count = window_size(medians[0])
        settled = is_steady(medians[1:])
        over = clock.monotonic() - begun >= limit_s and len(medians) > WINDOWS
        if (settled and len(values) >= least) or over:
            return WarmUp(values=tuple(values), settled=settled, in_window=count, window_ms=medians[-1])
