"""A part of the labels: seeded, per class, and a smaller part lies within a larger one."""

from collections import Counter

from edgetl.labels import labelled_rows
from edgetl.recipe import Labels

NAMES = [f"{i}.png" for i in range(100)]
CLASSES = [0] * 60 + [1] * 37 + [2] * 3


def test_shares_are_per_class_and_nested():
    parts = [set(labelled_rows(NAMES, CLASSES, Labels(share=share), 0)) for share in (0.05, 0.1, 0.5, 1.0)]
    assert [Counter(CLASSES[row] for row in part) for part in parts] == [
        {0: 3, 1: 2, 2: 1}, {0: 6, 1: 4, 2: 1}, {0: 30, 1: 19, 2: 2}, {0: 60, 1: 37, 2: 3},
    ]  # fmt: skip
    assert all(small < large for small, large in zip(parts, parts[1:], strict=False))


def test_a_number_a_class_and_another_seed():
    rows = labelled_rows(NAMES, CLASSES, Labels(per_class=10), 0)
    assert Counter(CLASSES[row] for row in rows) == {0: 10, 1: 10, 2: 3}
    assert rows == sorted(rows)
    assert rows != labelled_rows(NAMES, CLASSES, Labels(per_class=10), 1)
