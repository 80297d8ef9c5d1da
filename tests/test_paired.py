"""Statistics of pairs: known values, and how often an interval holds the truth."""

import numpy as np
import pytest

from edgetl import paired
from edgetl.paired import ClassCounts
from edgetl.stats import paired_difference_interval


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        (0, 0, 1.0),
        (6, 6, 1.0),
        (1, 5, 0.125),  # exact 14/64, less 6/64
        (5, 1, 0.125),
        (0, 5, 0.03125),  # 2/32 - 1/32
        (2, 10, 0.0224609375),  # (2·79 - 66) / 4096
        (59, 6, 0.0),  # as sure as it gets
    ],
)
def test_mcnemar_mid_p(lost, won, p):
    assert paired.mcnemar_p(lost, won) == pytest.approx(p, abs=1e-8)


def test_mcnemar_agrees_with_scipy_on_many_pairs():
    from scipy.stats import binom

    for lost, won in ((3, 9), (40, 61), (2000, 1900)):
        exact = 2 * binom.cdf(min(lost, won), lost + won, 0.5) - binom.pmf(min(lost, won), lost + won, 0.5)
        assert paired.mcnemar_p(lost, won) == pytest.approx(exact, rel=1e-9)


def test_the_bootstrap_is_that_of_the_images():
    """Drawing counts is drawing images: the same interval as by drawing rows, up to the draw's own noise."""
    rng = np.random.default_rng(3)
    rows = np.repeat([1, -1, 0], [12, 5, 483])
    means = np.array([rng.choice(rows, len(rows)).mean() for _ in range(4000)])
    assert paired.bootstrap_interval(12, 5, 500) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.002)


@pytest.mark.parametrize(("lost", "won", "n"), [(12, 5, 500), (10, 10, 360), (30, 18, 1000), (25, 0, 400)])
def test_both_intervals_agree_from_about_ten_discordant_images_on(lost, won, n):
    tango, drawn = paired.drop_interval(lost, won, n), paired.bootstrap_interval(lost, won, n)
    width = tango[1] - tango[0]
    assert all(abs(a - b) < 0.15 * width for a, b in zip(tango, drawn, strict=True))


def test_tangos_interval_holds_the_truth_and_the_bootstrap_does_not_when_little_changes():
    rng, n, lost = np.random.default_rng(1), 360, 0.004
    draws = rng.binomial(n, lost, 1000)
    held = {
        f.__name__: np.mean([low <= lost <= high for low, high in (f(int(count), 0, n) for count in draws)])
        for f in (paired.drop_interval, paired.bootstrap_interval)
    }
    assert held["drop_interval"] >= 0.95
    assert held["bootstrap_interval"] < 0.8
    assert paired.bootstrap_interval(0, 0, 20) == (0.0, 0.0), "no width: it would pass any gate on twenty images"
    assert paired.drop_interval(0, 0, 20)[1] > 0.1


def test_the_drop_is_bounded_by_what_was_not_seen():
    low, high = paired.drop_interval(0, 3, 100)
    assert high <= 1 - 0.05 ** (1 / 100)
    assert (low, high) == (pytest.approx(paired_difference_interval(0, 3, 100)[0]), high)


def _classes(rng, drops, n):
    found = []
    for k, drop in enumerate(drops):
        lost, won, _ = rng.multinomial(n, (drop + 0.01, 0.01, 0.98 - drop))
        found.append(ClassCounts(name=str(k), n=n, lost=int(lost), won=int(won)))
    return found


def test_the_worst_class_is_not_worse_by_luck():
    """Of twenty classes that all lose 2 %, the one that loses most seems to lose more; its interval still holds 2 %."""
    rng = np.random.default_rng(0)
    drawn = [_classes(rng, [0.02] * 20, 400) for _ in range(500)]
    found = [paired.worst_class(classes) for classes in drawn]
    chosen = [max(classes, key=lambda c: c.lost - c.won) for classes in drawn]
    alone = [paired.drop_interval(c.lost, c.won, c.n)[0] for c in chosen]
    assert np.mean([w.drop for w in found]) > 0.03, "picked out of twenty"
    assert np.mean([w.interval[0] <= 0.02 <= w.interval[1] for w in found]) >= 0.94
    assert np.mean([low <= 0.02 for low in alone]) < 0.8, "an interval of that class alone is too sure"


def test_a_class_that_is_lost_is_named():
    classes = [ClassCounts(name="cat", n=80, lost=1, won=1), ClassCounts(name="dog", n=60, lost=30, won=0)]
    found = paired.worst_class(classes)
    assert (found.name, found.n, found.drop, found.classes) == ("dog", 60, 0.5, 2)
    assert 0.35 < found.interval[0] < 0.5 < found.interval[1] < 0.65
    assert paired.worst_class([]) is None


@pytest.mark.parametrize(("lost", "won", "n", "allowed"), [(0, 0, 20, 0.01), (1, 1, 360, 0.01), (10, 10, 360, 0.02)])
def test_so_many_images_resolve_the_allowed_drop_and_fewer_do_not(lost, won, n, allowed):
    needed = paired.images_to_resolve(lost, won, n, allowed)
    each = (lost + won) / 2 / n

    def upper(images):
        return paired.drop_interval(each * images, each * images, images)[1]

    assert upper(needed) <= allowed < upper(0.9 * needed)


def test_no_number_of_images_resolves_no_drop():
    assert paired.images_to_resolve(0, 0, 100, 0.0) is None


def test_counts_that_cannot_be_are_refused():
    for call in (lambda: paired.mcnemar_p(-1, 2), lambda: paired.bootstrap_interval(5, 6, 10)):
        with pytest.raises(ValueError, match="discordant pairs"):
            call()
