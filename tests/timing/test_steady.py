import itertools
import math

import pytest

from edgetl.timing import steady


@pytest.mark.parametrize(
    ("medians", "is_it"),
    [
        ([1.0] * 9, False),  # too few windows to tell
        ([1.0] * 10, True),
        ([9.0, 5.0, 2.0, *[1.0] * 10], True),  # only the last ten count
        ([1.0, 1.01, 0.99, 1.01, 1.0, 1.02, 0.98, 1.0, 1.01, 1.0], True),
        ([1.05 - 0.005 * n for n in range(10)], False),  # close together, but still falling
        ([*[1.0] * 3, 1.07, *[1.0] * 6], False),  # level, but too far apart
        ([*[1.0] * 5, *[1.02] * 5], False),  # a step
    ],
)
def test_steady_is_close_together_and_level(medians, is_it):
    assert steady.is_steady(medians) is is_it


def _timer(values):
    """A timer that gives these milliseconds one after another, the last for ever."""
    stream = itertools.chain(values, itertools.repeat(values[-1]))
    return lambda count, seconds: tuple(itertools.islice(stream, count))


def test_the_warm_up_ends_when_the_times_do_not_fall_any_more():
    falling = [100.0, *(5.0 * (1 + math.exp(-n / 40)) for n in range(1000))]
    warm = steady.warm_up(_timer(falling))
    assert warm.settled
    assert warm.values[0] == 100.0
    assert 5.0 < warm.values[-1] < 5.0 * 1.05, "it stopped while the times were falling"
    assert len(warm.values) < 300
    assert steady.warm_up(_timer([5.0])).in_window == 6
    assert len(steady.warm_up(_timer([5.0])).values) < 80


def test_a_least_number_is_dropped_though_all_was_steady_before():
    assert len(steady.warm_up(_timer([5.0]), least=200).values) >= 200


def test_what_never_settles_ends_in_time_and_says_so():
    jumps = itertools.cycle([5.0] * 6 + [7.0] * 6)
    warm = steady.warm_up(lambda count, seconds: tuple(itertools.islice(jumps, 6)), limit_s=0.05)
    assert not warm.settled
    assert warm.values


def test_windows_hold_several_quick_inferences_and_one_slow_one():
    assert [steady.window_size(ms) for ms in (0.001, 0.1, 1.0, 20.0, 500.0)] == [1000, 300, 30, 3, 1]
