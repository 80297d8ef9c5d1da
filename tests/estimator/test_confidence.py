"""The whole of calibration and its confidence on rows made by a law that is known."""

import numpy as np
import pytest

from edgetl.estimator import baselines, confidence, crossval, roofline
from edgetl.estimator.calibrate import calibrate
from edgetl.estimator.pool import build
from edgetl.estimator.residual import Strengths
from edgetl.estimator.rows import Row, Setting
from edgetl.estimator.terms import terms
from edgetl.networks._find import draw


@pytest.fixture(scope="module")
def made():
    """Three boards of different speed and proportions; noise of 3 %, and of 15 % on the third."""
    random = np.random.default_rng(0)
    keys = [("mobilenet_v1", a, p) for a in (0.25, 0.5, 0.75, 1.0) for p in (128, 160, 192, 224)]
    keys += [("mobilenet_v2", a, p) for a in (0.35, 0.5, 0.75, 1.0) for p in (128, 160, 192, 224)]
    keys += [(f"efficientnet_lite{n}", None, None) for n in range(5)]
    rows = []
    for board, (speed, noise) in enumerate(((1.0, 0.03), (4.0, 0.03), (2.0, 0.15))):
        costs = np.array(roofline.FIRST_SHAPE) + np.log(speed) + random.normal(0, 0.3, 13)
        setting = Setting(
            device=f"b{board}", runtime="tflite", runtime_version="", accelerator="cpu", threads=4, precision="int8"
        )
        for model, alpha, px in keys:
            latency = float(terms(draw(model, alpha, px)) @ np.exp(costs) * np.exp(random.normal(0, noise)))
            rows.append(Row(setting=setting, model=model, alpha=alpha, input_px=px, latency_ms=latency))
    calibration = calibrate(build("tflite_cpu", rows), Strengths())
    return calibration, confidence.measure(calibration)


def test_the_noise_of_each_setting_is_seen(made):
    calibration, _ = made
    assert calibration.noise[2] > 2 * max(calibration.noise[:2])
    assert calibration.noise[2] == pytest.approx(0.15, rel=0.5)


def test_intervals_hold_what_they_say(made):
    calibration, shown = made
    pool = calibration.pool
    for question, known in (("model", "near"), ("family_here", "elsewhere"), ("family", "unseen")):
        half = shown.half_width(question, known, pool.points.setting)
        found = crossval.error(shown.left_out[question].mean, pool.log_latency, half)
        assert 0.85 <= found.covered <= 1.0, question


def test_left_out_networks_are_told_better_than_by_the_simplest_predictors(made):
    calibration, shown = made
    pool = calibration.pool
    models = [f"{r.model} {r.alpha} {r.input_px}" for r in pool.rows]
    own = crossval.error(shown.left_out["model"].mean, pool.log_latency).median
    for plain in (baselines.ns_per_mac, baselines.log_linear):
        assert own < crossval.error(plain(pool, models), pool.log_latency).median


def test_a_setting_with_too_few_rows_left_is_not_predicted(made):
    calibration, _ = made
    found = crossval.leave_out(calibration, ["all"] * len(calibration.pool.rows), everywhere=True)
    assert np.isnan(found.mean).all()


def test_errors_are_what_they_are_called():
    found = crossval.error(np.log([1.0, 2.2, 3.0, np.nan]), np.log([1.0, 2.0, 6.0, 1.0]), np.array([0.1, 0.2, 0.1, 0.1]))
    assert found.rows == 3 and found.median == pytest.approx(0.1) and found.covered == pytest.approx(2 / 3)
    assert found.within_10 == pytest.approx(2 / 3, abs=0.34) and found.rank == pytest.approx(1.0)


def test_baselines_are_what_they_are_called():
    setting = Setting(device="b", runtime="tflite", runtime_version="", accelerator="cpu", threads=1, precision="fp32")
    keys = [("mobilenet_v1", a, p) for a in (0.25, 0.5, 1.0) for p in (128, 192, 224)]
    rows = [Row(setting=setting, model=m, alpha=a, input_px=p, latency_ms=draw(m, a, p).macs * 2e-6) for m, a, p in keys]
    pool = build("tflite_cpu", rows)
    names = [str(n) for n in range(len(rows))]
    assert np.allclose(baselines.ns_per_mac(pool, names), pool.log_latency)
    assert np.allclose(baselines.log_linear(pool, names), pool.log_latency, atol=1e-6)
