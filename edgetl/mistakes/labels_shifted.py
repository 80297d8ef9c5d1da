"""The list of names is off by one: a line for "background" or a header too many or too few."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "The names are off by one place in the list."
STAGE: Stage = "labels"
REMEDY = "Read labels.txt of the bundle as it is: line 1 is class 0; no background class, no header."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: the next name is said, or the one before."""
    if len(given.class_names) < 2:
        return {}
    both = {"next name": _roll(1), "name before": _roll(-1)}
    return both if len(given.class_names) > 2 else {"next name": both["next name"]}


def _roll(by: int) -> Callable[..., Any]:
    def name(probabilities: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.roll(probabilities, by, axis=-1)

    return name
