"""Sections of a recipe about training: its phases, random changes to images, and a teacher."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from edgetl import registry
from edgetl.errors import did_you_mean
from edgetl.recipe._names import BatchSize, Epochs, Faults, MethodName, Name, Rate, Ratio
from edgetl.recipe.network import Backbone, Head
from edgetl.schema import Bound, MinItems

Below1 = Annotated[float, Bound(ge=0.0, lt=1.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandAugment:
    """Some operations drawn for each image out of a fixed list (Cubuk et al., RandAugment, 2020, arXiv:1909.13719)."""

    operations: Annotated[int, Bound(ge=1, le=4)] = 2
    """How many are applied to an image, one after the other."""
    magnitude: Annotated[int, Bound(ge=1, le=30)] = 9
    """How strongly; 30 is the strongest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """Random changes to training images, drawn anew each epoch from the recipe's seed."""

    flip: bool = False
    """Mirror left to right, half of the time."""
    zoom: Below1 = 0.0
    """Cut away up to this share of the side, at a random place, and scale back."""
    brightness: Below1 = 0.0
    """Multiply all pixels by 1 ± up to this."""
    contrast: Below1 = 0.0
    """Stretch around the image's mean by 1 ± up to this."""
    randaugment: RandAugment | None = None

    @property
    def active(self) -> bool:
        """Whether anything changes."""
        return self != Augment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Freeze all that comes before a layer."""

    until: str
    """Name of the first backbone layer that learns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Freeze backbone layers by name."""

    match: str
    """Regular expression that must be found in a layer's name."""

    def faults(self) -> Faults:
        """It compiles."""
        try:
            re.compile(self.match)
        except re.error as error:
            return (("match", f"is not a regular expression: {error}."),)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """Freeze all but the end of the backbone."""

    last: Annotated[int, Bound(ge=1)]
    """So many of the backbone's convolutions, counted from the head, learn, and all that comes after the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreeze:
    """Gradual unfreezing (Howard and Ruder, 2018, arXiv:1801.06146): more of the backbone learns as the phase goes on."""

    layers: Annotated[int, Bound(ge=1)]
    """So many more convolutions, towards the image, …"""
    every: Epochs = 1
    """… each time so many epochs have passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of training; phases run in order, each from the best weights of the one before."""

    phase: Name
    method: MethodName = "supervised"
    freeze: Literal["all", "none"] | Until | Match | Last = "none"
    """What of the backbone does not learn."""
    unfreeze: Unfreeze | None = None
    epochs: Epochs
    learning_rate: Rate = 1e-3
    batch_size: BatchSize = 32
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    momentum: Below1 | None = None
    """Of sgd (0.9 when absent) and rmsprop (0)."""
    weight_decay: Ratio | None = None
    """Of adamw (0.01 when absent): decoupled from the gradient."""
    schedule: Literal["cosine", "constant", "step", "plateau"] = "cosine"
    """Learning rate over the phase: falling to zero on a cosine; as given; multiplied by `schedule_factor` every
    `schedule_epochs`; or whenever validation loss has not improved for `schedule_epochs`."""
    schedule_epochs: Epochs | None = None
    schedule_factor: Annotated[float, Bound(gt=0.0, lt=1.0)] | None = None
    """Absent = 0.1 (step), 0.5 (plateau)."""
    warmup_epochs: Annotated[int, Bound(ge=0, le=1000)] = 0
    """Rise linearly from zero over the first so many epochs."""
    layer_decay: Rate = 1.0
    """Learning rate of each convolution, counted from the head, is that of the one after it times this."""
    clip_norm: Annotated[float, Bound(gt=0.0)] | None = None
    """Scale gradients down to at most this norm, taken over all of them."""
    label_smoothing: Below1 = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: images of a rare class count more, so that every class counts the same in all."""
    mixup: Annotated[float, Bound(ge=0.0, le=10.0)] = 0.0
    """Mix pairs of images and labels, by a Beta(a, a) share (Zhang et al., 2018, arXiv:1710.09412)."""
    cutmix: Annotated[float, Bound(ge=0.0, le=10.0)] = 0.0
    """Paste a rectangle of another image, by a Beta(a, a) share (Yun et al., 2019, arXiv:1905.04899). With mixup, a coin
    decides."""
    ema: Below1 = 0.0
    """Judge and keep a running mean of the weights, which follows them by 1 - this share a step; 0 = the weights themselves."""
    batch_norm: Literal["inference", "update"] = "inference"
    """`inference`: batch normalisation keeps its statistics, also where layers learn. `update`: it follows the batches there."""
    patience: Epochs | None = None
    """Stop the phase when validation has not improved for so many epochs; absent = never."""
    features: Literal["cached", "recomputed"] = "cached"
    """`freeze: all`: compute what the frozen backbone gives once and keep it, or anew in each epoch."""
    views: Annotated[int, Bound(ge=1, le=1000)] = 4
    """`freeze: all` with `augment`: number of differently changed copies of each image whose features are kept."""
    distill: bool = False
    """Learn from the recipe's teacher too."""
    confidence: Annotated[float, Bound(gt=0.0, lt=1.0)] = 0.9
    """`pseudo_labels`: probability from which on the network's own answer counts as a label."""

    def faults(self) -> Faults:
        """Each key is one that the method reads, and goes with the others."""
        reads = registry.load("methods", self.method).READS
        found = [
            (field.name, f"{self.method} does not read it.")
            for field in fields(self)
            if field.name not in ("phase", "method", "epochs", *reads) and getattr(self, field.name) != field.default
        ]
        scheduled = self.schedule in ("step", "plateau")
        if self.schedule_epochs is None and scheduled:
            found.append(("", f"key 'schedule_epochs' is missing: schedule {self.schedule} needs it."))
        for name, goes in (
            ("schedule_epochs", scheduled),
            ("schedule_factor", scheduled),
            ("momentum", self.optimizer in ("sgd", "rmsprop")),
            ("weight_decay", self.optimizer == "adamw"),
        ):
            if getattr(self, name) is not None and not goes:
                found.append(
                    (name, f"does not go with {'schedule' if 'schedule' in name else 'optimizer'} {self._choice(name)}.")
                )
        if self.warmup_epochs >= self.epochs and self.warmup_epochs:
            found.append(("warmup_epochs", f"must be fewer than the phase's {self.epochs} epochs."))
        if self.cached:
            for name in ("mixup", "cutmix", "distill"):
                if getattr(self, name):
                    found.append((name, "changes the images of every step: set features: recomputed, or unfreeze something."))
        if self.unfreeze is not None and (self.freeze == "none" or isinstance(self.freeze, Match)):
            found.append(("unfreeze", "needs freeze: all, {until: …} or {last: …} to start from."))
        return tuple(found)

    def _choice(self, name: str) -> str:
        return self.schedule if "schedule" in name else self.optimizer

    @property
    def cached(self) -> bool:
        """Whether the head learns from kept features of a frozen backbone."""
        return self.freeze == "all" and self.features == "cached" and self.unfreeze is None and self.method == "supervised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distill:
    """A larger network that phases with `distill: true` learn from (Hinton et al., 2015, arXiv:1503.02531)."""

    checkpoint: str | None = None
    """Folder of a trained checkpoint with the same classes (`runs/<recipe>/checkpoint`)."""
    backbone: Backbone | None = None
    """Or a backbone that is first trained on the same images …"""
    head: Head = Head()
    """… with this head …"""
    train: Annotated[tuple[Phase, ...], MinItems(1)] | None = None
    """… by these phases."""
    temperature: Annotated[float, Bound(ge=1.0, le=100.0)] = 4.0
    """Softens both networks' answers."""
    weight: Ratio = 0.7
    """Share of the teacher in the loss; the labels have the rest."""

    def faults(self) -> Faults:
        """Exactly one teacher."""
        if (self.checkpoint is None) == (self.backbone is None):
            return (("", "give either 'checkpoint' or 'backbone'."),)
        if (self.backbone is None) != (self.train is None):
            return (("train", "goes with 'backbone': how the teacher is trained."),)
        if self.train and any(phase.distill for phase in self.train):
            return (("train", "a teacher has no teacher: leave distill out of its phases."),)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribute:
    """What several devices change (all visible GPUs, or the workers of `TF_CONFIG`); on one device nothing."""

    batch_size: Literal["whole", "per_device"] = "whole"
    """A phase's `batch_size` is divided among the devices, or is each one's."""
    learning_rate: Literal["same", "linear"] = "same"
    """As the phase says, or times the number of devices (Goyal et al., 2017, arXiv:1706.02677)."""


def freeze_faults(phase: Phase, backbone: Backbone, layers: tuple[str, ...]) -> Faults:
    """Check the layers that a phase names against the backbone.

    Args:
        phase: the phase.
        backbone: the recipe's backbone.
        layers: its convolutions in order; empty when they are known only once it is built.

    Returns:
        (key, what is wrong) for each fault.
    """
    freeze = phase.freeze
    if not layers or isinstance(freeze, str):
        return ()
    if isinstance(freeze, Until) and freeze.until not in layers:
        near = did_you_mean(freeze.until, layers).partition(" Known")[0]
        return (("freeze.until", f"{backbone.name} has no layer {freeze.until!r}. {near}"),)
    if isinstance(freeze, Last) and freeze.last > len(layers):
        return (("freeze.last", f"{backbone.name} has {len(layers)} convolutions; use freeze: none to train all."),)
    return ()
