"""One file that runs without a pause: its slowest hundredth, and whether it slows down (heat, frequency) while it runs."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from edgetl import registry
from edgetl.stats import Interval, bootstrap_interval, percentile
from edgetl.timing.steady import warm_up
from edgetl.timing.strain import Strain, Watch
from edgetl.timing.turns import Runnable, Told

PIECES = 100
"""Pieces that the time is cut into; a tenth of the run is ten of them."""
_MOST = 20_000_000
"""Most inferences: eight bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """A run without a pause."""

    seconds: float
    count: int
    """Inferences."""
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p99_interval_ms: Interval
    """95 %, from the order of the values as if they were independent."""
    max_ms: float
    drift: float
    """Median of the last tenth over that of the first; above 1 it slowed down."""
    drift_low: float
    drift_high: float
    piece_p50_ms: tuple[float, ...]
    """Median of each piece; the single values are not kept."""
    settled: bool
    """Whether the run began from a steady state."""
    strain: Strain


def drift(medians: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Compare the end of a run with its beginning.

    Args:
        medians: of pieces of equal length, in order; at least two.
        seed: of the bootstrap.

    Returns:
        Median ratio of the last tenth's pieces over the first tenth's, and its 95 % interval (bootstrap over pieces).

    Raises:
        ValueError: fewer than two pieces.
    """
    if len(medians) < 2:
        raise ValueError("drift needs two pieces.")
    tenth = max(1, len(medians) // 10)
    ratios = [last / first for first, last in zip(medians[:tenth], medians[-tenth:], strict=True)]
    low, high = bootstrap_interval(ratios, lambda drawn: percentile(drawn, 50.0), seed)
    return percentile(ratios, 50.0), low, high


def order_interval(ordered: Sequence[float], q: float) -> Interval:
    """95 % interval of a percentile, from the ranks between which it lies.

    Args:
        ordered: rising, at least one.
        q: 0 to 100.

    Returns:
        Two of the values.

    Source: Hahn and Meeker, "Statistical Intervals" (1991), distribution-free intervals; normal approximation of the ranks.
    """
    n, share = len(ordered), q / 100
    half = 1.96 * math.sqrt(n * share * (1 - share))
    return ordered[max(0, math.floor(n * share - half))], ordered[min(n - 1, math.ceil(n * share + half))]


def sustain(
    chosen: Runnable, *, threads: int, cores: tuple[int, ...], seconds: float, told: Told = lambda share, what: None
) -> Sustained:
    """Run a file for some time without a pause.

    Args:
        chosen: the file.
        threads: CPU threads.
        cores: to pin it to; empty = none.
        seconds: how long.
        told: hears of progress.

    Returns:
        What came out.

    Raises:
        BenchmarkError: it cannot be loaded.
        DeviceUnreachable: the process went away.
    """
    local = registry.load("connections", "local")
    with closing(local.open(local.Settings(cpus=cores)).start(chosen.path, chosen.runtime, threads)) as session:
        warm = warm_up(session.time)
        values, medians = array("d"), list[float]()
        watch, begun = Watch([session], cores), time.monotonic()
        while (gone := time.monotonic() - begun) < seconds or len(medians) < 2:
            told(min(1.0, gone / seconds), f"running {chosen.path.name} without a pause")
            piece = session.time(_MOST // PIECES, seconds / PIECES)
            medians.append(percentile(piece, 50.0))
            values.extend(piece[: max(0, _MOST - len(values))])
        strain, length = watch.end(), time.monotonic() - begun
    ordered = sorted(values)
    middle, low, high = drift(medians)
    return Sustained(
        seconds=length,
        count=len(ordered),
        p50_ms=percentile(ordered, 50.0),
        p90_ms=percentile(ordered, 90.0),
        p99_ms=percentile(ordered, 99.0),
        p99_interval_ms=order_interval(ordered, 99.0),
        max_ms=ordered[-1],
        drift=middle,
        drift_low=low,
        drift_high=high,
        piece_p50_ms=tuple(medians),
        settled=warm.settled,
        strain=strain,
    )
