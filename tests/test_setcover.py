"""The cover found is the best of all covers, by counting them all."""

import itertools
import random
import time

import pytest

from edgetl.setcover import Column, fewest


def _order(chosen):
    """Fewest, cheapest, the worst one's worth highest, then the next one's, names."""
    return len(chosen), sum(c.cost for c in chosen), [-w for w in sorted(c.worth for c in chosen)], sorted(c.name for c in chosen)


def _brute(columns):
    """The best of all covers, and whether another one is as small and as cheap."""
    wanted = frozenset().union(*(c.rows for c in columns))
    subsets = itertools.chain(*(itertools.combinations(columns, number) for number in range(len(columns) + 1)))
    covers = sorted(map(_order, (s for s in subsets if frozenset().union(*(c.rows for c in s)) == wanted)))
    return covers[0][3], len(covers) > 1 and covers[1][:2] == covers[0][:2]


def _case(seed):
    """Few different costs and worths, so that ties are common; sometimes columns that are alike in all but the name."""
    rng = random.Random(seed)
    rows, columns = rng.randint(1, 9), rng.randint(0, 9)
    costs, density = rng.choice([1, 2, 5, 10**9]), rng.choice([0.15, 0.3, 0.5, 0.8])
    names = [f"c{number}" for number in range(columns)]
    rng.shuffle(names)
    return [
        Column(
            name=name,
            rows=frozenset(row for row in range(rows) if rng.random() < density),
            cost=rng.randrange(costs),
            worth=rng.choice([0.0, 0.9, 0.95]),
        )
        for name in names
    ]


def test_it_equals_brute_force_on_200_cases():
    sizes, tied = set(), 0
    for seed in range(200):
        columns = _case(seed)
        found = fewest(columns)
        wanted, tie = _brute(columns)
        assert [c.name for c in found] == wanted, seed
        shuffled = random.Random(seed).sample(columns, len(columns))
        assert fewest(shuffled) == found, "the order in which they are given decides nothing"
        sizes.add(len(found))
        tied += tie
    assert {0, 1, 2, 3, 4} <= sizes
    assert tied > 30


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ((("a", {0}, 1, 0), ("b", {1}, 1, 0), ("c", {0, 1}, 99, 0)), ["c"]),  # fewer beats lighter
        ((("a", {0}, 3, 0.9), ("b", {0}, 2, 0.1)), ["b"]),  # lighter beats better
        ((("a", {0}, 2, 0.8), ("b", {0}, 2, 0.9)), ["b"]),  # better beats the name
        ((("b", {0}, 2, 0.9), ("a", {0}, 2, 0.9)), ["a"]),
        ((("a", set(), 0, 1),), []),
        # the greedy choice, g, ends with three
        ((("g", {0, 1, 3, 4}, 1, 0), ("l", {0, 1, 2}, 9, 0), ("r", {3, 4, 5}, 9, 0)), ["l", "r"]),
    ],
)
def test_known_answers(columns, wanted):
    made = [Column(name=name, rows=frozenset(rows), cost=cost, worth=worth) for name, rows, cost, worth in columns]
    assert [column.name for column in fewest(made)] == wanted


def test_as_many_as_a_fleet_has_take_no_time():
    rng = random.Random(1)
    columns = [
        Column(name=f"{n:02d}", rows=frozenset(rng.sample(range(60), 12)), cost=rng.randrange(10**6), worth=rng.random())
        for n in range(30)
    ]
    begun = time.process_time()
    found = fewest(columns)
    assert time.process_time() - begun < 5
    assert frozenset().union(*(c.rows for c in found)) == frozenset().union(*(c.rows for c in columns))
