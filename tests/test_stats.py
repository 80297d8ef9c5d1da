"""Statistics: known answers from the literature, numpy, or a computation of another kind."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from edgetl import stats


@pytest.mark.parametrize("q", [0, 1, 10, 25, 33.3, 50, 90, 95, 99, 100])
@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_percentile_is_numpys(size: int, q: float) -> None:
    values = np.random.default_rng(size).lognormal(size=size)
    assert stats.percentile(values.tolist(), q) == pytest.approx(float(np.percentile(values, q)), rel=1e-14)


def test_percentile_of_ten_values() -> None:
    assert stats.percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 90) == pytest.approx(9.1)


def test_percentile_of_equal_values_is_that_value() -> None:
    assert stats.percentile([0.1] * 7, 90) == 0.1


@pytest.mark.parametrize(("values", "q"), [([], 50), ([1.0, math.nan], 50), ([math.inf], 50), ([1.0], 101), ([1.0], -1)])
def test_percentile_refuses(values: list[float], q: float) -> None:
    with pytest.raises(ValueError, match="."):
        stats.percentile(values, q)


def test_summary_of_one_to_hundred_and_one() -> None:
    found = stats.summarise([float(v) for v in range(1, 102)])
    assert found == {"p50": 51.0, "p90": 91.0, "p99": 100.0, "mean": 51.0, "min": 1.0}


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3 (score)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(successes: int, n: int, low: float, high: float) -> None:
    assert stats.wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_ends_exactly_at_0_and_1() -> None:
    assert stats.wilson_interval(0, 360)[0] == 0.0
    assert stats.wilson_interval(360, 360)[1] == 1.0
    assert stats.wilson_interval(360, 360)[0] == pytest.approx(360 / (360 + 1.959964**2), abs=1e-7)


@pytest.mark.parametrize(("successes", "n", "confidence"), [(1, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
def test_wilson_interval_refuses(successes: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="."):
        stats.wilson_interval(successes, n, confidence)


@pytest.mark.parametrize(
    ("only_first", "only_second", "n", "confidence", "low", "high"),
    [
        # Tango (1998), crossover trial of contact lens disinfection, 44 pairs, one discordant
        (0, 1, 44, 0.90, -0.096, 0.037),
        # Fagerland, Lydersen and Laake (2014), airway hyper-responsiveness (Bentur et al.)
        (1, 7, 21, 0.95, -0.517, -0.026),
    ],
)
def test_paired_interval_is_the_published_one(
    only_first: int, only_second: int, n: int, confidence: float, low: float, high: float
) -> None:
    found = stats.paired_difference_interval(only_first, only_second, n, confidence)
    assert found == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize("n", [10, 360, 5000])
def test_paired_interval_without_discordant_pairs_has_the_closed_form(n: int) -> None:
    half = 1.959964**2 / (n + 1.959964**2)
    assert stats.paired_difference_interval(0, 0, n) == pytest.approx((-half, half), rel=1e-6)


@pytest.mark.parametrize(("b", "c", "n"), [(0, 0, 360), (3, 0, 360), (0, 5, 40), (6, 16, 161), (9, 1, 10), (10, 0, 10)])
def test_paired_interval_ends_where_the_score_test_rejects(b: int, c: int, n: int) -> None:
    """The likelihood is maximised on a grid here, not by the closed form that the code uses."""
    for end in stats.paired_difference_interval(b, c, n):
        if abs(end) > 1 - 1e-9:
            continue
        second = np.linspace(max(0.0, -end), (1 - end) / 2, 400_001)[1:-1]
        first, rest = second + end, 1 - 2 * second - end
        likelihood = b * np.log(np.clip(first, 1e-300, None)) + c * np.log(np.clip(second, 1e-300, None))
        likelihood += (n - b - c) * np.log(np.clip(rest, 1e-300, None))
        best = second[np.argmax(likelihood)]
        score = (b - c - n * end) / math.sqrt(n * (2 * best + end * (1 - end)))
        assert abs(score) == pytest.approx(1.96, abs=0.01)


def test_paired_interval_is_antisymmetric_and_holds_the_estimate() -> None:
    for b in range(0, 12, 3):
        for c in range(0, 12, 3):
            low, high = stats.paired_difference_interval(b, c, 50)
            assert low <= (b - c) / 50 <= high
            assert stats.paired_difference_interval(c, b, 50) == pytest.approx((-high, -low))


@pytest.mark.parametrize(("b", "c", "n"), [(1, 1, 0), (-1, 0, 5), (3, 3, 5)])
def test_paired_interval_refuses(b: int, c: int, n: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        stats.paired_difference_interval(b, c, n)


def test_paired_interval_covers_the_truth() -> None:
    """True difference 2 % with 3 % discordant pairs, 360 images: 95 % intervals hold it in about 95 of 100 samples."""
    draws = np.random.default_rng(0).multinomial(360, [0.025, 0.005, 0.97], size=2000)
    held = {}
    for b, c in {(int(b), int(c)) for b, c, _ in draws}:
        low, high = stats.paired_difference_interval(b, c, 360)
        held[b, c] = low <= 0.02 <= high
    assert 0.93 <= np.mean([held[int(b), int(c)] for b, c, _ in draws]) <= 0.975


def test_none_seen_bound_is_the_rule_of_three() -> None:
    assert stats.none_seen_bound(299) == pytest.approx(0.01, abs=4e-5)
    assert (1 - stats.none_seen_bound(360)) ** 360 == pytest.approx(0.05)
    with pytest.raises(ValueError, match="."):
        stats.none_seen_bound(0)


def test_bootstrap_interval_of_a_mean_is_near_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(10.0, 2.0, size=400).tolist()
    low, high = stats.bootstrap_interval(values, lambda v: sum(v) / len(v), seed=1, resamples=2000)
    half = 1.96 * float(np.std(values, ddof=1)) / 20
    assert (low, high) == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=0.03)


def test_bootstrap_interval_is_repeatable_and_seeded() -> None:
    values = [float(v) for v in range(50)]
    first = stats.bootstrap_interval(values, max, seed=1, resamples=50)
    assert first == stats.bootstrap_interval(values, max, seed=1, resamples=50)
    mean = [stats.bootstrap_interval(values, lambda v: sum(v) / len(v), seed=s, resamples=50) for s in (1, 2)]
    assert mean[0] != mean[1]


def test_bootstrap_in_blocks_is_wider_when_neighbours_are_alike() -> None:
    values = [float(v // 20) for v in range(200)]
    low, high = stats.bootstrap_interval(values, lambda v: sum(v) / len(v), seed=1)
    low20, high20 = stats.bootstrap_interval(values, lambda v: sum(v) / len(v), seed=1, block=20)
    assert high20 - low20 > 2 * (high - low)


@pytest.mark.parametrize("block", [1, 6, 7, 50, 99])
def test_bootstrap_draws_as_many_values_as_there_are_in_runs_of_a_block(block: int) -> None:
    drawn: list[list[float]] = []

    def keep(values: Sequence[float]) -> float:
        drawn.append(list(values))
        return 0.0

    stats.bootstrap_interval([float(v) for v in range(50)], keep, seed=1, resamples=20, block=block)
    assert {len(values) for values in drawn} == {50}
    for values in drawn:
        steps = [(after - before) % 50 for before, after in zip(values, values[1:], strict=False)]
        assert all(step == 1 for index, step in enumerate(steps, 1) if block > 1 and index % block and block < 50)
    assert len({tuple(values) for values in drawn}) > 1


def test_bootstrap_of_equal_values_has_no_width() -> None:
    assert stats.bootstrap_interval([2.0] * 5, max, seed=0, block=9) == (2.0, 2.0)


def test_steady_values_are_stable() -> None:
    assert stats.unstable([10.0 + 0.1 * (i % 5) for i in range(stats.MIN_VALUES)]) == ()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([10.0] * 35, "35 values are too few; take at least 36"),
        ([8.0, 12.0] * 50, "the standard deviation is 20% of the mean"),
        ([10.0] * 999 + [15.5], "the greatest value is 55% above the mean"),
        ([10.0] * 999 + [4.0], "the least value is 60% below the mean"),
    ],
)
def test_unstable_values_say_why(values: list[float], reason: str) -> None:
    assert stats.unstable(values) == (reason,)
