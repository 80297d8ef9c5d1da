"""The names are in another order: sorted by other rules than edgetl's, or backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "The names are in another order: sorted otherwise, or backwards."
STAGE: Stage = "labels"
REMEDY = "Take the names from labels.txt of the bundle, in its order; do not sort them."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: orders that differ from the right one."""
    import re

    names = given.class_names

    def natural(name: str) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"([0-9]{1,18})", name) if part]

    orders = {
        "by code point": sorted(names),
        "without case": sorted(names, key=str.lower),
        "by number": sorted(names, key=natural),
        "backwards": list(reversed(names)),
        "by length": sorted(names, key=lambda name: (len(name), name)),
    }
    found: dict[tuple[str, ...], str] = {}
    for way, order in orders.items():
        if tuple(order) != names and len(set(names)) == len(names):
            found.setdefault(tuple(order), way)
    return {way: _named(names, order) for order, way in found.items()}


def _named(names: tuple[str, ...], order: tuple[str, ...]) -> Callable[..., Any]:
    places = [order.index(name) for name in names]

    def name(probabilities: np.ndarray) -> np.ndarray:
        return probabilities[..., places]

    return name
