import math
import random

import pytest

from edgetl.timing.ratio import Turn, compare, sentence, trend_score
from edgetl.timing.strain import Strain

QUIET = Strain(core_s=10.0, own_s=9.5, others_s=0.1, waited_s=0.01)


def turns(factor, *, noise=0.01, luck=0.0, rounds=4, generations=5, seed=0, drift=0.0):
    """A takes 2 ms, B `factor` times that; `noise` a turn, `luck` a process, `drift` of B a round (all relative)."""
    draw, found = random.Random(seed), []
    for generation in range(generations):
        lot = {(file, process): draw.gauss(0, luck) for file in "ab" for process in (0, 1)}
        for number in range(rounds):
            for (file, process), own in lot.items():
                for _ in range(2):
                    log = own + draw.gauss(0, noise) + (math.log(factor) + drift * (generation * rounds + number)) * (file == "b")
                    value = 2.0 * math.exp(log)
                    found.append(
                        Turn(generation=generation, round=number, file=file, process=process, values_ms=(value, value, 9 * value))
                    )
    return found


def test_a_plain_difference_is_told_with_its_interval():
    found = compare(turns(1.5), QUIET)
    assert found.resolvable
    assert found.reasons == ()
    assert 1.47 < found.low < found.ratio < found.high < 1.53
    assert found.low < 1.5 < found.high
    assert len(found.round_ratios) == 20
    assert len(found.self_ratios) == 10
    assert "B is 1.50 times slower than A" in sentence(found, "A", "B")
    assert "B is 2.0" in sentence(compare(turns(0.5), QUIET), "A", "B")
    assert "faster" in sentence(compare(turns(0.5), QUIET), "A", "B")


def test_without_noise_the_ratio_is_exact():
    found = compare(turns(1.25, noise=0.0), QUIET)
    assert (found.ratio, found.low, found.high) == pytest.approx((1.25,) * 3)
    assert found.floor == pytest.approx(1.002, abs=1e-4)


def test_a_file_against_itself_is_not_resolvable():
    found = compare(turns(1.0, luck=0.01), QUIET)
    assert not found.resolvable
    assert found.low < 1 < found.high
    assert "not resolvable on this host" in sentence(found, "A", "A again")


def test_a_difference_below_the_luck_of_processes_is_refused_though_rounds_agree():
    found = compare(turns(1.02, noise=0.001, luck=0.04, seed=3), QUIET)
    assert not found.resolvable
    assert any("differs from itself" in reason for reason in found.reasons)
    assert found.floor > 1.02


def test_luck_alone_is_rarely_called_a_difference_and_a_real_one_is_found():
    wrong = sum(compare(turns(1.0, luck=0.02, seed=seed), QUIET, seed=seed).resolvable for seed in range(40))
    assert wrong <= 2
    right = sum(compare(turns(1.15, luck=0.02, seed=seed), QUIET, seed=seed).resolvable for seed in range(20))
    assert right >= 18


@pytest.mark.parametrize(
    ("strain", "reason"),
    [
        (Strain(core_s=10.0, own_s=5.0, others_s=5.0, waited_s=0.0), "other processes took 50% of the cores' time"),
        (Strain(core_s=10.0, own_s=5.0, waited_s=5.0, involuntary=900), "waited for a core in 50% of its time"),
        (Strain(core_s=10.0, own_s=9.0, steal_s=1.0, waited_s=None), "the hypervisor took 10%"),
    ],
)
def test_a_disturbed_host_is_refused_whatever_the_ratio(strain, reason):
    found = compare(turns(8.0), strain)
    assert not found.resolvable
    assert [r for r in found.reasons if reason in r]


def test_other_reasons_to_refuse():
    assert "rounds are too few" in compare(turns(1.5, rounds=1), QUIET).reasons[0]
    assert any("the ratio moves, by +" in r for r in compare(turns(1.05, drift=0.01), QUIET).reasons)
    assert any("standard deviation" in r for r in compare(turns(3.0, noise=0.5), QUIET).reasons)


def test_a_movement_much_smaller_than_the_difference_is_no_reason():
    assert not any("moves" in r for r in compare(turns(8.0, drift=0.001), QUIET).reasons)
    assert compare(turns(8.0, drift=0.001), QUIET).resolvable


def test_processes_that_never_settle_are_a_reason_when_they_are_many():
    assert compare(turns(1.5), QUIET, unsettled=5).resolvable
    assert compare(turns(1.5), QUIET, unsettled=6).reasons == ("6 of 20 processes never came to a steady state",)


def test_a_round_without_one_of_the_four_is_an_error():
    with pytest.raises(ValueError, match="lacks one of the four"):
        compare([turn for turn in turns(1.5) if turn.process == 0 or turn.round], QUIET)


def test_trend_scores_are_those_of_the_table():
    assert trend_score([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) == pytest.approx(44 / math.sqrt(125))
    assert trend_score([3, 2, 1, 0]) == pytest.approx(-5 / math.sqrt(26 / 3))
    assert trend_score([1, 1, 1, 1]) == 0.0
    assert trend_score([1, 2]) == 0.0
