"""Learning rate over a phase, as a pure function of the place in it and of what validation has shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgetl.recipe import Phase

_FACTOR = {"step": 0.1, "plateau": 0.5}


def rate(phase: Phase, position_epochs: float, losses: Sequence[float]) -> float:
    """Learning rate at one step.

    Args:
        phase: the phase.
        position_epochs: epochs of the phase that are done, with fraction.
        losses: validation loss after each of them.

    Returns:
        The rate.
    """
    warmup = phase.warmup_epochs
    if position_epochs < warmup:
        return phase.learning_rate * position_epochs / warmup
    factor = phase.schedule_factor or _FACTOR.get(phase.schedule, 1.0)
    if phase.schedule == "cosine":
        part = (position_epochs - warmup) / (phase.epochs - warmup)
        return phase.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(part, 1.0)))
    if phase.schedule == "step":
        return phase.learning_rate * factor ** int((position_epochs - warmup) // (phase.schedule_epochs or 1))
    if phase.schedule == "plateau":
        return phase.learning_rate * factor ** _plateaus(losses, phase.schedule_epochs or 1)
    return phase.learning_rate


def _plateaus(losses: Sequence[float], patience: int) -> int:
    """How often the loss went `patience` epochs without a new low; each time the count starts anew."""
    best, stale, found = math.inf, 0, 0
    for loss in losses:
        best, stale = (loss, 0) if loss < best else (best, stale + 1)
        if stale == patience:
            found, stale = found + 1, 0
    return found
