"""Several labels an image: figures against scikit-learn's, and decisions counted by hand."""

import numpy as np
import pytest

from edgetl import evaluation, multilabel
from edgetl.audit import Facts, audit
from edgetl.split import multilabel_split

SETS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 1]], bool)
NAMES = ("ant", "bee", "cow")


@pytest.fixture
def answers():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, len(SETS), 400)
    return np.round(SETS[labels] * 2.5 - 1.2 + rng.normal(0, 1.3, (400, 3)), 1), labels


def test_figures_are_those_of_scikit_learn(answers):
    from sklearn import metrics

    logits, labels = answers
    found = multilabel.evaluate(logits, labels, logits, labels, NAMES, SETS)
    wanted, named, chances = SETS[labels], logits >= 0, 1 / (1 + np.exp(-logits))
    assert found["top1"]["value"] == pytest.approx(metrics.accuracy_score(wanted, named))
    assert found["micro_f1"]["value"] == pytest.approx(metrics.f1_score(wanted, named, average="micro"))
    assert found["mean_average_precision"]["value"] == pytest.approx(metrics.average_precision_score(wanted, chances))
    assert (
        found["mean_average_precision"]["low"]
        < found["mean_average_precision"]["value"]
        < found["mean_average_precision"]["high"]
    )
    precision, recall, f1, support = metrics.precision_recall_fscore_support(wanted, named)
    for k, entry in enumerate(found["classes"]):
        assert (entry["name"], entry["support"]) == (NAMES[k], support[k])
        assert entry["precision"]["value"] == pytest.approx(precision[k])
        assert entry["recall"]["value"] == pytest.approx(recall[k])
        assert entry["f1"] == pytest.approx(f1[k])
        assert entry["average_precision"] == pytest.approx(metrics.average_precision_score(wanted[:, k], chances[:, k]))
    assert found["nll"]["value"] == pytest.approx(metrics.log_loss(wanted.ravel(), chances.ravel()))
    assert found["brier"]["value"] == pytest.approx(np.mean((chances - wanted) ** 2))
    assert found["pairs"] == 1200
    assert sum(entry["count"] for entry in found["reliability"]) == 1200


def test_the_temperature_and_the_threshold_come_from_validation():
    rng = np.random.default_rng(0)
    true = rng.normal(0, 2, (4000, 1))
    sets, labels = np.array([[0], [1]], bool), (rng.random(4000) < 1 / (1 + np.exp(-true[:, 0]))).astype(int)
    found = multilabel.evaluate(3.0 * true, labels, 3.0 * true, labels, ("yes",), sets, wanted_precision=0.9)
    assert found["temperature"]["value"] == pytest.approx(3.0, rel=0.1)
    assert found["calibrated"]["ece"]["value"] < 0.02 < found["ece"]["value"]
    assert 0.75 < found["abstain"]["threshold"] < 0.9  # above it nine in ten have the class, not: each has it at nine in ten
    assert found["abstain"]["precision"]["value"] >= 0.89
    unsure = multilabel.evaluate(true * 0.0, labels, true * 0.0, labels, ("yes",), sets)
    assert unsure["abstain"]["threshold"] is None


def test_what_counts_as_right():
    logits = np.array([[-1.0, -2.0, -0.1], [0.0, -1.0, -1.0], [2.0, 1.0, -1.0], [2.0, -1.0, -1.0], [-3.0, 4.0, 5.0]])
    labels = np.array([0, 1, 3, 3, 4])
    assert multilabel.right(logits, labels, SETS).tolist() == [True, True, True, False, True]
    chances = multilabel.probabilities(logits, SETS)
    assert multilabel.right(chances, labels, SETS, multilabel.NAMED_FROM).tolist() == [True, True, True, False, True]
    assert np.allclose(chances, 1 / (1 + np.exp(-logits)))
    one = np.array([0, 1, 2, 0, 2])
    assert multilabel.right(logits, one, None).tolist() == (logits.argmax(1) == one).tolist()
    assert np.allclose(multilabel.probabilities(logits, None), evaluation.softmax(logits))
    extreme = multilabel.sigmoid(np.array([[-800.0, 800.0]]))
    assert extreme.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_split_keeps_the_share_of_every_label(seed):
    rng = np.random.default_rng(seed)
    often = (0.5, 0.3, 0.1, 0.02)
    sets = [tuple(k for k, share in enumerate(often) if rng.random() < share) for _ in range(1000)]
    names = [f"{row}.jpg" for row in range(1000)]
    split = multilabel_split(names, sets, (0.6, 0.2, 0.2), 7)
    assert split == multilabel_split(names, sets, (0.6, 0.2, 0.2), 7)
    assert split != multilabel_split(names, sets, (0.6, 0.2, 0.2), 8)
    for place, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        rows = [row for row in range(1000) if split[row] == place]
        assert abs(len(rows) - 1000 * share) <= 3
        for label in range(4):
            total = sum(label in own for own in sets)
            assert abs(sum(label in sets[row] for row in rows) - share * total) <= 2
    shuffled = rng.permutation(1000)
    again = multilabel_split([names[row] for row in shuffled], [sets[row] for row in shuffled], (0.6, 0.2, 0.2), 7)
    assert [again[place] for place in np.argsort(shuffled)] == list(split)
    assert set(multilabel_split(names, sets, (0.75, 0.25, 0.0), 7)) == {"train", "val"}


def test_the_audit_counts_labels_not_sets():
    facts = [Facts(name=f"{n}", class_index=n % 3, sha256=f"{n}", width=64, height=64, mode="RGB") for n in range(60)]
    splits = {row: ("train", "val", "test")[row // 3 % 3] for row in range(60)}
    copies = [(0, 1)]
    facts[1] = Facts(name="1", class_index=1, sha256="0", width=64, height=64, mode="RGB")
    found = audit(facts, splits, copies, ("ant", "bee"), 32, label_sets=((), (0,), (0, 1)))
    told = {finding.name: finding for finding in found}
    assert told["conflicting_labels"].photos == ("1 (ant) = 0 (no label)",)
    assert told["few_images"].photos == ("class ant: 14 training images", "class bee: 7 training images")
    assert "empty_class" not in told
