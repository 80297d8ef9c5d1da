"""Are the weights of a file those of its reference? Each layer's are compared, normalisation folded in on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from edgetl.layers.steps import Layer, Walk

_HALF_STEP, _STEPS = 0.75, 1.5
"""Rounding moves a weight by half a step; above 1.5 it is another weight. In between: scales kept in half precision."""
_TIMES, _LOWER_DB = 6.0, 10.0
"""Where all layers differ (the network was trained further), one is odd when it differs 6 times as much as half of them do, and
its weights' SQNR is 10 dB lower."""
_FLOAT_STEP = 2.0**-9
"""Step of weights kept as floats, of the channel's largest: half precision has eleven bits."""
_PALETTE = 256
"""A kernel of so few values, each used more than four times, has a palette."""
_FACTOR, _FLOAT_FACTOR, _SHAPE, _CHANNELS = 0.05, 0.005, 0.98, 0.25
"""A fold is wrong when a quarter of the channels have a factor beyond 1 ± 0.05 (of floats 0.005) with their shape kept
(cosine 0.98)."""
_OFFSET = 0.5
"""Or an offset of half of the layer's standard deviation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Weights of one layer against the reference's. Empty words: no fault."""

    steps: float
    """Largest difference, in steps of the channel's weights."""
    weights_db: float
    """SQNR of all of them."""
    folded: str = ""
    """Evidence of another factor or offset for each channel."""
    differ: str = ""
    """Evidence of other weights."""
    order: str = ""
    """Evidence of the reference's channels in another order."""


def weigh(found: Walk, reference: Walk, pairs: tuple[int | None, ...]) -> dict[int, Weighed]:
    """Compare all weights.

    Args:
        found: the file.
        reference: what it was made from.
        pairs: of `tying.tie`.

    Returns:
        Place of a layer in the file → its comparison; layers without weights, or with some that are not finite, are left out.
    """
    import numpy as np

    both = {}
    for place, layer in enumerate(found.layers):
        pair = pairs[place]
        if pair is not None and layer.kernel is not None and layer.kind != "mul" and reference.layers[pair].kernel is not None:
            other = reference.layers[pair]
            assert other.kernel is not None
            if layer.kernel.shape == other.kernel.shape and finite(layer):
                both[place] = (layer, other, _steps(layer, other), _db(layer.kernel, other.kernel), reference.values[pair])
    if not both:
        return {}
    usual = float(np.median([steps.max() for _, _, steps, _, _ in both.values()]))
    usual_db = float(np.median([db for _, _, _, db, _ in both.values()]))
    found_offsets = {place: _offsets(layer, other, values) for place, (layer, other, _, _, values) in both.items()}
    usual_offset = float(np.median([np.quantile(o, 1 - _CHANNELS) for o in found_offsets.values()]))
    answer = {}
    for place, (layer, other, steps, db, _) in both.items():
        largest = float(steps.max())
        odd = largest > max(_STEPS, _TIMES * usual) and (usual <= _HALF_STEP or db < usual_db - _LOWER_DB)
        order = _order(layer, other, max(_STEPS, _TIMES * usual)) if odd else ""
        folded = _factors(layer, other) if odd and not order else ""
        offsets = found_offsets[place]
        if not folded and not order and float(np.quantile(offsets, 1 - _CHANNELS)) > max(_OFFSET, _TIMES * usual_offset):
            folded = (
                f"the bias is another in {float((offsets > _OFFSET).mean()):.0%} of the channels, by up to {offsets.max():.2g} "
                "standard deviations of what the layer gives."
            )
        differ = ""
        if odd and not folded and not order:
            channels = np.nonzero(steps.reshape(len(steps), -1).max(1) > _STEPS)[0]
            count = int((steps > _STEPS).sum())
            assert layer.kernel is not None and other.kernel is not None
            most = f"{largest:.3g} steps, rounding makes 0.5."
            if layer.kernel_step is None:
                most = (
                    f"{float(np.abs(layer.kernel - other.kernel).max() / np.abs(other.kernel).max()):.1%} of the largest weight."
                )
            differ = (
                f"{count} of {steps.size} weights are not the reference's, in {len(channels)} of {len(steps)} output channels "
                f"(first: {channels[0]}); the largest difference is {most}"
            )
        answer[place] = Weighed(steps=largest, weights_db=db, folded=folded, differ=differ, order=order)
    return answer


def finite(layer: Layer) -> bool:
    """Whether no weight and no bias is infinite or not a number."""
    import numpy as np

    return all(bool(np.isfinite(held).all()) for held in (layer.kernel, layer.bias) if held is not None)


