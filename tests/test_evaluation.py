"""Evaluation against hand-counted cases and scikit-learn; temperatures and thresholds against data made to have them."""

import numpy as np
import pytest
from sklearn import metrics

from edgetl import evaluation

NAMES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 400)
    logits = rng.normal(0, 1, (400, 4)) + 1.5 * np.eye(4)[labels]
    return logits, labels


def test_rates_are_those_of_scikit_learn(answers):
    logits, labels = answers
    probabilities = evaluation.softmax(logits)
    found = evaluation.of_probabilities(probabilities, labels, NAMES)
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predicted)
    assert found["top1"]["value"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found["balanced_accuracy"]["value"] == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    assert [c["precision"]["value"] for c in found["classes"]] == pytest.approx(precision)
    assert [c["recall"]["value"] for c in found["classes"]] == pytest.approx(recall)
    assert [c["f1"] for c in found["classes"]] == pytest.approx(f1)
    assert [c["support"] for c in found["classes"]] == support.tolist()
    assert found["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()
    assert found["nll"]["value"] == pytest.approx(metrics.log_loss(labels, probabilities))
    assert found["top5"]["value"] == 1.0
    assert found["top5_k"] == 4
    for name in ("top1", "balanced_accuracy", "ece", "nll", "brier"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
        assert 0.0 < found[name]["high"] - found[name]["low"] < 0.2


def test_the_five_likeliest():
    probabilities = np.tile(np.arange(8.0)[::-1] / 28, (2, 1))
    found = evaluation.of_probabilities(probabilities, np.array([4, 5]), tuple("abcdefgh"))
    assert found["top5"]["value"] == 0.5
    assert found["top1"]["value"] == 0.0


def test_calibration_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    found = evaluation.of_probabilities(probabilities, np.array([0, 1, 0, 0]), ("a", "b"))
    assert found["ece"]["value"] == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)
    assert found["brier"]["value"] == pytest.approx((0.02 + 1.62 + 0.32 + 0.32) / 4)
    assert [(b["count"], b["accuracy"]) for b in found["reliability"]] == [(2, 1.0), (2, 0.5)]


def test_a_calibrated_network_has_little_error_and_an_overconfident_one_gets_its_temperature_back():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1.5, (20_000, 5))
    probabilities = evaluation.softmax(logits)
    labels = (probabilities.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert evaluation.calibration(probabilities[:5000], labels[:5000])["ece"]["value"] < 0.03
    for factor in (0.4, 1.0, 3.0):
        assert evaluation.fit_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.05)
    found = evaluation.evaluate(3 * logits[:5000], labels[:5000], 3 * logits[5000:], labels[5000:], tuple("abcde"))
    assert found["ece"]["value"] > 0.15
    assert found["calibrated"]["ece"]["value"] < 0.03
    assert found["temperature"] == {"value": pytest.approx(3.0, rel=0.05), "at_edge": False}


def test_a_temperature_without_end_is_told():
    logits = np.array([[5.0, 0.0], [0.0, 5.0]] * 20)
    found = evaluation.evaluate(logits, np.array([0, 1] * 20), logits, np.array([0, 1] * 20), ("a", "b"))
    assert found["temperature"]["at_edge"]


def test_abstaining_keeps_its_promise_on_other_images():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.5, 1.0, 20_000)
    labels = (rng.random(20_000) > confidence).astype(int)  # right as often as it says
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    threshold = evaluation.abstain_threshold(probabilities[:10_000], labels[:10_000], 0.9)
    assert 0.78 < threshold < 0.85  # the mean of what is above must be 0.9, so about 0.8
    above = confidence[10_000:] >= threshold
    assert (labels[10_000:][above] == 0).mean() == pytest.approx(0.9, abs=0.01)
    assert evaluation.abstain_threshold(probabilities[:30], labels[:30], 0.99) is None


def test_few_images_and_empty_classes():
    one = evaluation.of_probabilities(np.array([[0.7, 0.2, 0.1]]), np.array([0]), ("a", "b", "c"))
    assert one["classes"][1]["recall"]["value"] is None
    assert one["classes"][2]["precision"]["value"] is None
    assert one["balanced_accuracy"]["value"] == 1.0
    assert one["top1"]["low"] < 0.3
    with pytest.raises(ValueError, match="do not fit"):
        evaluation.of_probabilities(np.zeros((0, 3)), np.zeros(0, int), ("a", "b", "c"))
    with pytest.raises(ValueError, match="do not fit"):
        evaluation.of_probabilities(np.array([[np.nan, 1.0]]), np.array([0]), ("a", "b"))
