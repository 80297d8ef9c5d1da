"""How wide an interval must be to hold 90 %: measured on rows that were left out, never assumed.

The process and the fit say how doubtful a prediction is relative to others. How many of their standard deviations hold 90 % is
another question, with three answers: the network's family was measured on the setting (ask the networks left out), it was
measured on other settings only (ask families left out of one setting), or nowhere (ask families left out of all).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgetl.estimator import crossval
from edgetl.estimator.calibrate import Calibration
from edgetl.estimator.crossval import LeftOut

if TYPE_CHECKING:
    import numpy as np

Known = Literal["near", "elsewhere", "unseen"]
"""How much is known of a network's family, see `edgetl.calibrations.Widen`."""

COVERAGE = 0.90
"""Share of measurements that an interval is to hold."""
POOL_WEIGHT = 25.0
"""How many rows the pool counts as, beside a setting's own, in saying how wide its intervals must be. Our choice."""
LEAST_WIDEN, USUAL_WIDEN = 1.0, 1.645
"""Never less than one standard deviation; the normal quantile where nothing was left out."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """What leaving out showed."""

    left_out: dict[str, LeftOut]
    """By question: "model", "family", "family_here"."""
    widen: dict[Known, np.ndarray]
    """float64 (settings,) each: standard deviations that hold `COVERAGE`."""

    def half_width(self, question: str, known: Known, setting_of_row: np.ndarray) -> np.ndarray:
        """float64 (N,): half of each row's interval, of the logarithm."""
        import numpy as np

        return np.asarray(self.left_out[question].deviation * self.widen[known][setting_of_row])


def measure(calibration: Calibration) -> Confidence:
    """Leave out what is predicted, three times, and see how wide intervals must be.

    Args:
        calibration: of the pool.

    Returns:
        The predictions and the factors.
    """
    pool = calibration.pool
    models = [f"{row.model} {row.alpha} {row.input_px}" for row in pool.rows]
    families = list(pool.families)
    left_out = {
        "model": crossval.leave_out(calibration, models, everywhere=True),
        "family": crossval.leave_out(calibration, families, everywhere=True),
        "family_here": crossval.leave_out(calibration, families, everywhere=False),
    }
    widen: dict[Known, np.ndarray] = {
        "near": _factors(calibration, left_out["model"]),
        "elsewhere": _factors(calibration, left_out["family_here"]),
        "unseen": _factors(calibration, left_out["family"]),
    }
    return Confidence(left_out, widen)


def _factors(calibration: Calibration, found: LeftOut) -> np.ndarray:
    """Quantile of |error| / deviation in each setting, the pool's rows counting as `POOL_WEIGHT` more."""
    import numpy as np

    pool = calibration.pool
    size = np.abs(found.mean - pool.log_latency) / found.deviation
    there = ~np.isnan(size)
    if not there.any():
        return np.full(len(pool.settings), USUAL_WIDEN)
    factors = []
    for number in range(len(pool.settings)):
        own = there & (pool.points.setting == number)
        weight = np.where(own, 1.0, 0.0) + np.where(there, POOL_WEIGHT / there.sum(), 0.0)
        order = np.argsort(size[there])
        share = np.cumsum(weight[there][order]) / (weight[there].sum() + 1.0)  # + 1: the one that is asked for
        at = min(int(np.searchsorted(share, COVERAGE)), len(order) - 1)
        factors.append(max(LEAST_WIDEN, float(size[there][order][at])))
    return np.array(factors)
