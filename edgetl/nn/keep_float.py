"""`keep_float: auto`: the fewest layers in float with which an int8 network loses no more than is allowed.

1. The whole network in int8, calibrated and corrected as always, answers the validation images. If it loses no more than is
   allowed against the float network, nothing stays in float.
2. Every rounding is measured alone (`sensitivity`). In the order of what they cost, the units that undo them are kept in float: 1
   rounding, 2, 4, … until the loss is allowed, then by halving the least number that is enough.
3. Each of these units is made int8 again, the last found first, when the loss is allowed without it.

Each trial is the network as it would be shipped: ranges, biases and all. No unit of what is left can be spared. The loss is the
point estimate: a few hundred validation images decide no half per cent, and by its interval everything would stay in float; the
interval is told. Test images are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import tf_keras

from edgetl import multilabel, stats
from edgetl.errors import StageError
from edgetl.nn import fake_quant, inference
from edgetl.nn.ranges import Method, activation_ranges
from edgetl.nn.sensitivity import Cost, costs
from edgetl.types import Preprocess

DEFAULT_DROP = 0.005
"""Largest loss of top-1 where the recipe says none."""
MOST_SHARE = 0.5
"""Of the units with weights that may stay in float; beyond it the scheme is not for this network."""
SENSITIVITY_IMAGES = 64
"""Calibration images that roundings are measured on."""
_MOST_DROPS = 16
"""Trials to make a unit int8 again."""
_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a network loses on the validation split against the float network."""

    n: int
    float_top1: float
    top1: float
    drop: float
    interval: tuple[float, float]
    """95 % interval of the drop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What stays in float, and why."""

    units: tuple[str, ...]
    """Names of the units, in the network's order."""
    met: bool
    """The loss is allowed."""
    allowed: float
    before: Loss
    """With nothing in float."""
    after: Loss
    sensitivity: tuple[Cost, ...]
    """The dearest first; empty when nothing had to be looked for."""
    trials: int
    """Networks that answered the validation images."""


@dataclass(slots=True, kw_only=True)
class Trials:
    """Makes networks with some units in float and judges them; each set once."""

    quantized: tf_keras.Model
    """What `fake_quant.quantize_model` made; left as the last trial was."""
    model: tf_keras.Model
    batches: Sequence[np.ndarray]
    """Calibration images: float32 (N, px, px, 3), normalised."""
    validation: inference.Images
    preprocess: Preprocess
    label_sets: np.ndarray | None
    method: Method
    bias_correction: bool
    progress: Callable[[str, int, int], None] = lambda what, done, of: None
    start: list[np.ndarray] = field(init=False)
    seen: dict[str, tuple[float, float]] = field(init=False)
    wanted: np.ndarray = field(init=False)
    """bool (N,), which validation images the float network answers rightly."""
    done: dict[frozenset[str], Loss] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let the float network answer.

        Raises:
            StageError: there is no validation image.
        """
        if not len(self.validation.labels):
            raise StageError("quantize", "", "keep_float: auto needs validation images; give data.split.val a share.")
        self.start = self.quantized.get_weights()
        self.seen = activation_ranges(self.model, self.batches, self.method)
        self.wanted = self._right(self.model)

    def _right(self, network: tf_keras.Model) -> np.ndarray:
        answers = inference.predict(network, self.validation.pixels, self.preprocess)
        return multilabel.right(answers, self.validation.labels, self.label_sets)

    def make(self, units: frozenset[str], *, bias_correction: bool | None = None) -> dict[str, tuple[float, float]]:
        """Bring the network into the state in which these units are in float; returns its ranges."""
        self.quantized.set_weights(self.start)
        fake_quant.keep(self.quantized, self.model, sorted(units))
        correct = self.bias_correction if bias_correction is None else bias_correction
        return fake_quant.calibrate(
            self.quantized, self.model, self.batches, self.method, bias_correction=correct, keep_float=units, seen=self.seen
        )

    def loss(self, units: frozenset[str]) -> Loss:
        """What is lost with these units in float."""
        if units not in self.done:
            self.progress(f"trial {len(self.done) + 1}, {len(units)} layers in float", len(self.done), 0)
            self.make(units)
            right, n = self._right(self.quantized), len(self.wanted)
            lost, won = int((self.wanted & ~right).sum()), int((right & ~self.wanted).sum())
            self.done[units] = Loss(
                n=n,
                float_top1=float(self.wanted.mean()),
                top1=float(right.mean()),
                drop=(lost - won) / n,
                interval=stats.paired_difference_interval(lost, won, n),
            )
        return self.done[units]


def choose(trials: Trials, allowed: float) -> Choice:
    """Find the units that stay in float.

    Args:
        trials: of the network.
        allowed: largest loss of top-1 on the validation split.

    Returns:
        The choice. Where nothing that may stay in float is enough, the trial that lost least, and `met` is False.
    """
    nothing: frozenset[str] = frozenset()
    before = trials.loss(nothing)
    if before.drop <= allowed:
        return _choice(trials, nothing, allowed, ())
    every = fake_quant.float_units(trials.quantized, trials.model)
    trials.make(nothing, bias_correction=False)
    images = np.concatenate(trials.batches)[:SENSITIVITY_IMAGES]
    batches = [images[i : i + _BATCH] for i in range(0, len(images), _BATCH)]
    found = costs(trials.quantized, trials.model, every, batches, lambda done, of: trials.progress("sensitivity", done, of))
    most = max(1, int(MOST_SHARE * sum(unit.weighted for unit in every)))
    sets = _growing([cost.units for cost in found if cost.units], most)
    enough = _least(sets, lambda units: trials.loss(units).drop <= allowed)
    if enough is None:
        best = min(trials.done, key=lambda units: (trials.done[units].drop, len(units)))
        return _choice(trials, best, allowed, found)
    order = [name for units in sets for name in units]
    for name in sorted(enough, key=order.index, reverse=True)[:_MOST_DROPS]:
        if trials.loss(enough - {name}).drop <= allowed:
            enough -= {name}
    return _choice(trials, enough, allowed, found)


def _growing(remedies: Sequence[tuple[str, ...]], most: int) -> list[frozenset[str]]:
    """The sets that come of taking remedies one after the other, as long as they have at most so many units."""
    sets: list[frozenset[str]] = []
    for remedy in remedies:
        last = sets[-1] if sets else frozenset()
        grown = last.union(remedy)
        if len(grown) <= max(most, len(remedy)) and grown != last:
            sets.append(grown)
    return sets


def _least(sets: Sequence[frozenset[str]], enough: Callable[[frozenset[str]], bool]) -> frozenset[str] | None:
    """The smallest of growing sets that is enough: look at 1, 2, 4 … of them, then between the last two by halving."""
    low, high = -1, 0
    while high < len(sets) and not enough(sets[high]):
        low, high = high, 2 * high + 1
    if high >= len(sets):
        if not sets or low == len(sets) - 1 or not enough(sets[-1]):
            return None
        high = len(sets) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(sets[middle]) else (middle, high)
    return sets[high]


def _choice(trials: Trials, units: frozenset[str], allowed: float, found: tuple[Cost, ...]) -> Choice:
    after = trials.loss(units)
    order = [unit.name for unit in fake_quant.float_units(trials.quantized, trials.model)]
    return Choice(
        units=tuple(name for name in order if name in units),
        met=after.drop <= allowed,
        allowed=allowed,
        before=trials.loss(frozenset()),
        after=after,
        sensitivity=found,
        trials=len(trials.done),
    )
