"""What follows from distances: numbers that can be worked out by hand."""

import math

import numpy as np
import pytest

from edgetl.replay import likelihood
from edgetl.replay.likelihood import OTHER


def test_distances_of_distributions():
    assert likelihood.hellinger(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0.0
    assert likelihood.hellinger(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1.0)
    assert likelihood.hellinger(np.array([1.0, 0.0]), np.array([0.25, 0.75])) == pytest.approx(math.sqrt(0.5))


def test_near_is_evidence_for_and_far_against():
    scales = np.full(10, 0.01)
    near, far = (likelihood.log_likelihood(np.full(10, d), scales) for d in (0.005, 0.5))
    assert near > 10 > 0 > far
    assert likelihood.log_likelihood(np.empty(0), np.empty(0)) == 0.0


def test_one_stray_photo_does_not_refute():
    distances = np.full(10, 0.005)
    distances[3] = 0.9
    assert likelihood.log_likelihood(distances, np.full(10, 0.01)) > 5


def test_one_is_named_two_alike_are_not_and_what_cannot_be_seen_counts_as_nothing():
    none, one, other = (("none", ()), ("bgr", ("bgr",)), ("squash", ("squash",)))
    assert likelihood.weigh({none: -50.0, one: 30.0, other: 0.0}, ()).outcome == "named"
    equal = likelihood.weigh({none: -50.0, one: 30.0, other: 30.0}, ())
    assert equal.outcome == "undecided"
    assert {e.best for e in equal.explanations[:2]} == {"bgr", "squash"}
    assert equal.explanations[0].posterior == pytest.approx(0.5, abs=1e-3)
    assert likelihood.weigh({none: 30.0, one: 30.0, other: 0.0}, ()).outcome == "undecided"
    unseen = likelihood.weigh({none: 30.0, one: 30.0, other: 0.0}, ("bgr",))
    assert (unseen.outcome, unseen.unseen) == ("none", ("bgr",))
    nothing = likelihood.weigh({none: -50.0, one: -40.0, other: -60.0}, ())
    assert (nothing.outcome, nothing.explanations[0].mistakes) == ("unexplained", (OTHER,))
