"""Images that may have several labels, or none: what their answers say, when they are right, and how good they are.

A network then answers each class on its own: the sigmoid of its logit, and a class is named from 0.5 on, that is from logit 0
on. An image counts as right when every one of its classes is (exact match), so that one rate with its paired interval judges a
file; how well single classes are found is told beside it. The counterpart for one label an image is `edgetl.evaluation`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetl import evaluation

NAMED_FROM = 0.5
"""Probability from which on a class is named."""
_SMALLEST = 1e-12
_RESAMPLES = 200
"""Of the mean average precision, which has to be computed anew for each."""


def sigmoid(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of logits, each class on its own.

    Args:
        logits: float (N, classes).
        temperature: divides them.

    Returns:
        float64 (N, classes), 0 to 1.
    """
    found: np.ndarray = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, np.float64) / temperature))
    return found


def probabilities(logits: np.ndarray, label_sets: np.ndarray | None) -> np.ndarray:
    """Probabilities of logits, by either kind of answer.

    Args:
        logits: float (N, classes).
        label_sets: bool (sets, classes); None = one label an image.

    Returns:
        float64 (N, classes).
    """
    return evaluation.softmax(logits) if label_sets is None else sigmoid(logits)


def said(answers: np.ndarray, label_sets: np.ndarray | None, named_from: float) -> np.ndarray:
    """What answers say.

    Args:
        answers: (N, classes), logits or probabilities.
        label_sets: bool (sets, classes); None = one label an image.
        named_from: value from which on a class is named: 0 of logits, `NAMED_FROM` of probabilities. One label: not looked at.

    Returns:
        int64 (N, 1), the class; or bool (N, classes), which classes are named.
    """
    found: np.ndarray = answers.argmax(axis=1)[:, None] if label_sets is None else answers >= named_from
    return found


def right(answers: np.ndarray, labels: np.ndarray, label_sets: np.ndarray | None, named_from: float = 0.0) -> np.ndarray:
    """Which images are answered rightly.

    Args:
        answers: (N, classes), logits or probabilities.
        labels: int64 (N,), class or set of labels.
        label_sets: bool (sets, classes); None = one label an image.
        named_from: see `said`.

    Returns:
        bool (N,).
    """
    wanted = labels[:, None] if label_sets is None else label_sets[labels]
    found: np.ndarray = (said(answers, label_sets, named_from) == wanted).all(axis=1)
    return found


