"""What a latency is made of: rates of a setting, fitted to its rows in log space and held near what is usual.

    latency_ms = sum over kinds of (work of the kind x cost of the kind)

Every cost is positive, so costs are fitted as logarithms. Errors count as ratios: 10 % is as bad at 1 ms as at 100. A setting
with few rows, or rows of one family, cannot tell all costs apart; each is therefore drawn towards the shape that is usual for its
pool and precision (costs in proportion to each other; the device's speed as a whole is free). How hard it is drawn is `TAU`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.estimator.terms import TERMS

if TYPE_CHECKING:
    import numpy as np

TAU = 0.5
"""Standard deviation of a cost's logarithm about the usual shape: a factor of 1.6 either way. Chosen by leave-one-family-out
error on the TFLite boards: 0.3 gives 7.1 %, 0.7 7.4 %, 1.5 8.2 %."""
SIGMA = 0.05
"""Standard deviation of a row's logarithm that the fit assumes where a setting's own is not known yet."""
FIRST_SHAPE = (1.5, -3.5, -1.8, -0.8, -0.8, -0.5, 0.6, 0.5, -0.7, -0.7, 0.6, 0.6, 0.8)
"""Logarithms of the costs where no pool says better: the rounded medians of the TFLite boards."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Costs of one setting."""

    log_costs: np.ndarray
    """float64 (len(TERMS),): natural logarithms of the costs, in the order and units of `TERMS`."""
    covariance: np.ndarray
    """float64 (len(TERMS), len(TERMS)): of `log_costs`, from the curvature at the fit (Laplace)."""

    def predict(self, work: np.ndarray) -> np.ndarray:
        """Latency of networks.

        Args:
            work: float64 (N, len(TERMS)), see `terms`.

        Returns:
            float64 (N,), natural logarithm of milliseconds.
        """
        import numpy as np

        return np.asarray(np.log(work @ np.exp(self.log_costs)))

    def variance(self, work: np.ndarray) -> np.ndarray:
        """Doubt about `predict` that comes from the costs: large where a network needs what no row shows.

        Args:
            work: float64 (N, len(TERMS)).

        Returns:
            float64 (N,), variance of the logarithm.
        """
        import numpy as np

        parts = work * np.exp(self.log_costs)
        gradient = parts / parts.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("nk,kl,nl->n", gradient, self.covariance, gradient))


def fit(
    work: np.ndarray, latency_ms: np.ndarray, shape: np.ndarray, *, doubt: np.ndarray | None = None, sigma: float = SIGMA,
    tau: float = TAU,
) -> Fit:  # fmt: skip
    """Fit a setting's costs.

    Args:
        work: float64 (N, len(TERMS)), N at least 1.
        latency_ms: float64 (N,), above 0.
        shape: float64 (len(TERMS),), logarithms of the usual costs; only their proportions count.
        doubt: float64 (N,), how many times more doubtful than others each row is, 1 or more; None = all alike.
        sigma: standard deviation of a row's logarithm.
        tau: see `TAU`.

    Returns:
        The costs.
    """
    import numpy as np
    from scipy.optimize import least_squares

    count, kinds = work.shape
    target = np.log(latency_ms)
    weight = 1.0 / (sigma * (np.ones(count) if doubt is None else doubt))
    speed = float(np.median(target - np.log(work @ np.exp(shape))))

    def residuals(z: np.ndarray) -> np.ndarray:
        costs, whole = z[:kinds], z[kinds]
        return np.concatenate([(np.log(work @ np.exp(costs)) - target) * weight, (costs - whole - shape) / tau])

    def jacobian(z: np.ndarray) -> np.ndarray:
        parts = work * np.exp(z[:kinds])
        matrix = np.zeros((count + kinds, kinds + 1))
        matrix[:count, :kinds] = parts / parts.sum(axis=1, keepdims=True) * weight[:, None]
        matrix[count:, :kinds] = np.eye(kinds) / tau
        matrix[count:, kinds] = -1.0 / tau
        return matrix

    start = np.concatenate([shape + speed, [speed]])
    found = least_squares(residuals, start, jacobian, loss="soft_l1", f_scale=2.0, max_nfev=100)
    return stored(found.x[:kinds], work, doubt=doubt, sigma=sigma, tau=tau)


def stored(
    log_costs: np.ndarray, work: np.ndarray, *, doubt: np.ndarray | None = None, sigma: float = SIGMA, tau: float = TAU
) -> Fit:
    """Costs that were fitted earlier, with the doubt that the same rows leave about them.

    Args:
        log_costs: float64 (len(TERMS),).
        work: float64 (N, len(TERMS)), of the rows they were fitted to.
        doubt: see `fit`.
        sigma: see `fit`.
        tau: see `fit`.

    Returns:
        The costs.
    """
    import numpy as np

    count, kinds = work.shape
    parts = work * np.exp(log_costs)
    weight = 1.0 / (sigma * (np.ones(count) if doubt is None else doubt))
    slope = np.zeros((count + kinds, kinds + 1))  # the last column: the speed as a whole, see `fit`
    slope[:count, :kinds] = parts / parts.sum(axis=1, keepdims=True) * weight[:, None]
    slope[count:, :kinds] = np.eye(kinds) / tau
    slope[count:, kinds] = -1.0 / tau
    covariance = np.linalg.inv(slope.T @ slope + 1e-9 * np.eye(kinds + 1))
    return Fit(log_costs, covariance[:kinds, :kinds])


def usual_shape(fits: list[Fit], before: np.ndarray) -> np.ndarray:
    """Median proportions of costs over settings.

    Args:
        fits: of settings with enough rows; may be empty.
        before: float64 (len(TERMS),), what holds when there are none.

    Returns:
        float64 (len(TERMS),), logarithms, their mean over the kinds of work zero.
    """
    import numpy as np

    rows = [f.log_costs - f.log_costs[2:].mean() for f in fits] or [before - before[2:].mean()]
    assert len(before) == len(TERMS)
    return np.asarray(np.median(rows, axis=0))
