"""How well hypotheses explain what was seen, and when to say so: pure functions of arrays.

Distances lie between 0 (the same) and 1. A sound app's lie about a photo's `scale`, which is measured; another app's may lie
anywhere. So the density of a distance d under a hypothesis is that of an exponential law of that scale, mixed with a few
photos that went wrong for reasons of their own, and under "something else" it is 1. The scale may be off for all photos alike
(another processor's arithmetic): its factor is summed out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

OTHER = "something else"
NONE = "none"
SURE = 0.95
"""Posterior from which on one explanation is named."""

_STRAY = 0.02
"""Share of photos whose answer may have nothing to do with the hypothesis."""
FACTORS = ((1.0, 0.6), (3.0, 0.3), (9.0, 0.1))
"""Factor of all scales of outputs, and its prior."""
INPUT_FACTORS = ((1.0, 0.8), (3.0, 0.2))
"""Of the inputs' values: no kernel stands between them and what was measured."""
EXCLUDED = -1e6
"""Log-likelihood of what cannot be."""
_TEMPER = 0.5
"""Weight of a photo: what differs on one photo for a sound reason does so on the next, so photos are no independent witnesses."""
_PRIORS = {"none": 0.5, "one": 0.4, "two": 0.05, "other": 0.05}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One candidate: nothing, a mistake (all its ways together), two, or something else."""

    mistakes: tuple[str, ...]
    """Names of plug-ins; () for nothing wrong, (`OTHER`,) for something else."""
    best: str
    """The hypothesis of it that fits best."""
    posterior: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What may be said."""

    outcome: Literal["none", "named", "undecided", "unexplained"]
    explanations: tuple[Explanation, ...]
    """The likeliest first, down to a hundredth of a per cent."""
    unseen: tuple[str, ...]
    """Hypotheses that these photos cannot tell from the right way."""


def hellinger(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance of two distributions, (..., classes) each → (...,), 0 to 1; of sigmoid answers it is cut at 1."""
    difference = np.sqrt(np.clip(first, 0.0, None)) - np.sqrt(np.clip(second, 0.0, None))
    found: np.ndarray = np.minimum(np.sqrt(0.5 * (difference.astype(np.float64) ** 2).sum(axis=-1)), 1.0)
    return found


def with_rest(probabilities: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Keep some classes and add the others up; (classes,) → (len(places) + 1,)."""
    kept = probabilities[list(places)].astype(np.float64)
    return np.append(kept, max(0.0, float(np.clip(probabilities, 0.0, None).sum()) - float(kept.sum())))


def log_likelihood(distances: np.ndarray, scales: np.ndarray, factors: Sequence[tuple[float, float]] = FACTORS) -> float:
    """Weigh a hypothesis against "something else".

    Args:
        distances: (N,), 0 to 1, of what was seen from what the hypothesis foretells.
        scales: (N,), above 0, those of a sound app.
        factors: by which all of them may be off, and its prior.

    Returns:
        Logarithm of the ratio of likelihoods; 0 for nothing seen.
    """
    if distances.size == 0:
        return 0.0
    terms = []
    for factor, prior in factors:
        width = factor * scales
        normal = width * -np.expm1(-1.0 / width)  # a distance is at most 1
        density = (1.0 - _STRAY) * np.exp(-distances / width) / normal + _STRAY
        terms.append(math.log(prior) + _TEMPER * float(np.log(density).sum()))
    highest = max(terms)
    return highest + math.log(math.fsum(math.exp(term - highest) for term in terms))


def weigh(
    logs: Mapping[tuple[str, tuple[str, ...]], float],
    unseen: Sequence[str],
    penalties: Mapping[str, float] | None = None,
    inputs: Mapping[str, float] | None = None,
) -> Finding:
    """Turn likelihoods into what may be said.

    Args:
        logs: (name of the hypothesis, its mistakes) → log-likelihood; the right way, without mistakes, among them.
        unseen: names of hypotheses that these photos cannot tell from the right way; they count as nothing wrong.
        penalties: name of a hypothesis → what is taken off for what was fitted to these very photos.
        inputs: name of a hypothesis → the part of its log-likelihood that is the input's values: where answers were seen too,
            the input may be as foretold and the answers something else.

    Returns:
        The finding. One explanation is named when its posterior is at least `SURE`.
    """
    counted = {key: value for key, value in logs.items() if key[0] not in unseen}
    groups: dict[tuple[str, ...], list[tuple[str, float]]] = {}
    for (name, mistakes), value in counted.items():
        groups.setdefault(mistakes, []).append((name, value - (penalties or {}).get(name, 0.0)))
    sizes = {kind: sum(len(m) == length for m in groups) for kind, length in (("one", 1), ("two", 2))}
    found: list[tuple[tuple[str, ...], str, float]] = []
    strange = [0.0]  # the input is something else, or as one of the hypotheses foretells
    for mistakes, ways in groups.items():
        kind = ("none", "one", "two")[len(mistakes)]
        prior = _PRIORS[kind] / max(sizes.get(kind, 1), 1) / len(ways)
        strange += [math.log(prior) + inputs[name] for name, _ in ways] if inputs is not None else []
        highest = max(value for _, value in ways)
        total = highest + math.log(math.fsum(math.exp(value - highest) for _, value in ways))
        found.append((mistakes, max(ways, key=lambda way: way[1])[0], math.log(prior) + total))
    most = max(strange)
    other = most + math.log(math.fsum(math.exp(value - most) for value in strange))
    found.append(((OTHER,), OTHER, math.log(_PRIORS["other"]) + other))
    highest = max(value for *_, value in found)
    whole = math.fsum(math.exp(value - highest) for *_, value in found)
    explanations = sorted(
        (Explanation(mistakes=m, best=best, posterior=math.exp(value - highest) / whole) for m, best, value in found),
        key=lambda e: -e.posterior,
    )
    first = explanations[0]
    outcome: Literal["none", "named", "undecided", "unexplained"] = "named"
    if first.mistakes == (OTHER,):
        outcome = "unexplained"
    elif first.posterior < SURE:
        outcome = "undecided"
    elif not first.mistakes:
        outcome = "none"
    kept = tuple(e for e in explanations if e.posterior >= 1e-4)
    return Finding(outcome=outcome, explanations=kept, unseen=tuple(unseen))
