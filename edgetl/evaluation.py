"""How good a classifier's answers are: logits and right classes → rates with intervals, calibration, when to abstain.

Whatever is chosen here (a temperature, a threshold) is chosen on validation images; the test images are only counted. Rates are
given with Wilson's 95 % interval, figures that are no rates with a bootstrap over the images. Pure functions of arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgetl import stats

BINS = 15
"""Of the reliability table, as in Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 3."""
TEMPERATURES = (0.05, 20.0)
"""Where a temperature is looked for; one at the edge is told as such."""
_RESAMPLES = 1000
_SMALLEST = 1e-12


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of logits.

    Args:
        logits: float (N, classes).
        temperature: divides them.

    Returns:
        float64 (N, classes), rows that make 1.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    found: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return found


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Loss of each image.

    Args:
        probabilities: float (N, classes).
        labels: int (N,).

    Returns:
        float64 (N,).
    """
    found: np.ndarray = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], _SMALLEST))
    return found


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature that makes validation images likeliest (Guo et al., 2017, section 4.2).

    The loss is convex in 1 / temperature, so a golden-section search over its logarithm finds the one minimum.

    Args:
        logits: float (N, classes), of validation images.
        labels: int (N,).

    Returns:
        Within `TEMPERATURES`.

    Raises:
        ValueError: no image, or values that are not finite.
    """
    if not len(labels) or not np.isfinite(logits).all():
        raise ValueError("a temperature needs at least one image and finite logits.")
    return least_temperature(lambda value: float(negative_log_likelihood(softmax(logits, value), labels).mean()))


def least_temperature(loss: Callable[[float], float]) -> float:
    """Find the temperature of the least loss; see `fit_temperature`.

    Args:
        loss: temperature → loss, with one minimum.

    Returns:
        Within `TEMPERATURES`.
    """
    low, high = np.log(TEMPERATURES)
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(float(np.exp(left))), loss(float(np.exp(right)))
    for _ in range(60):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(float(np.exp(left)))
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(float(np.exp(right)))
    return float(np.exp((low + high) / 2))


def at_edge(temperature: float) -> bool:
    """Tell whether a temperature stands where the search ended.

    Args:
        temperature: of `fit_temperature`.

    Returns:
        True when it is as good as one of `TEMPERATURES`.
    """
    return bool(np.abs(np.log(temperature) - np.log(TEMPERATURES)).min() < 1e-3)


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """Confidence against accuracy, in `BINS` bins of equal width.

    Args:
        confidence: float (N,), 0 to 1.
        right: bool (N,).

    Returns:
        One entry for each bin that holds an answer: low, high, count, confidence, accuracy.
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "count": int((bins == number).sum()),
            "confidence": float(confidence[bins == number].mean()),
            "accuracy": float(right[bins == number].mean()),
        }
        for number in range(BINS)
        if (bins == number).any()
    ]