def _steps(layer: Layer, other: Layer) -> np.ndarray:
    """Differences of weights in steps of their channel; the kernel's shape."""
    import numpy as np

    assert layer.kernel is not None and other.kernel is not None
    values = _palette(layer)
    if values is not None:
        return _from_palette(layer.kernel, other.kernel, values)
    largest = np.abs(other.kernel).reshape(len(other.kernel), -1).max(1)
    step = largest * _FLOAT_STEP if layer.kernel_step is None else layer.kernel_step
    step = np.maximum(step, 1e-12 + 1e-6 * float(largest.max()))
    return np.asarray(np.abs(layer.kernel - other.kernel) / step.reshape(-1, 1, 1, 1))


def coarse(layer: Layer) -> bool:
    """Whether a layer's weights or what it gives are rounded to integers, or its weights to a palette."""
    return layer.grid is not None or layer.kernel_step is not None or _palette(layer) is not None


def _palette(layer: Layer) -> np.ndarray | None:
    """The few values that a kernel of floats is made of, ascending; None where it has no palette."""
    import numpy as np

    if layer.kernel is None or layer.kernel_step is not None:
        return None
    values = np.unique(layer.kernel)
    return values if len(values) <= _PALETTE and layer.kernel.size > 4 * len(values) > 4 else None


def _from_palette(kernel: np.ndarray, other: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How much further off than the palette's nearest value each weight is, in steps of the palette."""
    import numpy as np

    place = np.clip(np.searchsorted(values, other), 1, len(values) - 1)
    nearest = np.minimum(np.abs(other - values[place - 1]), np.abs(other - values[place]))
    return np.asarray((np.abs(kernel - other) - nearest) / (float(values[-1] - values[0]) / len(values)))


def _db(kernel: np.ndarray, other: np.ndarray) -> float:
    from edgetl.layers.measuring import ratio_db

    return ratio_db(other, kernel)


def _factors(layer: Layer, other: Layer) -> str:
    """Evidence that channels are the reference's times a factor each; "" where there is none."""
    import numpy as np

    assert layer.kernel is not None and other.kernel is not None
    ours, theirs = (k.reshape(len(k), -1).astype(np.float64) for k in (layer.kernel, other.kernel))
    norms = np.linalg.norm(ours, axis=1), np.linalg.norm(theirs, axis=1)
    alive = (norms[0] > 0) & (norms[1] > 0)
    if ours.shape[1] < 2 or not alive.any():
        return ""
    dots = (ours * theirs).sum(1)[alive]
    cosine, factor = dots / (norms[0] * norms[1])[alive], dots / norms[1][alive] ** 2
    least = _FLOAT_FACTOR if layer.kernel_step is None and cosine.min() > 1 - 1e-6 else _FACTOR
    off = (np.abs(factor - 1) > least) & (cosine > _SHAPE)
    if off.mean() < _CHANNELS or float((cosine > _SHAPE).mean()) < 1 - _CHANNELS:
        return ""
    return (
        f"the kernels of {off.mean():.0%} of the channels are the reference's times a factor of their own, "
        f"{factor[off].min():.4g} to {factor[off].max():.4g}."
    )


def _order(layer: Layer, other: Layer, most_steps: float) -> str:
    """Evidence that the channels are the reference's in another order; "" where they are not."""
    from dataclasses import replace

    import numpy as np

    assert layer.kernel is not None and other.kernel is not None
    ours, theirs = (k.reshape(len(k), -1).astype(np.float64) for k in (layer.kernel, other.kernel))
    nearest = ((theirs**2).sum(1) - 2 * ours @ theirs.T).argmin(1)
    count = len(nearest)
    if len(set(nearest.tolist())) < count or _steps(layer, replace(other, kernel=other.kernel[nearest])).max() > most_steps:
        return ""
    moved = np.nonzero(nearest != np.arange(count))[0]
    shift = int((np.arange(count) - nearest)[0] % count)
    if shift and ((np.arange(count) - nearest) % count == shift).all():
        by = min((shift, count - shift, "later"), (count - shift, shift, "earlier"))
        return f"its {count} channels are the reference's, {by[0]} place{'s' if by[0] > 1 else ''} {by[2]} (the last come round)."
    shown = ", ".join(f"{place} is {nearest[place]}" for place in moved[:6]) + (" …" if len(moved) > 6 else "")
    return f"{len(moved)} of its {count} channels are the reference's in another order: {shown}."


def _offsets(layer: Layer, other: Layer, values: np.ndarray) -> np.ndarray:
    """Difference of each channel's bias, in standard deviations of what the reference's layer gives."""
    import numpy as np

    none = np.zeros(len(layer.kernel) if layer.kernel is not None else 1, np.float32)
    ours, theirs = (none if b is None else np.broadcast_to(b, none.shape) for b in (layer.bias, other.bias))
    return np.abs(ours - theirs) / (float(values.std()) or 1.0)
