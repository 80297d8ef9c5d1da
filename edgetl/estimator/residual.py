"""What the roofline misses, learned from all rows of a pool: like networks miss alike, on like devices all the more.

A Gaussian process (kriging) over the logarithm of measured / predicted. Its covariance is a sum of parts, each as strong as the
pool's own rows say (`Strengths`, by marginal likelihood): one that all settings share, one for each precision, runtime, device
and setting, all of them falling off with the distance between networks (`terms.describe`), and one for the very same network.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), algorithm 2.1 and section 5.4.1; leaving blocks
out in closed form: Ginsbourger and Schärer, "Fast calculation of Gaussian process multiple-fold cross-validation residuals"
(2021).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MAX_ROWS_TO_LEARN = 800
"""Rows from which strengths are learned; more are thinned out, setting by setting. Learning costs some minutes a pool."""


@dataclass(frozen=True, slots=True)
class Strengths:
    """Standard deviations of the parts, of the natural logarithm of a latency; and a length."""

    common: float = 0.05
    precision: float = 0.13
    runtime: float = 0.05
    device: float = 0.12
    setting: float = 0.03
    identical: float = 0.02
    """The very same network, whatever the setting, at the same precision."""
    noise: float = 0.06
    """Of one row, where its setting's own is not known."""
    length: float = 1.5
    """Distance between networks, see `terms.describe`, over which likeness falls to 0.6."""


@dataclass(frozen=True, slots=True)
class Points:
    """Where rows lie. All arrays have one entry a row."""

    place: np.ndarray
    """float64 (N, 13), `terms.describe` of the network."""
    network: np.ndarray
    """int (N,): equal for the very same network."""
    precision: np.ndarray
    runtime: np.ndarray
    """int (N,): equal for the same runtime and precision."""
    device: np.ndarray
    """int (N,): equal for the same device and precision."""
    setting: np.ndarray

    def take(self, chosen: np.ndarray) -> Points:
        """Some of them."""
        return Points(*(getattr(self, name)[chosen] for name in self.__slots__))


def covariance(a: Points, b: Points, strengths: Strengths) -> np.ndarray:
    """Covariance of what the roofline misses between two sets of rows, noise left out.

    Returns:
        float64 (len(a), len(b)).
    """
    import numpy as np

    square = (a.place**2).sum(1)[:, None] + (b.place**2).sum(1)[None] - 2.0 * a.place @ b.place.T
    near = np.exp(np.maximum(square, 0.0) * (-0.5 / strengths.length**2))
    total = np.full(near.shape, strengths.common**2)
    for name in ("precision", "runtime", "device", "setting"):
        total += getattr(strengths, name) ** 2 * (getattr(a, name)[:, None] == getattr(b, name)[None])
    total *= near
    same = (a.network[:, None] == b.network[None]) & (a.precision[:, None] == b.precision[None])
    total += strengths.identical**2 * same
    return np.asarray(total)


class Residual:
    """The process, conditioned on rows."""

    def __init__(self, points: Points, noise: np.ndarray, strengths: Strengths) -> None:
        """Condition on where rows lie; what they missed may be given later, and differently.

        Args:
            points: of N rows.
            noise: float64 (N,), standard deviation of each row's logarithm.
            strengths: of the parts.
        """
        import numpy as np

        self.points, self.strengths = points, strengths
        matrix = covariance(points, points, strengths)
        matrix[np.diag_indices(len(matrix))] += noise**2 + 1e-8
        self.inverse = np.linalg.inv(matrix)

    def predict(self, points: Points, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expect what the roofline misses elsewhere.

        Args:
            points: of M rows.
            missed: float64 (N,), log(measured / roofline) of the rows conditioned on.

        Returns:
            Mean and variance, float64 (M,) each; noise is not in the variance.
        """
        import numpy as np

        cross = covariance(points, self.points, self.strengths)
        weights = cross @ self.inverse
        s = self.strengths
        own = s.common**2 + s.precision**2 + s.runtime**2 + s.device**2 + s.setting**2 + s.identical**2
        return weights @ missed, np.maximum(own - np.einsum("mn,mn->m", weights, cross), 1e-8)

    def without(self, left_out: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expect the values of rows as if they had not been conditioned on, nor each other.

        Args:
            left_out: int (M,), which rows.
            missed: float64 (N,), as in `predict`.

        Returns:
            Mean and variance, float64 (M,) each; noise is in the variance, as the rows themselves have it.
        """
        import numpy as np

        block = np.linalg.inv(self.inverse[np.ix_(left_out, left_out)])
        return missed[left_out] - block @ (self.inverse[left_out] @ missed), np.diag(block).copy()


def learn(points: Points, missed: np.ndarray, doubt: np.ndarray, seed: int = 0) -> Strengths:
    """Find the strengths under which what was missed is most likely.

    Args:
        points: of N rows.
        missed: float64 (N,).
        doubt: float64 (N,), factor of each row's noise.
        seed: of the choice of rows when there are more than `MAX_ROWS_TO_LEARN`.

    Returns:
        The strengths.
    """
    import numpy as np
    from scipy.linalg import cho_solve
    from scipy.optimize import minimize

    count = len(missed)
    if count > MAX_ROWS_TO_LEARN:
        settings = np.unique(points.setting)
        order = np.random.default_rng(seed).permutation(settings)
        sizes = np.cumsum([(points.setting == s).sum() for s in order])
        chosen = np.isin(points.setting, order[: max(1, int(np.searchsorted(sizes, MAX_ROWS_TO_LEARN)))])
        points, missed, doubt = points.take(chosen), missed[chosen], doubt[chosen]

    def cost(z: np.ndarray) -> float:
        strengths = Strengths(*np.exp(z))
        matrix = covariance(points, points, strengths)
        matrix[np.diag_indices(len(matrix))] += (strengths.noise * doubt) ** 2 + 1e-8
        try:
            lower = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            return 1e12
        far = ((z - start) ** 2).sum() / (2 * 1.5**2)  # a factor of 4.5 either way: pools too small to tell stay where they began
        return float(0.5 * missed @ cho_solve((lower, True), missed) + np.log(np.diag(lower)).sum() + far)

    start = np.log(astuple(Strengths()))
    found = minimize(cost, start, method="Nelder-Mead", options={"maxfev": 250, "xatol": 0.05, "fatol": 0.5})
    return Strengths(*(float(v) for v in np.exp(found.x)))
