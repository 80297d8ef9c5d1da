import numpy as np
import pytest

from edgetl.estimator import roofline
from edgetl.estimator.terms import TERMS, terms
from edgetl.networks._find import draw

SHAPE = np.array(roofline.FIRST_SHAPE)


def _grid():
    keys = [("mobilenet_v1", a, p) for a in (0.25, 0.5, 0.75, 1.0) for p in (128, 160, 192, 224)]
    keys += [("mobilenet_v2", a, p) for a in (0.35, 0.5, 0.75, 1.0) for p in (96, 128, 160, 192, 224)]
    keys += [("efficientnet_lite0", None, 224), ("resnet50", None, 224), ("mobilenet_v3_large", 1.0, 224)]
    return np.array([terms(draw(*key)) for key in keys])


def test_costs_that_made_the_times_are_found_again():
    work, truth = _grid(), SHAPE + np.log(3.0)
    truth[2] += 0.4
    found = roofline.fit(work, work @ np.exp(truth), SHAPE, sigma=0.005)
    assert np.abs(found.predict(work) - np.log(work @ np.exp(truth))).max() < 0.01
    assert found.log_costs[2] == pytest.approx(truth[2], abs=0.1)


def test_what_no_row_shows_stays_at_the_usual_proportion_and_is_doubtful():
    work = _grid()[:16]  # MobileNetV1: no 5x5 depthwise, no attention
    found = roofline.fit(work, work @ np.exp(SHAPE + np.log(2.0)), SHAPE)
    names = list(TERMS)
    assert found.log_costs[names.index("matmul")] == pytest.approx(SHAPE[names.index("matmul")] + np.log(2.0), abs=0.05)
    attention = work[:1].copy()
    attention[0, names.index("matmul")] = 10 * work[0].sum()
    assert found.variance(attention)[0] > 0.15 > 0.01 > found.variance(work[:1])[0]


def test_five_rows_tell_the_speed():
    work = _grid()
    times = work @ np.exp(SHAPE + np.log(5.0))
    few = roofline.fit(work[[0, 9, 20, 30, 36]], times[[0, 9, 20, 30, 36]], SHAPE)
    assert np.abs(np.exp(few.predict(work)) / times - 1).max() < 0.05


def test_one_wild_row_does_not_turn_the_fit():
    work = _grid()
    times = work @ np.exp(SHAPE)
    times[3] *= 8.0
    found = roofline.fit(work, times, SHAPE)
    others = np.arange(len(times)) != 3
    assert np.median(np.abs(np.exp(found.predict(work))[others] / times[others] - 1)) < 0.02


def test_stored_costs_have_the_doubt_of_the_fit():
    work = _grid()
    fitted = roofline.fit(work, work @ np.exp(SHAPE), SHAPE)
    again = roofline.stored(fitted.log_costs, work)
    assert np.allclose(again.covariance, fitted.covariance)