def calibration(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Expected calibration error, likelihood and Brier score, each with its interval.

    Args:
        probabilities: float (N, classes).
        labels: int (N,).

    Returns:
        `ece`, `nll`, `brier`: {value, low, high}; `reliability`.
    """
    confidence, right = probabilities.max(axis=1), (probabilities.argmax(axis=1) == labels).astype(float)
    member = np.eye(BINS)[np.minimum((confidence * BINS).astype(int), BINS - 1)]
    gaps = member * (confidence - right)[:, None]
    wanted = np.eye(probabilities.shape[1])[labels]
    return {
        "ece": bootstrapped(gaps, lambda sums: np.abs(sums).sum(axis=-1)),
        "nll": bootstrapped(negative_log_likelihood(probabilities, labels)[:, None], lambda sums: sums[..., 0]),
        "brier": bootstrapped(((probabilities - wanted) ** 2).sum(axis=1)[:, None], lambda sums: sums[..., 0]),
        "reliability": reliability(confidence, right),
    }


def bootstrapped(parts: np.ndarray, figure: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """Compute a figure of the mean of each image's parts, with its percentile-bootstrap interval.

    Args:
        parts: float (N, parts).
        figure: (…, parts) means → (…).

    Returns:
        `value`, `low`, `high`; resampled by counts, seeded.
    """
    count = len(parts)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(count, np.full(count, 1.0 / count), size=_RESAMPLES).astype(np.float64)
    value = float(figure(parts.mean(axis=0)))
    low, high = np.percentile(figure(draws @ parts / count), [2.5, 97.5])
    return {"value": value, "low": min(value, float(low)), "high": max(value, float(high))}


def rate(successes: int, of: int) -> dict[str, Any]:
    """A rate with its counts and Wilson's 95 % interval.

    Args:
        successes: how many.
        of: out of how many; with none there is no value.

    Returns:
        `value`, `low`, `high` (None without images), `successes`, `of`.
    """
    if of == 0:
        return {"value": None, "low": None, "high": None, "successes": 0, "of": 0}
    low, high = stats.wilson_interval(successes, of)
    return {"value": successes / of, "low": low, "high": high, "successes": successes, "of": of}


def confusion(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Count answers.

    Args:
        predicted: int (N,).
        labels: int (N,).
        classes: how many there are.

    Returns:
        int64 (classes, classes): rows are the right class, columns the answer.
    """
    found: np.ndarray = np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    return found


def of_probabilities(probabilities: np.ndarray, labels: np.ndarray, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Judge answers.

    Args:
        probabilities: float (N, classes).
        labels: int (N,).
        class_names: in index order.

    Returns:
        `n`, `top1`, `top5` (of as many as there are classes when fewer: `top5_k`), `balanced_accuracy`, `classes` (name,
        support, precision, recall, f1), `confusion`, and what `calibration` gives. An empty class has no recall.

    Raises:
        ValueError: no image, shapes that do not fit, or values that are not finite.
    """
    count, classes = probabilities.shape
    if not count or len(labels) != count or classes != len(class_names) or not np.isfinite(probabilities).all():
        raise ValueError(
            f"{len(labels)} labels, {len(class_names)} classes and answers of shape {probabilities.shape} do not fit."
        )
    predicted = probabilities.argmax(axis=1)
    matrix = confusion(predicted, labels, classes)
    k = min(5, classes)
    among = (np.argsort(-probabilities, axis=1, kind="stable")[:, :k] == labels[:, None]).any(axis=1)
    right, support, answered = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    present = np.flatnonzero(support)
    recalls = np.eye(classes)[labels][:, present]
    both = np.concatenate([recalls * (predicted == labels)[:, None], recalls], axis=1)

    def balanced(sums: np.ndarray) -> np.ndarray:
        hits, seen = np.split(sums, 2, axis=-1)
        recall: np.ndarray = np.divide(hits, seen, out=np.ones_like(hits), where=seen > 0).mean(axis=-1)
        return recall

    return {
        "n": count,
        "top1": rate(int(right.sum()), count),
        "top5": rate(int(among.sum()), count),
        "top5_k": k,
        "balanced_accuracy": bootstrapped(both, balanced),
        "classes": [
            {
                "name": name,
                "support": int(support[i]),
                "precision": rate(int(right[i]), int(answered[i])),
                "recall": rate(int(right[i]), int(support[i])),
                "f1": 2.0 * float(right[i]) / float(support[i] + answered[i]) if support[i] + answered[i] else None,
            }
            for i, name in enumerate(class_names)
        ],
        "confusion": matrix.tolist(),
        **calibration(probabilities, labels),
    }


def abstain_threshold(probabilities: np.ndarray, labels: np.ndarray, wanted_precision: float) -> float | None:
    """Lowest confidence from which on answers are right often enough, chosen so that it is not by luck.

    Args:
        probabilities: float (N, classes), of validation images.
        labels: int (N,).
        wanted_precision: 0 to 1.

    Returns:
        A confidence: of the validation images at or above it, the lower end of the 90 % Wilson interval of those that are right
        (one-sided 95 %) is at least what is wanted. None when no confidence does it.
    """
    return threshold(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, wanted_precision)


def threshold(confidence: np.ndarray, right: np.ndarray, wanted_precision: float) -> float | None:
    """Find the lowest confidence from which on enough are right; see `abstain_threshold`.

    Args:
        confidence: float (N,).
        right: bool (N,).
        wanted_precision: 0 to 1.

    Returns:
        A confidence; None when none does it.
    """
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(right[order])
    found = None
    for place, row in enumerate(order):
        last_of_its_value = place + 1 == len(order) or confidence[order[place + 1]] < confidence[row]
        if last_of_its_value and stats.wilson_interval(int(hits[place]), place + 1, 0.90)[0] >= wanted_precision:
            found = float(confidence[row])
    return found


def evaluate(
    logits: np.ndarray,
    labels: np.ndarray,
    val_logits: np.ndarray,
    val_labels: np.ndarray,
    class_names: tuple[str, ...],
    wanted_precision: float = 0.95,
) -> dict[str, Any]:
    """Judge a network on its test images, with what validation says about its confidence.

    Args:
        logits: float (N, classes), of the test images.
        labels: int (N,).
        val_logits: float (M, classes), of the validation images.
        val_labels: int (M,).
        class_names: in index order.
        wanted_precision: of the answers that are not abstained from.

    Returns:
        What `of_probabilities` gives for the logits as they are; `temperature` (value, at_edge); `calibrated`: `ece`, `nll`,
        `brier` and `reliability` after it; `abstain`: wanted_precision, threshold on the calibrated confidence (None with a
        reason), and coverage and precision on the test images.
    """
    temperature = fit_temperature(val_logits, val_labels)
    calibrated = softmax(logits, temperature)
    least = abstain_threshold(softmax(val_logits, temperature), val_labels, wanted_precision)
    abstain: dict[str, Any] = {"wanted_precision": wanted_precision, "threshold": least}
    if least is None:
        what = f"on {len(val_labels)} validation images no confidence is enough to be sure of a precision of {wanted_precision:g}"
        abstain["reason"] = what
    else:
        answered = calibrated.max(axis=1) >= least
        right = calibrated.argmax(axis=1)[answered] == labels[answered]
        abstain |= {
            "coverage": rate(int(answered.sum()), len(labels)),
            "precision": rate(int(right.sum()), int(answered.sum())),
        }
    return {
        **of_probabilities(softmax(logits), labels, class_names),
        "temperature": {"value": temperature, "at_edge": at_edge(temperature)},
        "calibrated": calibration(calibrated, labels),
        "abstain": abstain,
    }
