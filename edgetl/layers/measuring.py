"""One layer of a file beside the same layer of its reference, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.layers import alone, weighing
from edgetl.layers.steps import Kind, Layer, Walk

if TYPE_CHECKING:
    import numpy as np

MOST_DB = 200.0
"""Said where two are alike to the last bit, so that every figure is finite."""
_KERNELS = ("Conv2D", "depthwise", "MatMul")
"""Operators of TensorFlow that carry a layer's kernel, as its tensors' names end."""
_FLAT, _LIVELY, _STRONG = 1e-6, 0.02, 0.25
"""A channel whose spread is below this share of the layer's largest value is constant; one whose standard deviation is above this
share of the layer's matters, if it is above a quarter of the usual channel's, too, or its kernel is all zeros.
Without a grid only the latter counts: other weights may well end a channel in its ReLU, which is a matter of the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One pair of layers. Ratios are 0 to 1; SQNR in dB, higher is better, at most 200."""

    place: int
    """In the file."""
    pair: int | None
    """In the reference; None when no layer of it could be tied."""
    name: str
    """The Keras layer's name where one is known, else the file's own."""
    kind: Kind
    shape: tuple[int, ...]
    """Of what it gives for one image."""
    sqnr_db: float | None = None
    """What it gives against what the reference gives: its own error and those of all layers before it."""
    local_db: float | None = None
    """The same when it is fed what the reference's layer is fed: its own error alone."""
    source_db: float | None = None
    """Against the fake-quantized network, where there is one."""
    channels_db: tuple[float, ...] = ()
    """`local_db` of each channel (`sqnr_db` of each where the layer cannot be computed alone)."""
    mean_shift: float | None = None
    """How far its values are shifted, in standard deviations of the reference's; the mean over all."""
    saturated: float | None = None
    """Share of its integers at an end of their range where its activation does not end too."""
    outside: float | None = None
    """Share of the reference's values that its range cannot say."""
    range_share: float | None = None
    """Length of its range that it uses, of all; None where it holds no integers."""
    reach: float | None = None
    """Largest value that its range can say, against the largest the reference gives (both beyond zero or a clip); below 1, some
    are cut off."""
    finite: bool = True
    """Its weights, and what it makes of finite values, are finite; what is not counts as 0 in the figures above."""
    dead: tuple[int, ...] = ()
    """Channels that are constant here and are not in the reference."""


def ratio_db(reference: np.ndarray, found: np.ndarray) -> float:
    """SQNR of two tensors, kept finite; what is not finite in `found` counts as 0. See `parity.sqnr_db`."""
    import numpy as np

    from edgetl import parity

    return float(np.clip(parity.sqnr_db(reference, counted(found)), -MOST_DB, MOST_DB))


def counted(values: np.ndarray) -> np.ndarray:
    """The same values, with 0 for what is infinite or not a number."""
    import numpy as np

    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))


def fed(found: Walk, reference: Walk, pairs: tuple[int | None, ...], place: int) -> list[np.ndarray] | None:
    """What the reference feeds the layer that one of a file stands for.

    Args:
        found: the file.
        reference: what it was made from.
        pairs: of `tying.tie`.
        place: of the layer in the file.

    Returns:
        A tensor for each input; None when one of them is tied to nothing.
    """
    places = [pairs[i] for i in found.layers[place].inputs]
    return None if not places or None in places else [reference.values[p] for p in places if p is not None]


