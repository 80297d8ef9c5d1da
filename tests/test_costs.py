"""Bounds of a 90th percentile from what a log states, and how grades of evidence decide."""

import numpy as np
import pytest

from edgetl import costs
from edgetl.costs import KnownCost
from edgetl.devices import load_device
from edgetl.reading import Reading, Statistics

PHONE = load_device("pixel-4")


def _known(value, low, high, evidence="imported", accelerator="cpu", threads=PHONE.threads, **more):
    interval = None if low is None else (low, high)
    return KnownCost(gate="latency_p90_ms", device="pixel-4", value=value, interval=interval, evidence=evidence,
                     accelerator=accelerator, threads=threads, source="a log", **more)  # fmt: skip


@pytest.mark.parametrize("law", ["normal", "exponential", "two modes", "one stall"])
def test_bounds_from_moments_hold_the_percentile_of_any_values(law):
    random = np.random.default_rng(0)
    values = {
        "normal": random.normal(10, 1, 200),
        "exponential": 5 + random.exponential(5, 200),
        "two modes": np.where(random.random(200) < 0.15, 30.0, 10.0),
        "one stall": np.append(np.full(199, 10.0), 500.0),
    }[law]
    stated = Statistics(mean=float(values.mean()), sd=float(values.std()), min=float(values.min()), max=float(values.max()))
    figure, (low, high), missing = costs.p90_of(Reading(statistics_ms=stated, count=200))
    assert low <= np.percentile(values, 90) <= high and low <= figure <= high and missing == ""


def test_stated_percentiles_bound_it_more_narrowly():
    stated = Statistics(p50=10.0, p90=11.0, p95=11.5, max=40.0, min=9.0)
    assert costs.p90_of(Reading(statistics_ms=stated, count=50)) == (11.0, (10.0, 11.5), "")


@pytest.mark.parametrize(
    ("stated", "count", "words"),
    [
        (Statistics(mean=10.0), 50, "neither a spread nor percentiles"),
        (Statistics(mean=10.0, sd=1.0), 20, "of 20 runs"),
        (Statistics(mean=10.0, sd=1.0), None, "unstated number"),
        (Statistics(unstated=10.0), 100, "neither"),
    ],
)
def test_too_little_bounds_nothing_and_says_what_is_missing(stated, count, words):
    value, interval, missing = costs.p90_of(Reading(statistics_ms=stated, count=count))
    assert value == pytest.approx(10.0, rel=0.2) and interval is None and words in missing


def test_raw_values_are_bounded_by_their_own_spread():
    values = tuple(np.random.default_rng(1).normal(10, 0.5, 200))
    figure, (low, high), _ = costs.p90_of(Reading(values_ms=values, count=200))
    assert low < figure < high and high - low < 1.0
    assert low < np.percentile(values, 90) < high


@pytest.mark.parametrize(
    ("low", "high", "outcome"), [(10, 15.9, "pass"), (10, 16, "pass"), (16.1, 20, "fail"), (15, 17, "unsure"), (16, 20, "unsure")]
)
def test_only_a_whole_interval_decides(low, high, outcome):
    found = costs.decide([_known((low + high) / 2, low, high)], PHONE, 16.0, "ms", "do this")
    assert found[0] == outcome and found[2] == (low, high) and found[3] == "imported"
    assert ("do this" in found[4]) == (outcome == "unsure")


def test_the_best_grade_speaks_alone():
    found = costs.decide([_known(5, 4, 6, "estimated"), _known(20, 19, 21, "imported")], PHONE, 16.0, "ms", "")
    assert found[0] == "fail" and found[3] == "imported"


def test_figures_that_contradict_each_other_are_unsure():
    assert costs.decide([_known(5, 4, 6), _known(20, 19, 21)], PHONE, 16.0, "ms", "")[0] == "unsure"


def test_any_processor_may_serve_the_device():
    slow, fast = _known(20, 19, 21), _known(4, 3, 5, accelerator="gpu", threads=None)
    assert costs.decide([slow, fast], PHONE, 16.0, "ms", "")[0] == "pass"


def test_other_threads_than_the_budget_means_say_nothing():
    found = costs.decide([_known(4, 3, 5, threads=1)], PHONE, 16.0, "ms", "do this")
    assert found[0] == "unsure" and "1 thread(s) only" in found[4]


def test_host_and_emulated_times_never_decide():
    for grade in ("host", "emulated"):
        assert costs.decide([_known(4, 3, 5, grade)], PHONE, 16.0, "ms", "")[0] == "unsure"


def test_an_estimate_of_the_median_is_one_of_the_tail_too():
    value, (low, high) = costs.p90_of_estimate(10.0, (8.0, 12.0))
    assert value > 10.0 and low >= 8.0 and high > 12.0 * 1.3
