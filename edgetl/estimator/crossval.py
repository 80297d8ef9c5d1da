"""How wrong the estimator is, measured by leaving out what it predicts; and how wrong the simplest predictors are.

Three questions, asked of every row. *Model*: a network (name, width, size) that no device has run. *Family*: a whole family that
no device has run. *Known elsewhere*: the network is left out of this setting only. For each, costs are fitted anew without the
rows left out, and the process of what the roofline misses forgets them; the usual shape, strengths and noise stay (they are some
dozens of numbers learned from thousands of rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.estimator.calibrate import Calibration

if TYPE_CHECKING:
    import numpy as np

MIN_ROWS = 5
"""Fewest rows of a setting that are left when some are left out; with fewer, they are not predicted."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Predictions of rows that were left out. NaN where too few rows were left."""

    mean: np.ndarray
    """float64 (N,), natural logarithm of milliseconds."""
    deviation: np.ndarray
    """float64 (N,), standard deviation, noise included."""


def leave_out(calibration: Calibration, groups: Sequence[str], *, everywhere: bool) -> LeftOut:
    """Predict every row from those outside its group.

    Args:
        calibration: of the pool.
        groups: one name a row: of its model, of its family.
        everywhere: leave the group out of all settings; else out of the row's own only.

    Returns:
        The predictions.
    """
    import numpy as np

    pool = calibration.pool
    labels = np.array(groups)
    process, whole = calibration.residual(), calibration.missed()
    mean, variance = np.full(len(labels), np.nan), np.full(len(labels), np.nan)
    numbers = pool.points.setting
    for group in sorted(set(groups)):
        inside = labels == group
        missed, doubt = whole.copy(), np.zeros(len(labels))
        for number in np.unique(numbers[inside]):
            at = np.flatnonzero((numbers == number) & ~inside)
            here = np.flatnonzero(numbers == number)
            if len(at) < MIN_ROWS:
                missed[here] = np.nan
                continue
            fit = calibration.refit(int(number), at)
            missed[here] = pool.log_latency[here] - fit.predict(pool.work[here])
            doubt[here] = fit.variance(pool.work[here])
            if not everywhere:
                out = np.flatnonzero((numbers == number) & inside)
                own = whole.copy()
                own[here] = missed[here]
                expected, spread = process.without(out, own)
                mean[out] = pool.log_latency[out] - own[out] + expected
                variance[out] = spread + doubt[out]
        if everywhere:
            out = np.flatnonzero(inside & ~np.isnan(missed))
            lost = np.flatnonzero(inside)
            if len(out):
                expected, spread = process.without(lost, np.where(np.isnan(missed), 0.0, missed))
                keep = np.isin(lost, out)
                mean[out] = pool.log_latency[out] - missed[out] + expected[keep]
                variance[out] = spread[keep] + doubt[out]
    return LeftOut(mean, np.sqrt(variance))


@dataclass(frozen=True, slots=True)
class Error:
    """How far predictions of left-out rows were off."""

    rows: int
    """Rows predicted."""
    median: float
    """Median of |predicted / measured - 1|."""
    p90: float
    """Its 90th percentile."""
    within_10: float
    """Share of rows predicted within 10 %."""
    within_20: float
    rank: float
    """Spearman's correlation of predicted and measured; 0 with fewer than three rows."""
    covered: float
    """Share of rows that lie in their 90 % interval; 0 for predictors that give none."""


def error(predicted: np.ndarray, measured: np.ndarray, half_width: np.ndarray | None = None) -> Error | None:
    """Sum predictions up.

    Args:
        predicted: float64 (N,), natural logarithms; NaN where there is none.
        measured: float64 (N,), natural logarithms.
        half_width: float64 (N,), of the 90 % interval, of the logarithm.

    Returns:
        The figures; None when nothing was predicted.
    """
    import numpy as np
    from scipy.stats import rankdata

    there = ~np.isnan(predicted)
    if not there.any():
        return None
    off = np.abs(np.exp(predicted[there] - measured[there]) - 1.0)
    ranks = [rankdata(values[there]) for values in (predicted, measured)]
    spread = all(np.ptp(r) > 0 for r in ranks)
    inside = np.abs(predicted - measured)[there] <= half_width[there] if half_width is not None else np.zeros(1)
    return Error(
        rows=int(there.sum()),
        median=float(np.median(off)),
        p90=float(np.quantile(off, 0.9)),
        within_10=float(np.mean(off <= 0.1)),
        within_20=float(np.mean(off <= 0.2)),
        rank=float(np.corrcoef(*ranks)[0, 1]) if spread and there.sum() > 2 else 0.0,
        covered=float(np.mean(inside)),
    )
