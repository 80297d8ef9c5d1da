"""Which layers to keep in float, what that is expected to bring, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.layers import alone
from edgetl.layers.latency import Latency
from edgetl.layers.measuring import Measure, counted, fed, ratio_db

if TYPE_CHECKING:
    import numpy as np

    from edgetl.layers.steps import Walk
    from edgetl.types import Preprocess

_MOST_ASKED = 24
"""Layers that are tried, those of the lowest SQNR; each is one more run of what follows it."""
_LEAST_GAIN_DB = 0.1
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One layer that could stay in float."""

    layer: str
    """As `quantize.keep_float` of a recipe names it."""
    gain_db: float
    """Expected rise of the logits' SQNR against the float network."""
    agreement_gain: float
    """Expected rise of the share of images that are answered alike, -1 to 1."""
    macs_share: float
    """Share of the network's multiply-accumulates that would be done in float, 0 to 1."""
    size_bytes: int
    """By how much the file grows."""
    latency_ms: float | None
    """By how much it is estimated to be slower; None where no device is asked for or nothing is known."""


def advise(
    found: Walk,
    reference: Walk,
    pairs: tuple[int | None, ...],
    measures: Sequence[Measure],
    network: Path,
    pixels: np.ndarray,
    preprocess: Preprocess,
    *,
    trained: bool,
    latency: Latency | None = None,
) -> tuple[Advice, ...]:
    """Try every likely layer: put its own error into the float network, there and nowhere else, and see what reaches the logits.

    That error taken out of the file's logits is what is left when the layer stays in float, as far as errors add up.

    Args:
        found: the file.
        reference: the float network.
        pairs: of `tying.tie`.
        measures: of the file's layers against it.
        network: folder or file of the frozen float network.
        pixels: uint8 (N, px, px, 3), those that both ran on.
        preprocess: of the float network.
        trained: the file's weights were trained with quantization; then only rounding what a layer gives counts as its error, for
            its weights would have to be trained again.
        latency: of the whole file; a layer's part is its share of the multiply-accumulates.

    Returns:
        Layers that are worth it, most gain for its cost first; none that loses answers.
    """
    from edgetl import parity
    from edgetl.layers import read_frozen

    asked = _candidates(found, reference, pairs, measures, trained=trained)
    if not asked:
        return ()
    answers = read_frozen.answers(network, pixels, preprocess, [(reference.layers[_pair(pairs, p)].output, v) for p, v in asked])
    wanted, given = answers[0], logits(found)
    if given.shape != wanted.shape:
        return ()
    total = sum(found.macs(place) for place in range(len(found.layers))) or 1
    before, agreed = ratio_db(wanted, given), parity.top1_agreement(wanted, given)
    slower = None
    if latency is not None and latency.as_it_is_ms is not None and latency.float_ms is not None:
        slower = max(0.0, latency.float_ms - latency.as_it_is_ms)
    advice = []
    for (place, _), answer in zip(asked, answers[1:], strict=True):
        left = given - (answer - wanted)
        kernel, share = found.layers[place].kernel, found.macs(place) / total
        assert kernel is not None
        advice.append(
            Advice(
                layer=measures[place].name,
                gain_db=ratio_db(wanted, left) - before,
                agreement_gain=parity.top1_agreement(wanted, left) - agreed,
                macs_share=share,
                size_bytes=kernel.size * (_FLOAT_BYTES - 1),
                latency_ms=None if slower is None else share * slower,
            )
        )
    worth = [one for one in advice if one.gain_db >= _LEAST_GAIN_DB and one.agreement_gain >= 0]
    return tuple(sorted(worth, key=lambda one: -one.gain_db / max(one.macs_share, 1e-4)))


def _pair(pairs: tuple[int | None, ...], place: int) -> int:
    pair = pairs[place]
    assert pair is not None
    return pair


def _candidates(
    found: Walk, reference: Walk, pairs: tuple[int | None, ...], measures: Sequence[Measure], *, trained: bool
) -> list[tuple[int, np.ndarray]]:
    """Layers in integers, and what the float network's layer would give with their error; the worst first."""
    from dataclasses import replace

    asked: list[tuple[float, int, np.ndarray]] = []
    for measure in measures:
        layer, place = found.layers[measure.place], measure.place
        given = fed(found, reference, pairs, place)
        if layer.kind not in ("conv", "dense") or given is None or measure.pair is None or measure.local_db is None:
            continue
        if layer.grid is None and layer.kernel_step is None:
            continue
        own = alone.compute(layer, given)
        plain = alone.compute(replace(layer, grid=None), given) if trained else reference.values[measure.pair]
        if own is not None and plain is not None:
            wanted = reference.values[measure.pair]
            error = counted(own).reshape(wanted.shape) - counted(plain).reshape(wanted.shape)
            asked.append((ratio_db(wanted, wanted + error), place, wanted + error))
    asked.sort(key=lambda one: one[0])
    return [(place, value) for _, place, value in asked[:_MOST_ASKED]]


def logits(found: Walk) -> np.ndarray:
    """What goes into the last softmax; the last layer's values where there is none.

    Args:
        found: a network.

    Returns:
        float32 (N, classes); what is not finite counts as 0.
    """
    place = len(found.layers) - 1
    while place and found.layers[place].kind != "softmax":
        place -= 1
    value = found.values[found.layers[place].inputs[0]] if found.layers[place].kind == "softmax" else found.values[-1]
    return counted(value.reshape(len(value), -1))
