"""Which layer of one network is which of another: by the names that converters keep, by order, shape and what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetl.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from edgetl.layers.steps import Layer, Walk

_SAMPLES = 4096
"""Values of a layer that are compared to tell it from others of the same shape."""
_ORDER, _NAMED = 0.2, 0.5
"""What standing in order, and carrying the same name, are worth beside giving the same values, which is worth 1."""
_SURE = 0.9
"""Likeness above which two layers are a pair though they stand in another order."""
_CLEAR = 0.5
"""Likeness that a pair needs when one of the two is an operator of no kind known here."""
_LEAST_TIED = 0.5
"""Share of the layers with weights below which the two files are not the same network."""


def tie(found: Walk, reference: Walk) -> tuple[int | None, ...]:
    """Pair the layers of two networks.

    Args:
        found: the network in question.
        reference: what it was made from; both ran on the same images.

    Returns:
        For each layer of `found` the place of its layer in `reference`; None where there is none.

    Raises:
        InputError: too few can be paired: these are different networks.
    """
    likeness = _likeness(found, reference)
    pairs = _in_order(likeness)
    _others(pairs, likeness)
    weighted = [place for place, layer in enumerate(found.layers) if layer.kind in ("conv", "dense")]
    tied = [place for place in weighted if pairs[place] is not None]
    if not weighted or len(tied) < _LEAST_TIED * len(weighted):
        raise InputError(
            f"{found.title}: only {len(tied)} of its {len(weighted)} layers with weights could be tied to a layer of "
            f"{reference.title}. Give the network it was made from with --against."
        )
    return tuple(pairs)


def _likeness(found: Walk, reference: Walk) -> np.ndarray:
    """How much speaks for each pair, (layers, layers of the reference); 0 where they cannot be one."""
    import numpy as np

    scores = np.zeros((len(found.layers), len(reference.layers)))
    ours, theirs = ([_signature(value) for value in walk.values] for walk in (found, reference))
    for i, layer in enumerate(found.layers):
        for j, other in enumerate(reference.layers):
            if found.values[i][0].size != reference.values[j][0].size or not _same_kind(layer, other):
                continue
            alike = _alike(ours[i], theirs[j])
            if alike >= _CLEAR or layer.kind == other.kind or "other" not in (layer.kind, other.kind):
                scores[i, j] = _ORDER + alike + (_NAMED if layer.words & other.words else 0.0)
    return scores


def _same_kind(one: Layer, other: Layer) -> bool:
    kinds = {one.kind, other.kind}
    if "input" in kinds:
        return len(kinds) == 1
    if kinds == {"conv", "norm"}:
        return (one if one.kind == "conv" else other).depthwise
    if kinds == {"conv"} or kinds == {"dense"}:
        return one.kernel is None or other.kernel is None or one.kernel.shape == other.kernel.shape
    return len(kinds) == 1 or "other" in kinds or kinds == {"conv", "dense"} or kinds == {"mean", "mean_pool"}


def _signature(value: np.ndarray) -> np.ndarray:
    """Some of a layer's values."""
    import numpy as np

    flat = np.nan_to_num(value[:4].reshape(-1))
    return np.asarray(flat[:: max(1, flat.size // _SAMPLES)], np.float64)


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """0 to 1: half for correlation and like spread, half for being equal."""
    import numpy as np

    if len(one) != len(other):
        return 0.0
    spread, others = float(one.std()), float(other.std())
    if not spread or not others:
        return 0.0
    correlation = float(((one - one.mean()) * (other - other.mean())).mean()) / (spread * others)
    error = float(np.sqrt(((one - other) ** 2).mean())) / others
    return 0.5 * max(0.0, correlation) * min(spread, others) / max(spread, others) + 0.5 * max(0.0, 1.0 - error)


def _in_order(likeness: np.ndarray) -> list[int | None]:
    """The pairs of most likeness that keep the order of both; Needleman and Wunsch, 1970, without a price for gaps."""
    import numpy as np

    rows, columns = likeness.shape
    best = np.zeros((rows + 1, columns + 1))
    for i in range(rows):
        for j in range(columns):
            both = best[i, j] + likeness[i, j] if likeness[i, j] > 0 else -1.0
            best[i + 1, j + 1] = max(both, best[i, j + 1], best[i + 1, j])
    pairs: list[int | None] = [None] * rows
    i, j = rows, columns
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs[i] = j
    return pairs


def _others(pairs: list[int | None], likeness: np.ndarray) -> None:
    """Pair what is left over where formats write parallel branches in another order."""
    import numpy as np

    free = set(range(likeness.shape[1])) - {pair for pair in pairs if pair is not None}
    for place, pair in enumerate(pairs):
        if pair is None and free:
            candidates = sorted(free)
            choice = candidates[int(np.argmax(likeness[place, candidates]))]
            if likeness[place, choice] > _ORDER + _SURE:
                pairs[place] = choice
                free.discard(choice)
