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
_FOLDS = 5


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
    """Fit it, and see on images left out of the fit that scores mean more with it than without.

    Args:
        scores: (N, classes), the network's answers to validation images, 0 to 1.
        right: bool (N, classes), which classes an image is of.
        class_names: for messages.

    Returns:
        Slope, above 0, and offset of each class; the same arguments give the same.

    Raises:
        ConversionError: too few images of a class, or of the others; a score that does not rise with the class; or nothing gained.
    """
    import numpy as np

    own = right.sum(axis=0)
    counts = [f"{name} ({count} of {len(right)})" for name, count in zip(class_names, own, strict=True)]
    few = [told for told, count in zip(counts, own, strict=True) if min(count, len(right) - count) < LEAST]
    if few:
        raise ConversionError(
            f"ship.score_calibration: needs {LEAST} validation photos of each class and {LEAST} of others; there are fewer of "
            f"{', '.join(few[:8])}{' …' if len(few) > 8 else ''}. Add photos, or leave it out."
        )
    odds = log_odds(scores)
    found = tuple(_one(odds[:, place], right[:, place]) for place in range(len(class_names)))
    flat = [name for name, (slope, offset) in zip(class_names, found, strict=True) if not slope > 0.0 or not np.isfinite(offset)]
    if flat:
        raise ConversionError(
            f"ship.score_calibration: on validation photos the score is no higher for photos of {', '.join(flat[:8])} than for "
            "others. Leave it out, or train longer."
        )
    plain, with_it = _log_loss(scores, right), _log_loss(_left_out(odds, right), right)
    if not with_it < plain:
        raise ConversionError(
            f"ship.score_calibration: on validation photos left out of the fit, scores are better as they are (log loss of a class "
            f"{plain:.4f}, {with_it:.4f} with it; {len(right)} photos). Leave it out, or add validation photos."
        )
    return found


def _one(odds: np.ndarray, there: np.ndarray) -> tuple[float, float]:
    """Slope and offset of one class."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    own, others = int(there.sum()), int((~there).sum())
    wanted = np.where(there, (own + 1) / (own + 2), 1 / (others + 2))
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    model.fit(np.tile(odds, 2)[:, None], np.repeat([1, 0], len(odds)), np.concatenate([wanted, 1.0 - wanted]))
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _left_out(odds: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Calibrated scores of each image, fitted without it: (N, classes)."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    found = np.empty(odds.shape)
    for place in range(odds.shape[1]):
        own, there = odds[:, place], right[:, place]
        for fitted, left in StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(own[:, None], there):
            slope, offset = _one(own[fitted], there[fitted])
            found[left, place] = 0.5 * (1.0 + np.tanh(0.5 * (own[left] * slope + offset)))
    return found


def _log_loss(scores: np.ndarray, right: np.ndarray) -> float:
    import numpy as np

    clipped = np.clip(scores, _SMALLEST, 1.0 - _SMALLEST)
    return float(-np.where(right, np.log(clipped), np.log1p(-clipped)).mean())
