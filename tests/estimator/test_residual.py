import numpy as np
import pytest

from edgetl.estimator.residual import Points, Residual, Strengths, covariance, learn


def _points(count, seed, settings=3):
    draw = np.random.default_rng(seed)
    network = draw.integers(0, 8, count)
    places = np.random.default_rng(0).normal(size=(8, 13))
    setting = np.arange(count) % settings
    return Points(
        place=places[network],
        network=network,
        precision=setting % 2,
        runtime=setting % 2,
        device=setting,
        setting=setting,
    )


def test_leaving_out_in_closed_form_equals_conditioning_on_the_rest():
    points, strengths = _points(40, 1), Strengths()
    draw = np.random.default_rng(2)
    noise, missed = draw.uniform(0.02, 0.2, 40), draw.normal(size=40)
    out = np.array([3, 7, 8, 30])
    kept = np.setdiff1d(np.arange(40), out)
    mean, variance = Residual(points, noise, strengths).without(out, missed)
    rest, spread = Residual(points.take(kept), noise[kept], strengths).predict(points.take(out), missed[kept])
    assert np.allclose(mean, rest, atol=1e-6)
    assert np.allclose(variance, spread + noise[out] ** 2, atol=1e-5)


def test_the_covariance_is_one():
    points = _points(60, 3)
    assert np.linalg.eigvalsh(covariance(points, points, Strengths())).min() > -1e-9


def test_the_same_network_on_another_setting_says_more_than_another_network():
    points, strengths = _points(40, 1), Strengths(identical=0.3)
    matrix = covariance(points, points, strengths)
    same = (points.network[:, None] == points.network[None]) & (points.setting[:, None] != points.setting[None])
    same &= points.precision[:, None] == points.precision[None]
    other = points.network[:, None] != points.network[None]
    assert matrix[same].min() > matrix[other].max()


def test_strengths_are_learned_from_what_was_missed():
    points = _points(200, 5, settings=10)
    draw = np.random.default_rng(6)
    truth = Strengths(common=0.3, precision=0.01, runtime=0.01, device=0.01, setting=0.01, identical=0.01, noise=0.02, length=2.0)
    matrix = covariance(points, points, truth) + truth.noise**2 * np.eye(200)
    missed = np.linalg.cholesky(matrix + 1e-9 * np.eye(200)) @ draw.normal(size=200)
    found = learn(points, missed, np.ones(200))
    assert found.noise == pytest.approx(0.02, rel=0.5)
    assert found.common > 3 * max(found.device, found.setting)
