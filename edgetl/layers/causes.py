"""What is wrong with a layer, in words: each rule asks for evidence of a cause, a low figure alone is none.

The limits were chosen on sound files (README "Which layer is it?"): an int8 layer of those has 20 to 60 dB of its own, and no
rule speaks. Whatever no rule explains is quantization noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edgetl.layers import weighing
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Layer, Walk

if TYPE_CHECKING:
    import numpy as np

Rule = Literal[
    "wrong preprocessing", "not finite", "clipped range", "dead channel", "batch norm fold", "weights differ",
    "residual scale mismatch", "scale mismatch", "range too wide", "outlier channel", "softmax in int8",
]  # fmt: skip

_SAME_INPUT_DB = 30.0
"""Inputs above it are the same but for rounding: 8 bits of a full range give 50 dB, half precision more."""
_OUTSIDE, _REACH = 0.01, 0.6
"""A range is clipped when it cannot say 1 % of the values and ends below 0.6 of the largest; a calibration that leaves out rare
values (percentile, mse) leaves out 0.1 %."""
_UNUSED, _COARSE_DB = 1 / 16, 18.0
"""A range is too wide when the values need less than 1/16 of it, four of eight bits, and the layer's own SQNR is as low."""
_OUTLIER, _OTHERS_DB = 8.0, 12.0
"""One channel sets the range when it is 8 times as wide as nine tenths of the others, and half of the channels have less than
12 dB of their own."""
_STEPS, _SUNK = 8.0, 1.0
"""Branches of an addition do not fit when one's step is 8 times the other's, and larger than the other's standard deviation."""
_LOST, _LEAST_IMAGES = 0.05, 2
"""Share and number of images from which on a softmax that rounds the first class and the second together is a fault."""
_SHARING = ("mean", "mean_pool", "max_pool", "softmax", "input", "concat")
"""Layers whose range is not theirs to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A fault that was found, with the evidence."""

    rule: Rule
    place: int
    """Of the layer in the file."""
    layer: str
    evidence: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that the rules look at."""

    found: Walk
    reference: Walk
    """What the file was made from: the fake-quantized network where there is one, else the float one."""
    pairs: tuple[int | None, ...]
    measures: tuple[Measure, ...]
    weights: dict[int, weighing.Weighed] = field(default_factory=dict)

    def wanted(self, place: int) -> np.ndarray:
        """What the reference's layer gives, in the shape of the file's."""
        pair = self.pairs[place]
        assert pair is not None
        return self.reference.values[pair].reshape(self.found.values[place].shape)


def name(case: Case) -> tuple[Cause, ...]:
    """Name every fault there is evidence for.

    Args:
        case: the file beside its reference.

    Returns:
        The faults, in the order of the layers; for each layer the one that explains the others.
    """
    causes: list[Cause] = []
    for measure in case.measures:
        if measure.pair is None:
            continue
        layer = case.found.layers[measure.place]
        for rule in _RULES:
            cause = rule(case, measure, layer)
            if cause is not None:
                causes.append(cause)
                break
    sunk = {i for c in causes if c.rule == "residual scale mismatch" for i in case.found.layers[c.place].inputs}
    return tuple(c for c in causes if not (c.rule == "range too wide" and c.place in sunk))


def _cause(rule: Rule, measure: Measure, evidence: str, remedy: str) -> Cause:
    return Cause(rule=rule, place=measure.place, layer=measure.name, evidence=evidence, remedy=remedy)


def _preprocessing(case: Case, measure: Measure, layer: Layer) -> Cause | None:
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
    return _cause(
        "wrong preprocessing", measure,
        f"the input tensor differs already ({measure.sqnr_db:.0f} dB): {like}.",
        "Find out which mistake it is: edgetl diagnose preprocessing. The layers behind it are judged on the reference's input.",
    )  # fmt: skip


def _finite(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    if measure.finite:
        return None
    largest = float(abs(case.wanted(measure.place)).max())
    return _cause(
        "not finite", measure,
        f"it gives values that are infinite or not a number; the reference's reach {largest:.3g}.",
        "Half precision ends at 65504: keep this layer in float32, or scale what leads to it.",
    )  # fmt: skip


def _clipped(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    if measure.outside is None or measure.reach is None or measure.outside <= _OUTSIDE or measure.reach >= _REACH:
        return None
    assert layer.grid is not None and measure.saturated is not None
    return _cause(
        "clipped range", measure,
        f"its range, {layer.grid.low:.3g} to {layer.grid.high:.3g}, holds {measure.reach:.0%} of the largest value of the "
        f"reference; {measure.outside:.1%} of the values are cut off ({measure.saturated:.1%} of the integers are at its ends).",
        "Calibrate again with photos like those in use (quantize.ranges: minmax); if the range was edited, convert again.",
    )  # fmt: skip


def _dead(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    if not measure.dead:
        return None
    first = measure.dead[0]
    wanted = case.wanted(measure.place)[..., first]
    shown = ", ".join(map(str, measure.dead[:8])) + (" …" if len(measure.dead) > 8 else "")
    several = len(measure.dead) > 1
    zero = layer.kernel is not None and len(layer.kernel) > first and not layer.kernel[first].any()
    kind = "depthwise " if layer.depthwise else ""
    return _cause(
        "dead channel", measure,
        f"{kind}channel{'s' if several else ''} {shown} of {measure.shape[-1]} {'are' if several else 'is'} constant; the "
        f"reference's spread{'' if several else 's'} from {wanted.min():.3g} to {wanted.max():.3g}."
        + (f" The kernel of channel {first} is all zeros." if zero else ""),
        "Convert again; if it stays, its weights vanish in their range: quantize them per channel, or keep this layer float.",
    )  # fmt: skip


def _weights(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    weighed = case.weights.get(measure.place)
    if weighed is None:
        return None
    if weighed.folded:
        return _cause(
            "batch norm fold", measure, weighed.folded,
            "Batch normalisation was folded with other statistics than the reference's: convert again, in inference mode.",
        )  # fmt: skip
    if weighed.differ:
        return _cause(
            "weights differ", measure, weighed.differ,
            "These are not the reference's weights: convert again from it, or give the right one with --against.",
        )  # fmt: skip
    return None


def _mismatch(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    for place in layer.inputs:
        source = case.found.layers[place]
        for reader, grid in source.taken:
            if reader == measure.place and source.grid is not None:
                rule: Rule = "residual scale mismatch" if layer.kind == "add" else "scale mismatch"
                return _cause(
                    rule, measure,
                    f"it takes the integers of {case.measures[place].name} for steps of {grid.step:.4g} from {grid.low:.4g}; "
                    f"they were written in steps of {source.grid.step:.4g} from {source.grid.low:.4g}.",
                    "Give both the same scale and zero point: convert again.",
                )  # fmt: skip
    if layer.kind != "add" or len(layer.inputs) != 2:
        return None
    one, other = layer.inputs
    for coarse, fine in ((one, other), (other, one)):
        first, second = case.found.layers[coarse].grid, case.found.layers[fine].grid
        if first is None or second is None or case.pairs[fine] is None:
            continue
        spread = float(case.wanted(fine).std())
        if first.step >= _STEPS * second.step and spread <= _SUNK * first.step:
            return _cause(
                "residual scale mismatch", measure,
                f"one step of {case.measures[coarse].name} is {first.step:.3g}, more than the standard deviation of "
                f"{case.measures[fine].name}, {spread:.3g} (steps of {second.step:.3g}): what it adds drowns in rounding.",
                f"Give both branches one range that fits; or keep {case.measures[coarse].name} float.",
            )  # fmt: skip
    return None


def _wide(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    if measure.range_share is None or layer.kind in _SHARING or measure.local_db is None or layer.grid is None:
        return None
    if measure.range_share < _UNUSED and measure.local_db < _COARSE_DB:
        return _cause(
            "range too wide", measure,
            f"the values need {measure.range_share:.1%} of its range, {layer.grid.low:.3g} to {layer.grid.high:.3g}: one step is "
            f"{layer.grid.step:.3g}, and {measure.local_db:.0f} dB are left.",
            "Calibrate again; one odd photo may have set the range (quantize.ranges: percentile).",
        )  # fmt: skip
    return None


def _outlier(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    if layer.grid is None or len(measure.channels_db) < 8 or layer.kind in _SHARING:
        return None
    import numpy as np

    wanted = case.wanted(measure.place)
    spans = np.ptp(wanted, axis=tuple(range(wanted.ndim - 1)))
    widest = int(spans.argmax())
    usual = float(np.quantile(np.delete(spans, widest), 0.9))
    if spans[widest] < _OUTLIER * usual or float(np.median(measure.channels_db)) > _OTHERS_DB:
        return None
    return _cause(
        "outlier channel", measure,
        f"channel {widest} spans {spans[widest]:.3g}, nine tenths of the others less than {usual:.3g}: it sets the range; half "
        f"of the channels keep less than {np.median(measure.channels_db):.0f} dB.",
        "Keep this layer float, or train with quantization so that the channel shrinks.",
    )  # fmt: skip


def _softmax(case: Case, measure: Measure, layer: Layer) -> Cause | None:
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
    return _cause(
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


def ranked(causes: tuple[Cause, ...]) -> Iterator[Cause]:
    """The causes, what explains most first: the input, then in the order of the layers."""
    yield from sorted(causes, key=lambda cause: (cause.rule != "wrong preprocessing", cause.place))


_RULES: tuple[Callable[[Case, Measure, Layer], Cause | None], ...] = (
    _preprocessing, _finite, _mismatch, _clipped, _dead, _weights, _wide, _outlier, _softmax,
)  # fmt: skip
