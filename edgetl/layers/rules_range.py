"""Rules about what a layer's integers can say."""

from __future__ import annotations

from edgetl.layers.case import Case, Cause, cause
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Layer

_OUTSIDE, _REACH = 0.01, 0.6
"""A range is clipped when it cannot say 1 % of the values and ends below 0.6 of the largest; a calibration that leaves out rare
values (percentile, mse) leaves out 0.1 %."""
_UNUSED, _COARSE_DB = 1 / 16, 18.0
"""A range is too wide when the values need less than 1/16 of it, four of eight bits, and the layer's own SQNR is as low."""
_OUTLIER, _OTHERS_DB = 8.0, 12.0
"""One channel sets the range when it is 8 times as wide as nine tenths of the others, and half of the channels have less than
12 dB of their own."""
_SHARING = ("mean", "mean_pool", "max_pool", "softmax", "input", "concat")
"""Layers whose range is not theirs to choose."""


def clipped(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """The range, or the activation, cannot say what the reference gives."""
    if layer.grid is None and layer.clip is not None:
        return _activation(case, measure, layer.clip)
    if measure.outside is None or measure.reach is None or measure.outside <= _OUTSIDE or measure.reach >= _REACH:
        return None
    assert layer.grid is not None and measure.saturated is not None
    return cause(
        "clipped range", measure,
        f"its range, {layer.grid.low:.3g} to {layer.grid.high:.3g}, holds {measure.reach:.0%} of the largest value of the "
        f"reference; {measure.outside:.1%} of the values are cut off ({measure.saturated:.1%} of the integers are at its ends).",
        "Calibrate again with photos like those in use (quantize.ranges: minmax); if the range was edited, convert again.",
    )  # fmt: skip


def _activation(case: Case, measure: Measure, clip: tuple[float, float]) -> Cause | None:
    """An activation of a layer without integers ends below what the reference gives."""
    wanted = case.wanted(measure.place)
    most = float(abs(wanted).max())
    outside = float(((wanted < clip[0] - 0.01 * most) | (wanted > clip[1] + 0.01 * most)).mean())
    largest = float(max(wanted.max() - clip[1], clip[0] - wanted.min()))
    if outside <= _OUTSIDE or largest <= (1 - _REACH) * most:
        return None
    return cause(
        "clipped range", measure,
        f"its activation ends at {clip[0]:.3g} and {clip[1]:.3g}; the reference's reaches from {wanted.min():.3g} to "
        f"{wanted.max():.3g}: {outside:.1%} of the values are cut off.",
        "The activation is not the reference's: convert again.",
    )  # fmt: skip


def wide(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """The values need a small part of the range."""
    if measure.range_share is None or layer.kind in _SHARING or measure.local_db is None or layer.grid is None:
        return None
    if measure.range_share < _UNUSED and measure.local_db < _COARSE_DB:
        return cause(
            "range too wide", measure,
            f"the values need {measure.range_share:.1%} of its range, {layer.grid.low:.3g} to {layer.grid.high:.3g}: one step is "
            f"{layer.grid.step:.3g}, and {measure.local_db:.0f} dB are left.",
            "Calibrate again; one odd photo may have set the range (quantize.ranges: percentile).",
        )  # fmt: skip
    return None


def outlier(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """One channel sets the range for all."""
    if layer.grid is None or len(measure.channels_db) < 8 or layer.kind in _SHARING:
        return None
    import numpy as np

    wanted = case.wanted(measure.place)
    spans = np.ptp(wanted, axis=tuple(range(wanted.ndim - 1)))
    widest = int(spans.argmax())
    usual = float(np.quantile(np.delete(spans, widest), 0.9))
    if spans[widest] < _OUTLIER * usual or float(np.median(measure.channels_db)) > _OTHERS_DB:
        return None
    return cause(
        "outlier channel", measure,
        f"channel {widest} spans {spans[widest]:.3g}, nine tenths of the others less than {usual:.3g}: it sets the range; half "
        f"of the channels keep less than {np.median(measure.channels_db):.0f} dB.",
        "Keep this layer float, or train with quantization so that the channel shrinks.",
    )  # fmt: skip
