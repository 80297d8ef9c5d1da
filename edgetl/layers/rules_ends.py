"""Rules about a network's input and its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetl.layers.case import Case, Cause, cause
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Layer

if TYPE_CHECKING:
    import numpy as np

_SAME_INPUT_DB = 30.0
"""Inputs above it are the same but for rounding: 8 bits of a full range give 50 dB, half precision more."""
_LOST, _LEAST_IMAGES = 0.05, 2
"""Share and number of images from which on a softmax that rounds the first class and the second together is a fault."""


def preprocessing(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """The input tensor differs already."""
    if layer.kind != "input" or measure.sqnr_db is None or (measure.source_db or measure.sqnr_db) >= _SAME_INPUT_DB:
        return None
    import numpy as np

    wanted, found = case.wanted(measure.place), case.found.values[measure.place]
    orders = {
        "": wanted,
        ", its channels in reverse order (BGR)": wanted[..., ::-1],
        ", height and width swapped": wanted.swapaxes(1, 2),
    }
    fits = []
    for words, candidate in orders.items():
        if candidate.shape == found.shape:
            factor, offset = np.polyfit(candidate.reshape(-1).astype(np.float64), found.reshape(-1).astype(np.float64), 1)
            fits.append((float(np.mean((factor * candidate + offset - found) ** 2)), words, float(factor), float(offset)))
    error, words, factor, offset = min(fits)
    like = f"it is the reference's × {factor:.4g} {'+' if offset >= 0 else '-'} {abs(offset):.4g}{words}"
    if error > 0.02 * float(found.var()):
        like = "no factor, offset or order of channels explains it"
    return cause(
        "wrong preprocessing", measure,
        f"the input tensor differs already ({measure.sqnr_db:.0f} dB): {like}.",
        "Find out which mistake it is: edgetl diagnose preprocessing. The layers behind it are judged on the reference's input.",
    )  # fmt: skip


def softmax(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """Rounding the answers loses what the logits tell."""
    if layer.kind != "softmax" or len(layer.inputs) != 1 or measure.place != len(case.found.layers) - 1:
        return None
    logits, answers = case.found.values[layer.inputs[0]], case.found.values[measure.place]
    if logits.ndim != 2 or logits.shape != answers.shape:
        return None
    rows, best = range(len(logits)), logits.argmax(1)
    told = logits[rows, best] > _next(logits, best)
    same = told & (answers[rows, best] <= _next(answers, best))
    lost = float(same.mean())
    if lost < _LOST or same.sum() < _LEAST_IMAGES:
        return None
    step = f" in steps of {layer.grid.step:.3g}" if layer.grid is not None else ""
    return cause(
        "softmax in int8", measure,
        f"on {lost:.0%} of the images the logits tell the first class from the second and the probabilities{step} do not "
        f"(the largest is {answers.max(1).mean():.3g} on average).",
        "Keep the softmax float, or ship the logits (the app takes the largest).",
    )  # fmt: skip


def _next(answers: np.ndarray, best: np.ndarray) -> np.ndarray:
    """The largest answer of a class that is not the best."""
    import numpy as np

    others = answers.astype(np.float64)
    others[range(len(others)), best] = -np.inf
    return np.asarray(others.max(1))
