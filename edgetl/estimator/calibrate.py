"""Calibrate a pool: usual costs, what the roofline misses, and for each setting its own costs and doubts.

Two passes: with every row as doubtful as any, then with the noise that each setting shows (some boards were measured unpinned,
some throttled). How wide intervals must be is then measured by leaving out what is predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.estimator import residual, roofline
from edgetl.estimator.pool import Pool
from edgetl.estimator.residual import Residual, Strengths
from edgetl.estimator.roofline import Fit

if TYPE_CHECKING:
    import numpy as np

SHAPE_ROWS = 15
"""Fewest rows of a setting that has a say in the usual shape."""
LEAST_NOISE, MOST_NOISE = 0.02, 3.0
"""Bounds of a setting's noise, of the logarithm. Repeated jobs on the same device differ by 2 % at the 90th percentile at best
(AI Hub), so less is never believed."""
NOISE_PRIOR_ROWS = 6
"""How many rows the pool's noise counts as, beside a setting's own."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A pool, calibrated."""

    pool: Pool
    shapes: dict[str, np.ndarray]
    """Usual logarithms of costs, by precision."""
    strengths: Strengths
    fits: tuple[Fit, ...]
    """One for each of the pool's settings."""
    noise: np.ndarray
    """float64 (settings,), standard deviation of a row's logarithm."""

    def shape(self, precision: str) -> np.ndarray:
        """Usual shape at a precision; of the first one known where this one is not."""
        return self.shapes.get(precision, next(iter(self.shapes.values())))

    def row_noise(self) -> np.ndarray:
        """float64 (N,), standard deviation of each row's logarithm."""
        import numpy as np

        return np.asarray(self.noise[self.pool.points.setting] * self.pool.doubt)

    def noise_of_a_new_row(self, number: int) -> float:
        """Standard deviation of the logarithm of one more measurement: as doubtful as the setting's rows are on the average."""
        import numpy as np

        doubt = self.pool.doubt[self.pool.points.setting == number]
        return float(self.noise[number] * np.sqrt(np.mean(doubt**2)))

    def missed(self, fits: tuple[Fit, ...] | None = None) -> np.ndarray:
        """float64 (N,), log(measured / roofline) of each row."""
        import numpy as np

        found = np.zeros(len(self.pool.rows))
        for number, fit in enumerate(fits or self.fits):
            at = np.flatnonzero(self.pool.points.setting == number)
            found[at] = self.pool.log_latency[at] - fit.predict(self.pool.work[at])
        return found

    def residual(self) -> Residual:
        """The process of what the roofline misses, conditioned on all rows."""
        return Residual(self.pool.points, self.row_noise(), self.strengths)

    def refit(self, number: int, at: np.ndarray) -> Fit:
        """Fit one setting to some of its rows.

        Args:
            number: of the setting.
            at: indices of rows, at least one.
        """
        return _fit(self.pool, at, self.shape(self.pool.settings[number].precision), float(self.noise[number]))


def calibrate(pool: Pool, strengths: Strengths | None = None, tell: Callable[[str], None] = lambda text: None) -> Calibration:
    """Calibrate a pool from its rows.

    Args:
        pool: its rows.
        strengths: of what the roofline misses, where they are known already; None = learn them, which takes minutes.
        tell: called with what is being done.

    Returns:
        The calibration; the same for the same rows.
    """
    import numpy as np

    tell(f"{pool.name}: {len(pool.rows)} rows, {len(pool.settings)} settings")
    rows_of = [np.flatnonzero(pool.points.setting == number) for number in range(len(pool.settings))]
    noise = np.full(len(pool.settings), 0.0)
    precisions = sorted({setting.precision for setting in pool.settings})
    first = np.array(roofline.FIRST_SHAPE)
    shapes = dict.fromkeys(precisions, first)
    found: Strengths = strengths or Strengths()
    fits: tuple[Fit, ...] = ()
    for turn in range(2):
        for again in range(3):
            tau = 3.0 if turn == again == 0 else roofline.TAU
            sigma = np.where(noise > 0, noise, roofline.SIGMA)
            fits = tuple(
                _fit(pool, at, shapes[setting.precision], float(sigma[number]), tau)
                for number, (setting, at) in enumerate(zip(pool.settings, rows_of, strict=True))
            )
            whole = roofline.usual_shape([f for f, at in zip(fits, rows_of, strict=True) if len(at) >= SHAPE_ROWS], first)
            shapes = {
                precision: roofline.usual_shape(
                    [
                        fit
                        for fit, at, setting in zip(fits, rows_of, pool.settings, strict=True)
                        if len(at) >= SHAPE_ROWS and setting.precision == precision
                    ],
                    whole,
                )
                for precision in precisions
            }
        draft = Calibration(pool, shapes, found, fits, np.where(noise > 0, noise, found.noise))
        if strengths is None:
            tell(f"{pool.name}: learning how alike devices and networks are, turn {turn + 1} of 2")
            relative = draft.row_noise() / np.median(draft.noise)
            found = residual.learn(pool.points, draft.missed(), relative)
            draft = Calibration(pool, shapes, found, fits, np.where(noise > 0, noise, found.noise))
        noise = _noise(draft, rows_of)
    fits = tuple(
        _fit(pool, at, shapes[setting.precision], float(noise[number]))
        for number, (setting, at) in enumerate(zip(pool.settings, rows_of, strict=True))
    )
    return Calibration(pool, shapes, found, fits, noise)


def _fit(pool: Pool, at: np.ndarray, shape: np.ndarray, sigma: float, tau: float = roofline.TAU) -> Fit:
    import numpy as np

    return roofline.fit(pool.work[at], np.exp(pool.log_latency[at]), shape, doubt=pool.doubt[at], sigma=sigma, tau=tau)


def _noise(draft: Calibration, rows_of: list[np.ndarray]) -> np.ndarray:
    """Noise of each setting: how much of the errors of leaving single rows out the process does not explain."""
    import numpy as np

    process, missed = draft.residual(), draft.missed()
    diagonal = np.diag(process.inverse)
    left_out = (process.inverse @ missed) / diagonal  # error of each row, left out alone
    doubt, pool_noise = draft.pool.doubt, draft.strengths.noise
    explained = np.maximum(1.0 / diagonal - draft.row_noise() ** 2, 0.0)
    found = []
    for at in rows_of:
        own = np.median(np.abs(left_out[at]) / doubt[at]) * 1.4826
        share = len(at) / (len(at) + NOISE_PRIOR_ROWS)
        square = share * max(own**2 - float(np.median(explained[at])), LEAST_NOISE**2) + (1 - share) * pool_noise**2
        found.append(np.sqrt(square))
    return np.asarray(np.clip(np.array(found), LEAST_NOISE, MOST_NOISE))