def average_precision(scores: np.ndarray, wanted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Area under the steps of one class's precision-recall curve; images of equal score stand together.

    Args:
        scores: float (N,).
        wanted: bool (N,), which have the class.
        counts: (R, N), how often each image counts.

    Returns:
        float64 (R,); not a number where no image that counts has the class.

    Source: scikit-learn's average_precision_score: the sum of (recall - recall before) · precision over the distinct scores.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    seen = np.cumsum(counts[:, order], axis=1)[:, ends]
    hits = np.cumsum(counts[:, order] * wanted[order], axis=1)[:, ends]
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    gained = np.diff(hits, axis=1, prepend=0.0)
    total = hits[:, -1]
    found: np.ndarray = np.divide((gained * precision).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
    return found


def mean_average_precision(scores: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
    """Mean of the classes' average precision, with its bootstrap interval over the images.

    Args:
        scores: float (N, classes).
        wanted: bool (N, classes).

    Returns:
        `value`, `low`, `high`; `classes`: one value each, None for a class that no image has.
    """
    count = len(scores)
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1.0 / count), size=_RESAMPLES)
    counts = np.concatenate([np.ones((1, count)), draws]).astype(np.float64)
    by_class = np.array([average_precision(scores[:, k], wanted[:, k], counts) for k in range(scores.shape[1])])
    present = ~np.isnan(by_class[:, 0])
    means = np.nanmean(by_class[present], axis=0)
    low, high = np.percentile(means[1:], [2.5, 97.5])
    value = float(means[0])
    classes = [None if np.isnan(v) else float(v) for v in by_class[:, 0]]
    return {"value": value, "low": min(value, float(low)), "high": max(value, float(high)), "classes": classes}


def calibration(chances: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
    """Expected calibration error, likelihood and Brier score over all (image, class) pairs; intervals over the images.

    Args:
        chances: float (N, classes), probabilities.
        wanted: bool (N, classes).

    Returns:
        What `edgetl.evaluation.calibration` gives; `reliability` counts pairs, its accuracy is the share that has the class.
    """
    classes, bins = chances.shape[1], evaluation.BINS
    place = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = np.zeros((len(chances), bins))
    for number in range(bins):
        gaps[:, number] = np.where(place == number, chances - wanted, 0.0).sum(axis=1) / classes
    losses = -np.where(wanted, np.log(np.maximum(chances, _SMALLEST)), np.log(np.maximum(1.0 - chances, _SMALLEST)))
    return {
        "ece": evaluation.bootstrapped(gaps, lambda sums: np.abs(sums).sum(axis=-1)),
        "nll": evaluation.bootstrapped(losses.mean(axis=1)[:, None], lambda sums: sums[..., 0]),
        "brier": evaluation.bootstrapped(((chances - wanted) ** 2).mean(axis=1)[:, None], lambda sums: sums[..., 0]),
        "reliability": evaluation.reliability(chances.ravel(), wanted.ravel()),
    }


def evaluate(
    logits: np.ndarray,
    labels: np.ndarray,
    val_logits: np.ndarray,
    val_labels: np.ndarray,
    class_names: tuple[str, ...],
    label_sets: np.ndarray,
    wanted_precision: float = 0.95,
) -> dict[str, Any]:
    """Judge a network on its test images, with what validation says about its confidence.

    Args:
        logits: float (N, classes), of the test images.
        labels: int64 (N,), sets of labels.
        val_logits: float (M, classes), of the validation images.
        val_labels: int64 (M,).
        class_names: in index order.
        label_sets: bool (sets, classes).
        wanted_precision: of the classes that are named.

    Returns:
        `n`; `top1`: exact match; `mean_average_precision`; `micro_f1`, `classes` (name, support, precision, recall, f1,
        average_precision); calibration before and after the temperature; `abstain`: the calibrated probability from which on a
        named class is right often enough, with the share of labels that are then named (`coverage`), and their precision.

    Raises:
        ValueError: no image, or values that are not finite.
    """
    wanted, val_wanted = label_sets[labels], label_sets[val_labels]

    def loss(temperature: float) -> float:
        signed = np.where(val_wanted, 1.0, -1.0) * val_logits / temperature
        return float(np.logaddexp(0.0, -signed).mean())

    if not len(val_labels) or not len(labels) or not (np.isfinite(logits).all() and np.isfinite(val_logits).all()):
        raise ValueError("an evaluation needs images, and finite logits.")
    temperature = evaluation.least_temperature(loss)
    chances, calibrated = sigmoid(logits), sigmoid(logits, temperature)
    named = chances >= NAMED_FROM
    precise = mean_average_precision(chances, wanted)
    sums = np.stack([(named & wanted).sum(axis=1), named.sum(axis=1) + wanted.sum(axis=1)], axis=1).astype(np.float64)
    hits, answered, support = (named & wanted).sum(axis=0), named.sum(axis=0), wanted.sum(axis=0)
    val_calibrated = sigmoid(val_logits, temperature)
    threshold = evaluation.threshold(val_calibrated.ravel(), val_wanted.ravel(), wanted_precision)
    abstain: dict[str, Any] = {"wanted_precision": wanted_precision, "threshold": threshold}
    if threshold is None:
        what = (
            f"on {len(val_labels)} validation images no probability is enough to be sure of a precision of {wanted_precision:g}"
        )
        abstain["reason"] = what
    else:
        sure = calibrated >= threshold
        found = int((sure & wanted).sum())
        abstain |= {"coverage": evaluation.rate(found, int(wanted.sum())), "precision": evaluation.rate(found, int(sure.sum()))}
    return {
        "n": len(labels),
        "pairs": int(wanted.size),
        "top1": evaluation.rate(int((named == wanted).all(axis=1).sum()), len(labels)),
        "mean_average_precision": {key: precise[key] for key in ("value", "low", "high")},
        "micro_f1": evaluation.bootstrapped(sums, _f1),
        "classes": [
            {
                "name": name,
                "support": int(support[k]),
                "precision": evaluation.rate(int(hits[k]), int(answered[k])),
                "recall": evaluation.rate(int(hits[k]), int(support[k])),
                "f1": 2.0 * float(hits[k]) / float(support[k] + answered[k]) if support[k] + answered[k] else None,
                "average_precision": precise["classes"][k],
            }
            for k, name in enumerate(class_names)
        ],
        **calibration(chances, wanted),
        "temperature": {"value": temperature, "at_edge": evaluation.at_edge(temperature)},
        "calibrated": calibration(calibrated, wanted),
        "abstain": abstain,
    }


def _f1(sums: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.divide(2.0 * sums[..., 0], sums[..., 1], out=np.ones_like(sums[..., 0]), where=sums[..., 1] > 0)
    return found


__all__ = [
    "NAMED_FROM", "average_precision", "calibration", "evaluate", "mean_average_precision", "probabilities", "right", "said",
    "sigmoid",
]  # fmt: skip
