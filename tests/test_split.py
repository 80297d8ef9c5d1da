"""Splits: repeatable, in proportion within each class, hardly moved by a new photo."""

from collections import Counter

from edgetl.split import stratified_split

NAMES = [f"{c}/{i}.jpg" for c in "ab" for i in range(40)] + [f"c/{i}.jpg" for i in range(3)]
CLASSES = [0] * 40 + [1] * 40 + [2] * 3


def test_each_class_is_dealt_in_proportion():
    found = stratified_split(NAMES, CLASSES, (0.6, 0.2, 0.2), 0)
    counts = Counter(zip(CLASSES, found, strict=True))
    assert [counts[(0, s)] for s in ("train", "val", "test")] == [24, 8, 8]
    assert [counts[(2, s)] for s in ("train", "val", "test")] == [1, 1, 1]


def test_it_depends_on_the_seed_and_on_nothing_else():
    one = stratified_split(NAMES, CLASSES, (0.6, 0.2, 0.2), 0)
    backwards = stratified_split(NAMES[::-1], CLASSES[::-1], (0.6, 0.2, 0.2), 0)[::-1]
    assert one == backwards
    assert one != stratified_split(NAMES, CLASSES, (0.6, 0.2, 0.2), 1)
    assert Counter(one[:4]) == Counter(stratified_split(NAMES, CLASSES, (0.6, 0.2, 0.2), 0)[:4])


def test_a_new_photo_moves_few_others():
    before = stratified_split(NAMES, CLASSES, (0.6, 0.2, 0.2), 0)
    after = stratified_split([*NAMES, "a/new.jpg"], [*CLASSES, 0], (0.6, 0.2, 0.2), 0)
    assert sum(a != b for a, b in zip(before, after, strict=False)) <= 2


def test_a_zero_share_stays_empty_and_tiny_classes_go_to_train_first():
    assert "test" not in stratified_split(NAMES, CLASSES, (0.8, 0.2, 0.0), 0)
    assert stratified_split(["x"], [0], (0.6, 0.2, 0.2), 0) == ("train",)
