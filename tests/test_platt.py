"""Calibrated scores: known slopes come back; what cannot be fitted honestly is refused, with the reason."""

import numpy as np
import pytest

from edgetl import platt
from edgetl.errors import ConversionError

NAMES = ("a", "b", "c")


def _drawn(slope, offset, count, seed=0):
    """Scores whose true meaning is 1 / (1 + exp(-(slope * odds + offset))), and what came of them."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0.0, 2.0, (count, 3))
    right = rng.random((count, 3)) < 1.0 / (1.0 + np.exp(-(slope * odds + offset)))
    return 1.0 / (1.0 + np.exp(-odds)), right


def test_known_parameters_come_back():
    found = platt.fit(*_drawn(0.5, -1.0, 6_000), NAMES)
    assert np.abs(np.array(found) - (0.5, -1.0)).max() < 0.1
    assert found == platt.fit(*_drawn(0.5, -1.0, 6_000), NAMES)


def test_an_applied_score_is_the_share_that_is_right():
    scores, right = _drawn(0.4, 0.7, 6_000)
    told = platt.calibrated(scores, platt.fit(scores, right, NAMES))
    near = (told > 0.65) & (told < 0.75)
    assert near.sum() > 300
    assert abs(right[near].mean() - 0.7) < 0.05
    assert platt.calibrated(np.array([[0.0, 0.5, 1.0]]), ((1.0, 0.0),) * 3)[0] == pytest.approx([0.0, 0.5, 1.0], abs=1e-6)


def test_scores_that_are_good_already_are_left_alone():
    refused = 0
    for seed in range(8):
        try:
            platt.fit(*_drawn(1.0, 0.0, 200, seed), NAMES)
        except ConversionError as error:
            refused += "scores are better as they are" in str(error)
    assert refused >= 5


def test_too_few_photos_of_a_class_are_named():
    scores, right = _drawn(0.5, 0.0, 400)
    right[:, 1] = False
    right[:19, 1] = True
    with pytest.raises(ConversionError, match=r"there are fewer of b \(19 of 400\)"):
        platt.fit(scores, right, NAMES)


def test_a_score_that_says_nothing_is_named():
    scores, right = _drawn(0.5, 0.0, 400)
    right[:, 2] = scores[:, 2] < 0.5
    with pytest.raises(ConversionError, match="no higher for photos of c than"):
        platt.fit(scores, right, NAMES)
