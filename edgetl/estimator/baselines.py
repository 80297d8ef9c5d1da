"""The predictors that anyone would try first, left out in the same way: what the estimator must beat to be worth its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgetl.estimator.pool import Pool
from edgetl.estimator.terms import TERMS, macs_m

if TYPE_CHECKING:
    import numpy as np

MIN_ROWS = 5


def ns_per_mac(pool: Pool, groups: Sequence[str]) -> np.ndarray:
    """Constant time for each multiply-accumulate: the setting's median ratio, the row's group left out.

    Args:
        pool: the rows.
        groups: one name a row.

    Returns:
        float64 (N,), natural logarithm of milliseconds; NaN where fewer than `MIN_ROWS` are left.
    """
    import numpy as np

    log_macs = np.log(_macs(pool))
    return _each(pool, groups, lambda at, out: np.median(pool.log_latency[at] - log_macs[at]) + log_macs[out])


def log_linear(pool: Pool, groups: Sequence[str]) -> np.ndarray:
    """Least squares of log latency on log multiply-accumulates, log weights and log input side, the row's group left out.

    Args:
        pool: the rows.
        groups: one name a row.

    Returns:
        float64 (N,), as `ns_per_mac`.
    """
    import numpy as np

    weights = pool.work[:, list(TERMS).index("weights")]
    px = pool.points.place[:, 4]  # log of the side, times a constant: the same for least squares
    table = np.column_stack([np.ones(len(weights)), np.log(_macs(pool)), np.log(weights), px])

    def predict(at: np.ndarray, out: np.ndarray) -> np.ndarray:
        return np.asarray(table[out] @ np.linalg.lstsq(table[at], pool.log_latency[at], rcond=None)[0])

    return _each(pool, groups, predict)


def _macs(pool: Pool) -> np.ndarray:
    import numpy as np

    return np.asarray(np.maximum(macs_m(pool.work), 1e-3))


def _each(pool: Pool, groups: Sequence[str], predict: object) -> np.ndarray:
    import numpy as np

    labels, found = np.array(groups), np.full(len(groups), np.nan)
    for number in range(len(pool.settings)):
        here = np.flatnonzero(pool.points.setting == number)
        for group in np.unique(labels[here]):
            at, out = here[labels[here] != group], here[labels[here] == group]
            if len(at) >= MIN_ROWS:
                found[out] = predict(at, out)  # type: ignore[operator]
    return found
