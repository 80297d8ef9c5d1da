"""What golden.json expects of a photo, held against itself: answers of these artifacts, labels of these classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any


def contradiction(image: Mapping[str, Any], classes: Sequence[str], artifacts: Collection[str]) -> str | None:
    """Find what an image of golden.json says against itself.

    Args:
        image: one of `images`; anything may be in it.
        classes: of the network, in index order.
        artifacts: `format/scheme` of those in the bundle.

    Returns:
        The first, as the end of a sentence; None where there is none.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what edgetl writes.
    """
    labels = [image["label"]] if isinstance(image["label"], str) else list(image["label"])
    if strange := [label for label in labels if label not in classes]:
        return f"is labelled {str(strange[0])[:80]!r}, which is none of the classes"
    if set(image["tensors"]) != set(artifacts):
        return "tells the input of other artifacts than manifest.json names"
    answers, tops = image["probabilities"], image["top"]
    if not set(answers) == set(tops) <= set(artifacts):
        return "tells the answer of other artifacts than manifest.json names"
    for name, values in answers.items():
        if len(values) != len(classes) or not all(0.0 <= float(value) <= 1.0 for value in values):
            return f"tells probabilities of {name} that are not one for each class, from 0 to 1"
        told = [(str(entry["label"]), float(entry["probability"])) for entry in tops[name]]
        known = Counter(zip(classes, map(float, values), strict=True))
        best = sorted(map(float, values), reverse=True)[: len(told)]
        if not told or Counter(told) - known or [probability for _, probability in told] != best:
            return f"tells a `top` of {name} that its probabilities do not give"
    return None
