"""Rules about what no cause explains: one layer that is far off, or answers that are lost in all layers together."""

from __future__ import annotations

from edgetl.layers import weighing
from edgetl.layers.case import Case, Cause, cause
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Layer

_FLOAT_DB, _HALF_DB = 60.0, 50.0
"""A layer of floats has 100 dB and more of its own, of half precision 50 to 70. Where the usual one has 50 and more (the network
was not trained further), one below 60 and below half of the usual is no rounding."""
_NOISE_DB, _ANSWERS = 12.0, 0.8
"""A layer of integers or of a palette is no noise below 12 dB, and 12 dB below the usual, when one answer of five is
lost."""
_LOST, _LOST_DB = 0.5, 0.0
"""Answers are lost when most are others, or the noise of the logits is larger than they are."""


def other(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """A layer's own figure is far below what its arithmetic and its kin give."""
    usual = _usual(case, coarse=weighing.coarse(layer))
    if usual is None or layer.kind == "input":
        return None
    floats = usual >= _HALF_DB and not weighing.coarse(layer)
    limit = min(_FLOAT_DB, usual / 2) if floats else min(_NOISE_DB, usual - _NOISE_DB)
    own, fed = measure.local_db, [case.measures[i].sqnr_db for i in layer.inputs]
    if own is None and floats and fed and all(db is not None and db >= _FLOAT_DB for db in fed):
        own = measure.sqnr_db
    if own is None or own >= limit or (not floats and case.agreement >= _ANSWERS):
        return None
    return _else(measure, f"{own:.0f} dB are its own, the usual layer of its kind has {usual:.0f}", floats=floats)


def lost(case: Case) -> Cause | None:
    """Answers are lost, and no layer is to blame.

    Args:
        case: a file of which no fault is named.

    Returns:
        The fault; None where the answers are not lost.
    """
    if case.agreement >= _LOST and case.logits_db >= _LOST_DB:
        return None
    said = f"{case.agreement:.0%} of the photos are answered alike, and the logits have {case.logits_db:.0f} dB"
    usual = _usual(case, coarse=True)
    tied = [m for m in case.measures if m.sqnr_db is not None]
    if usual is None:
        return _else(max(tied, key=lambda m: _loss(case, m)), f"{said}; here the loss is largest", floats=True)
    return cause(
        "noise of all layers", tied[-1],
        f"{said}: the noise of all layers together loses the answers (the usual layer has {usual:.0f} dB of its own).",
        "Train with quantization (w8a8_qat), keep layers in float, or use more bits.",
    )  # fmt: skip


def _else(measure: Measure, evidence: str, *, floats: bool) -> Cause:
    return cause(
        "computes something else", measure, f"{evidence}. No known cause explains it.",
        "Compare this layer's settings with the float network's; convert again." + ("" if floats else " Or keep it in float."),
    )  # fmt: skip


def _loss(case: Case, measure: Measure) -> float:
    """By how much a layer ends with a lower SQNR than what it reads, dB; an unknown one counts as 0."""
    read = [case.measures[i].sqnr_db or 0.0 for i in case.found.layers[measure.place].inputs]
    return min(read, default=0.0) - (measure.sqnr_db or 0.0)


def _usual(case: Case, *, coarse: bool) -> float | None:
    """What half of the layers with weights have of their own at least, dB: of those in integers or palettes, or of the others."""
    import statistics

    kin = [
        m for m in case.measures if (layer := case.found.layers[m.place]).kernel is not None and weighing.coarse(layer) == coarse
    ]
    own = [m.local_db for m in kin if m.local_db is not None]
    return statistics.median(own) if own else None
