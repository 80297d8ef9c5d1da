"""Answers held against each other, image by image: what is counted, what is named, in which order."""

import numpy as np
import pytest

from edgetl import flips
from edgetl.types import from_json
from edgetl.verdicts import Accuracy

NAMES = ("cat", "dog", "owl")


def _answers(*classes, sure=0.8):
    found = np.full((len(classes), 3), (1 - sure) / 2)
    found[np.arange(len(classes)), classes] = sure
    return found


def test_flips_are_counted_named_and_ordered():
    labels = np.array([0, 1, 2, 0, 1])
    reference, candidate = _answers(0, 1, 0, 1, 1), _answers(0, 2, 2, 2, 1, sure=0.6)
    found = flips.compare(reference, candidate, labels, None, NAMES, ["a", "b", "c", "d", "e"])
    accuracy = from_json(Accuracy, found["counts"])
    assert (accuracy.n, accuracy.correct, accuracy.reference_correct, accuracy.agreeing) == (5, 3, 3, 2)
    assert [(c.name, c.n, c.lost, c.won) for c in accuracy.classes] == [("cat", 2, 0, 0), ("dog", 2, 1, 0), ("owl", 1, 0, 1)]
    assert [(f["name"], f["kind"], f["row"]) for f in found["flips"]] == [("b", "lost", 1), ("d", "other", 3), ("c", "won", 2)]
    assert found["flips"][0]["right"] == "dog"
    assert found["flips"][0]["reference"] == {"answer": "dog", "probability": 0.8}
    assert found["flips"][0]["candidate"] == {"answer": "owl", "probability": 0.6}
    assert (found["paired"]["lost"], found["paired"]["won"], found["paired"]["changed"]) == (1, 1, 3)
    assert found["paired"]["worst_class"]["name"] == "dog"


def test_all_are_counted_and_only_so_many_named():
    count = flips.LISTED + 50
    same = np.zeros(count, int)
    found = flips.compare(_answers(*same), _answers(*(same + 1)), same, None, NAMES, [str(i) for i in range(count)])
    assert found["paired"]["changed"] == count
    assert len(found["flips"]) == flips.LISTED


def test_images_of_several_labels_flip_when_one_class_does():
    sets = np.array([[False, False, False], [True, True, False]])
    reference = np.array([[0.1, 0.2, 0.1], [0.9, 0.7, 0.1], [0.9, 0.9, 0.2]])
    candidate = np.array([[0.1, 0.2, 0.1], [0.9, 0.4, 0.1], [0.9, 0.9, 0.2]])
    found = flips.compare(reference, candidate, np.array([0, 1, 1]), sets, NAMES, ["x", "y", "z"])
    (flip,) = found["flips"]
    assert (flip["name"], flip["right"]) == ("y", "cat, dog")
    assert flip["reference"] == {"answer": "cat, dog", "probability": 0.7}
    assert flip["candidate"] == {"answer": "cat", "probability": 0.6}
    assert [(c["name"], c["n"], c["lost"]) for c in found["counts"]["classes"]] == [("cat", 2, 0), ("dog", 2, 1)]


def test_answers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        flips.compare(_answers(0, 1), _answers(0), np.array([0, 1]), None, NAMES, ["a", "b"])
