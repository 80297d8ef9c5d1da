"""Every calibration that comes with edgetl is what its rows say, and says what it does not reach."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from edgetl.estimator import atlas, publish, roofline
from edgetl.estimator.pool import build
from edgetl.estimator.rows import read_rows
from edgetl.estimator.terms import TERMS

POOLS = atlas.pool_names()


@functools.cache
def _pool(name):
    return build(name, atlas.shipped_rows(name))


def _stored():
    return {s: (name, one) for name, known in atlas.known_devices().items() for s, one in known.settings().items()}


def test_at_least_thirty_devices_are_calibrated_from_published_rows():
    assert sum(bool(known.calibrations) for known in atlas.known_devices().values()) >= 30


@pytest.mark.parametrize("name", POOLS)
def test_every_setting_of_the_rows_is_in_a_profile_and_no_other(name):
    of_pool = {s for s in _stored() if publish_pool(s) == name}
    assert of_pool == set(_pool(name).settings)


def publish_pool(setting):
    from edgetl.estimator.pool import pool_of

    return pool_of(setting)


@pytest.mark.parametrize("name", POOLS)
def test_costs_fitted_anew_are_those_of_the_profile(name):
    pool, stored, learned = _pool(name), _stored(), atlas.learned()[name]
    shapes = {precision: np.array(shape) for precision, shape in learned["shapes"].items()}
    for setting in pool.settings:
        one, at = stored[setting][1], pool.at(setting)
        found = roofline.fit(
            pool.work[at], np.exp(pool.log_latency[at]), shapes[setting.precision], doubt=pool.doubt[at], sigma=one.noise
        )
        costs = np.log([getattr(one.costs, term) for term in TERMS])
        assert np.abs(found.predict(pool.work[at]) - np.log(pool.work[at] @ np.exp(costs))).max() < 0.01, setting
        assert one.rows == len(at) and one.networks == len(
            {r.model + str(r.alpha) + str(r.input_px) for r in map(pool.rows.__getitem__, at)}
        )
        assert set(one.sources) == {pool.rows[index].source for index in at}


@pytest.mark.parametrize("name", POOLS)
def test_rows_keep_their_sources(name):
    for row in read_rows(atlas.measurements() / f"{name}.csv"):
        assert row.source


def test_a_calibration_that_misses_a_goal_says_so():
    for setting, (_, one) in _stored().items():
        goals = publish.GOALS.get(setting.accelerator.partition(" ")[0])
        models = one.models_left_out
        told = " ".join(one.misses)
        if models is None:
            assert "too few rows" in told
        elif goals and models.estimator.median > goals[0]:
            assert "median error with networks left out" in told, setting
        for left in (models, one.families_left_out):
            for plain in (left.ns_per_mac, left.log_linear) if left else ():
                if plain is not None and left.estimator.median >= plain.median:
                    assert "is no worse" in told, setting


def _tflite_boards():
    """TFLite on the CPU of boards, one version each (the newest), with enough rows to judge."""
    found = {}
    for setting, (name, one) in _stored().items():
        if setting.runtime == "tflite" and setting.accelerator == "cpu" and one.rows >= 30:
            found.setdefault((name, setting.device, setting.precision), []).append(one)
    return [one for group in found.values() for one in group]


def test_on_the_tflite_boards_the_goals_are_reached():
    boards = _tflite_boards()
    assert len(boards) >= 20
    for goal, left in ((0.08, "models_left_out"), (0.15, "families_left_out")):
        figures = [getattr(one, left) for one in boards]
        assert np.median([f.estimator.median for f in figures]) <= goal
        assert np.median([f.estimator.median for f in figures]) < min(
            np.median([getattr(f, plain).median for f in figures]) for plain in ("ns_per_mac", "log_linear")
        )
        covered = np.average([f.estimator.covered for f in figures], weights=[f.estimator.rows for f in figures])
        assert 0.85 <= covered <= 0.97


def test_on_npus_the_goal_is_reached():
    npus = [one for s, (_, one) in _stored().items() if s.accelerator == "npu" and one.models_left_out]
    figures = [one.models_left_out for one in npus]
    assert len(npus) >= 30
    assert np.median([f.estimator.median for f in figures]) <= 0.20
    assert 0.85 <= np.average([f.estimator.covered for f in figures], weights=[f.estimator.rows for f in figures]) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
def test_a_whole_calibration_anew_is_that_of_the_profiles(name):
    """Shapes, noise, intervals and errors too; only the strengths are taken as learned."""
    from edgetl.estimator.residual import Strengths

    strengths = Strengths(**atlas.learned()[name]["strengths"])
    found = publish.publish(name, atlas.shipped_rows(name), strengths)
    stored = _stored()
    for setting, one in found.calibrated.items():
        known = stored[setting][1]
        assert one.noise == pytest.approx(known.noise, rel=0.05), setting
        assert one.domain == known.domain
        if known.models_left_out:
            ours, theirs = one.models_left_out.estimator, known.models_left_out.estimator
            assert ours.median == pytest.approx(theirs.median, rel=0.1, abs=0.003), setting
            assert ours.covered == pytest.approx(theirs.covered, abs=0.06), setting
