"""Scores that mean what they say, class by class: Platt scaling fitted on validation images.

A class' score s becomes 1 / (1 + exp(-(slope * log(s / (1 - s)) + offset))): the share of images with such a score that are of
the class. Each class stands alone, so calibrated scores of an image do not sum to one, and two that are close may change places.
Source: Platt (1999), Probabilistic Outputs for Support Vector Machines, with his targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgetl.errors import ConversionError

if TYPE_CHECKING:
    import numpy as np

LEAST = 20
"""Fewest validation images of a class, and fewest that are not of it. Our choice: 20 know a share of one half to 0.22."""
_SMALLEST = 1e-7


def log_odds(scores: np.ndarray) -> np.ndarray:
    """`log(s / (1 - s))`, float64; scores nearer than 1e-7 to 0 or 1 count as being there."""
    import numpy as np

    clipped = np.clip(np.asarray(scores, np.float64), _SMALLEST, 1.0 - _SMALLEST)
    found: np.ndarray = np.log(clipped) - np.log1p(-clipped)
    return found


def calibrated(scores: np.ndarray, parameters: Sequence[tuple[float, float]]) -> np.ndarray:
    """Apply it.

    Args:
        scores: (N, classes), 0 to 1.
        parameters: slope and offset of each class.

    Returns:
        float64 (N, classes).
    """
    import numpy as np

    slope, offset = np.array(parameters, np.float64).T
    found: np.ndarray = 0.5 * (1.0 + np.tanh(0.5 * (log_odds(scores) * slope + offset)))
    return found


def fit(scores: np.ndarray, right: np.ndarray, class_names: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """Fit it.

    Args:
        scores: (N, classes), the network's answers to validation images, 0 to 1.
        right: bool (N, classes), which classes an image is of.
        class_names: for messages.

    Returns:
        Slope, above 0, and offset of each class; the same arguments give the same.

    Raises:
        ConversionError: too few images of a class, or of the others; or a score that does not rise with the class.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    own = right.sum(axis=0)
    few = [f"{name} ({count} of {len(right)})" for name, count in zip(class_names, own, strict=True)
           if min(count, len(right) - count) < LEAST]  # fmt: skip
    if few:
        raise ConversionError(
            f"ship.score_calibration: needs {LEAST} validation photos of each class and {LEAST} of others; there are fewer of "
            f"{', '.join(few[:8])}{' …' if len(few) > 8 else ''}. Add photos, or leave it out."
        )
    odds, found = log_odds(scores), []
    for place, name in enumerate(class_names):
        there = right[:, place]
        wanted = np.where(there, (own[place] + 1) / (own[place] + 2), 1 / (len(right) - own[place] + 2))
        model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
        one = odds[:, place : place + 1]
        model.fit(np.concatenate([one, one]), np.repeat([1, 0], len(one)), np.concatenate([wanted, 1.0 - wanted]))
        slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
        if not slope > 0.0 or not np.isfinite([slope, offset]).all():
            raise ConversionError(
                f"ship.score_calibration: on validation photos the score of class {name!r} is no higher for photos of it "
                f"(slope {slope:.3g}). Leave it out, or train longer."
            )
        found.append((slope, offset))
    return tuple(found)
