"""Two sets of answers to the same images, held against each other: counts of pairs, their figures, and the images that flip.

Input: probabilities of the checkpoint and of a file, image by image, and what is right. Output: plain JSON values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetl import multilabel, paired

if TYPE_CHECKING:
    from edgetl.paired import ClassCounts

LISTED = 200
"""Most flips that are named; all are counted."""
_ORDER = ("lost", "other", "won")
"""Flips in the order in which people want to see them: right answers lost; both wrong, but otherwise; right ones won."""


def compare(
    reference: np.ndarray,
    candidate: np.ndarray,
    labels: np.ndarray,
    label_sets: np.ndarray | None,
    class_names: Sequence[str],
    names: Sequence[str],
) -> dict[str, Any]:
    """Hold the answers of a file against those of the checkpoint it came from.

    Args:
        reference: float (N, classes), probabilities of the checkpoint.
        candidate: float (N, classes), those of the file.
        labels: int64 (N,), class or set of labels.
        label_sets: bool (sets, classes); None = one label an image.
        class_names: in index order.
        names: N names of images.

    Returns:
        `counts`: as `verdicts.Accuracy` takes them; `paired`: what `figures` gives; `flips`: at most `LISTED`, each `name`,
        `row`, `kind` (`lost`: a right answer, `won`: a wrong one, `other`: wrong both times), `right`, and of `reference` and
        `candidate` the `answer` and its `probability`.

    Raises:
        ValueError: no image, or shapes that do not fit.
    """
    count, shape = len(labels), (len(labels), len(class_names))
    if not count or reference.shape != shape or candidate.shape != shape or len(names) != count:
        raise ValueError(
            f"{count} labels, answers of shape {reference.shape} and {candidate.shape}, {len(names)} names: do not fit."
        )
    before, after = (multilabel.said(a, label_sets, multilabel.NAMED_FROM) for a in (reference, candidate))
    was, is_ = (multilabel.right(a, labels, label_sets, multilabel.NAMED_FROM) for a in (reference, candidate))
    agreeing = (before == after).all(axis=1)
    counts = {
        "n": count,
        "correct": int(is_.sum()),
        "reference_correct": int(was.sum()),
        "only_reference_correct": int((was & ~is_).sum()),
        "only_candidate_correct": int((is_ & ~was).sum()),
        "agreeing": int(agreeing.sum()),
    }
    classes = _by_class(before, after, was, is_, labels, label_sets, class_names)
    kinds = np.where(was & ~is_, "lost", np.where(is_ & ~was, "won", "other"))
    order = sorted(np.flatnonzero(~agreeing), key=lambda row: (_ORDER.index(kinds[row]), row))
    told = _teller(label_sets, class_names)
    found = [
        {
            "name": str(names[int(row)]),
            "row": int(row),
            "kind": str(kinds[row]),
            "right": _wanted(int(labels[row]), label_sets, class_names),
            "reference": told(reference[row]),
            "candidate": told(candidate[row]),
        }
        for row in order[:LISTED]
    ]
    return {
        "counts": {**counts, "classes": [{"name": c.name, "n": c.n, "lost": c.lost, "won": c.won} for c in classes]},
        "paired": figures(counts, classes),
        "flips": found,
    }


def figures(counts: dict[str, int], classes: Sequence[ClassCounts]) -> dict[str, Any]:
    """Compute what is told of pairs.

    Args:
        counts: `n`, `only_reference_correct`, `only_candidate_correct`, `agreeing`.
        classes: the same of each class that has an image.

    Returns:
        `n`, `lost`, `won`, `changed` (images of another answer, right or wrong); `drop`: value, low, high (Tango) and
        `bootstrap`: low, high; `mcnemar_p`; `worst_class`: name, n, drop, low, high, classes (how many), None without classes.
    """
    n, lost, won = counts["n"], counts["only_reference_correct"], counts["only_candidate_correct"]
    low, high = paired.drop_interval(lost, won, n)
    least, most = paired.bootstrap_interval(lost, won, n)
    worst = paired.worst_class(classes)
    return {
        "n": n,
        "lost": lost,
        "won": won,
        "changed": n - counts["agreeing"],
        "drop": {"value": (lost - won) / n, "low": low, "high": high},
        "bootstrap": {"low": least, "high": most},
        "mcnemar_p": paired.mcnemar_p(lost, won),
        "worst_class": None
        if worst is None
        else {
            "name": worst.name,
            "n": worst.n,
            "drop": worst.drop,
            "low": worst.interval[0],
            "high": worst.interval[1],
            "classes": worst.classes,
        },
    }


def _by_class(
    before: np.ndarray,
    after: np.ndarray,
    was: np.ndarray,
    is_: np.ndarray,
    labels: np.ndarray,
    label_sets: np.ndarray | None,
    class_names: Sequence[str],
) -> list[ClassCounts]:
    """Counts of each class that has an image: of those answered rightly; of several labels an image, those where it is named."""
    found = []
    for index, name in enumerate(class_names):
        own = labels == index if label_sets is None else label_sets[labels][:, index]
        if own.any():
            old, new = (was[own], is_[own]) if label_sets is None else (before[own, index], after[own, index])
            lost, won = int((old & ~new).sum()), int((new & ~old).sum())
            found.append(paired.ClassCounts(name=name, n=int(own.sum()), lost=lost, won=won))
    return found


def _wanted(label: int, label_sets: np.ndarray | None, class_names: Sequence[str]) -> str:
    if label_sets is None:
        return class_names[label]
    return _joined(label_sets[label], class_names)


def _joined(named: np.ndarray, class_names: Sequence[str]) -> str:
    return ", ".join(name for name, there in zip(class_names, named, strict=True) if there) or "none"


def _teller(label_sets: np.ndarray | None, class_names: Sequence[str]) -> Callable[[np.ndarray], dict[str, Any]]:
    """How an answer is told: what it names, and how probable that is (of several labels: of the least sure class)."""

    def one(values: np.ndarray) -> dict[str, Any]:
        index = int(values.argmax())
        return {"answer": class_names[index], "probability": round(float(values[index]), 6)}

    def many(values: np.ndarray) -> dict[str, Any]:
        named = values >= multilabel.NAMED_FROM
        least = float(np.where(named, values, 1.0 - values).min())
        return {"answer": _joined(named, class_names), "probability": round(least, 6)}

    return one if label_sets is None else many