def measure(found: Walk, reference: Walk, pairs: tuple[int | None, ...], place: int) -> Measure:
    """Compare one layer.

    Args:
        found: the file.
        reference: what it was made from.
        pairs: of `tying.tie`.
        place: of the layer in the file.

    Returns:
        The figures.
    """
    import numpy as np

    layer, value, pair = found.layers[place], found.values[place], pairs[place]
    shape = tuple(int(side) for side in value.shape[1:])
    if pair is None:
        return Measure(place=place, pair=None, name=_named(layer.words, layer.name), kind=layer.kind, shape=shape)
    other = reference.layers[pair]
    wanted = reference.values[pair].reshape(value.shape)
    finite = weighing.finite(layer) and bool(
        np.isfinite(value).all() or not all(np.isfinite(found.values[i]).all() for i in layer.inputs)
    )
    value = counted(value)
    given = fed(found, reference, pairs, place)
    own = alone.compute(layer, given) if given is not None else None
    own = None if own is None or own.size != wanted.size else counted(own).reshape(wanted.shape)
    axes = tuple(range(value.ndim - 1))
    spread = float(wanted.std()) or 1.0
    limits: dict[str, float | None] = {}
    if layer.grid is not None:
        grid, half = layer.grid, layer.grid.step / 2
        clip = layer.clip or other.clip or (-np.inf, np.inf)
        low_free, high_free = grid.low > clip[0] + half, grid.high < clip[1] - half
        ends = (low_free & (value <= grid.low + half)) | (high_free & (value >= grid.high - half))
        out = (wanted < grid.low - grid.step) | (wanted > grid.high + grid.step)
        limits = {
            "saturated": float(ends.mean()),
            "outside": float(out.mean()),
            "range_share": float((wanted.max() - wanted.min()) / (grid.high - grid.low)),
            "reach": _reach(grid.low, grid.high, wanted),
        }
    return Measure(
        place=place,
        pair=pair,
        name=_named(other.words, other.name),
        kind=layer.kind,
        shape=shape,
        sqnr_db=ratio_db(wanted, value),
        local_db=None if own is None else ratio_db(wanted, own),
        channels_db=_by_channel(wanted, value if own is None else own, axes),
        mean_shift=float((value.astype(np.float64) - wanted).mean() / spread),
        finite=finite,
        dead=() if own is None else _dead(wanted, own, axes, layer),
        **limits,
    )


def _named(words: frozenset[str], name: str) -> str:
    """The shortest of a layer's Keras names: that of its kernel, as `Conv1` of `Conv1`, `bn_Conv1` and `Conv1_relu`."""
    plain = name.rpartition("#")[0] or name
    for part in plain.split(";"):
        *scopes, last = part.split("/")
        if scopes and last.startswith(_KERNELS) and scopes[-1].removeprefix("quant_") in words:
            return scopes[-1].removeprefix("quant_")
    scopes = plain.split(";")[-1].split("/")
    if len(scopes) > 1 and scopes[-2].removeprefix("quant_") in words:
        return scopes[-2].removeprefix("quant_")
    return min(words, key=lambda word: (len(word), word)) if words else plain


def _by_channel(wanted: np.ndarray, found: np.ndarray, axes: tuple[int, ...]) -> tuple[float, ...]:
    import numpy as np

    signal = (wanted.astype(np.float64) ** 2).sum(axes)
    noise = ((wanted.astype(np.float64) - found) ** 2).sum(axes)
    floor = 10 ** (-MOST_DB / 10)
    ratios = np.where(noise > 0, np.maximum(signal, floor) / np.maximum(noise, floor * np.maximum(signal, 1e-30)), 1 / floor)
    return tuple(float(v) for v in np.clip(10 * np.log10(np.maximum(ratios, floor)), -MOST_DB, MOST_DB))


def _dead(wanted: np.ndarray, found: np.ndarray, axes: tuple[int, ...], layer: Layer) -> tuple[int, ...]:
    """Channels without any variation when fed the reference's input, though its own vary by more than rounding could hide."""
    import numpy as np

    flat = _FLAT * float(np.abs(wanted).max() or 1.0)
    constant = np.ptp(found, axis=axes) <= flat
    step, spread = layer.grid.step if layer.grid else 0.0, wanted.std(axes)
    lively = (np.ptp(wanted, axis=axes) > max(6 * step, 100 * flat)) & (spread > max(step, _LIVELY * float(wanted.std())))
    strong = (spread > _STRONG * float(np.median(spread))) & (layer.grid is not None)
    if layer.kernel is not None and len(layer.kernel) == len(strong):
        strong |= ~layer.kernel.reshape(len(strong), -1).any(1)
    lively &= strong
    return tuple(int(c) for c in np.nonzero(constant & lively)[0])


def _reach(low: float, high: float, wanted: np.ndarray) -> float:
    """How much of the reference's largest value, on either side, the range can say: the worse of both."""
    top, bottom = float(wanted.max()), float(wanted.min())
    most = max(abs(top), abs(bottom)) or 1.0
    shares = [end / value for end, value in ((high, top), (low, bottom)) if abs(value) > 0.1 * most]
    return min(shares) if shares else 1.0
