"""A recipe: what one run does, section by section, with the rules that each section must keep. Read by `edgetl.recipefile`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from edgetl import registry
from edgetl.recipe._names import DeviceName, Faults, Name
from edgetl.recipe.data import Data, Labels, Source, SplitSpec
from edgetl.recipe.network import Backbone, Dense, Dropout, Head, HeadLayer, Network, WeightsFile
from edgetl.recipe.output import Benchmark, Gates, Quantize, Ship, Target
from edgetl.recipe.training import Augment, Distill, Distribute, Last, Match, Phase, RandAugment, Unfreeze, Until, freeze_faults
from edgetl.schema import Bound, MinItems
from edgetl.types import Preprocess

__all__ = [
    "Augment", "Backbone", "Benchmark", "Data", "Dense", "Distill", "Distribute", "Dropout", "Faults", "Gates", "Head",
    "HeadLayer", "Labels", "Last", "Match", "Network", "Phase", "Quantize", "RandAugment", "Recipe", "Ship", "Source",
    "SplitSpec", "Target", "Unfreeze", "Until", "WeightsFile",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything one run does."""

    schema: Literal[1]
    name: Name
    description: str = ""
    data: Data
    labels: Labels = Labels()
    test: Source | None = None
    """Photos of the same classes from another place; they take the place of the test split."""
    unlabelled: Source | None = None
    """Photos without labels (those they have are not looked at), for phases whose method learns from such."""
    backbone: Backbone
    head: Head = Head()
    augment: Augment = Augment()
    train: Annotated[tuple[Phase, ...], MinItems(1)]
    distill: Distill | None = None
    distribute: Distribute = Distribute()
    quantize: Quantize | None = None
    targets: Annotated[tuple[Target, ...], MinItems(1)]
    devices: tuple[DeviceName, ...] = ()
    """Names of profiles, or paths of `.yaml` profiles of your own, relative to the recipe's folder."""
    gates: Gates = Gates()
    benchmark: Benchmark = Benchmark()
    ship: Ship = Ship()
    seed: Annotated[int, Bound(ge=0, le=2**31 - 1)] = 0

    @property
    def preprocess(self) -> Preprocess:
        """What happens to a photo before it reaches the network; one definition for every stage.

        The shorter side is resized to 8/7 of the input and the centre kept (256 → 224, the usual evaluation crop of ImageNet
        models), except for built-in sets, whose images are already the object alone.
        """
        px = self.backbone.input_px
        return Preprocess(resize_px=px if self.data.source == "builtin" else -(-px * 8 // 7), crop_px=px)

    def faults(self) -> Faults:
        """Rules across sections."""
        found: list[tuple[str, str]] = []
        for index, target in enumerate(self.targets):
            if target.name in [other.name for other in self.targets[:index]]:
                found.append((f"targets[{index}]", f"{target.name} is given twice."))
            needs = registry.load("schemes", target.scheme).NEEDS
            if needs == "training" and (self.quantize is None or self.quantize.scheme != target.scheme):
                what = f"a 'quantize' section with scheme: {target.scheme}"
                found.append((f"targets[{index}].scheme", f"{target.scheme} is trained: it needs {what}."))
        found += self._phase_faults("train", self.train, self.backbone)
        found += self._multilabel_faults()
        if not getattr(registry.load("backbones", self.backbone.name), "TRAINABLE", True):
            found += self._extractor_faults()
        if self.distill is not None and self.distill.backbone is not None:
            found += self._phase_faults("distill.train", self.distill.train or (), self.distill.backbone)
            if self.distill.backbone.input_px != self.backbone.input_px:
                what = f"must be {self.backbone.input_px}, as the backbone's: both look at the same prepared photos."
                found.append(("distill.backbone.input_px", what))
        if (self.distill is not None) != any(phase.distill for phase in self.train):
            what = "no phase has distill: true." if self.distill else "a phase has distill: true, and there is no such section."
            found.append(("distill", what))
        for index, name in enumerate(self.devices):
            if name in self.devices[:index]:
                found.append((f"devices[{index}]", f"{name!r} is given twice."))
        return tuple(found)

    def _multilabel_faults(self) -> list[tuple[str, str]]:
        """What is made for one label an image is refused where there may be several."""
        if self.test is not None and self.test.separator != self.data.separator:
            return [("test.separator", "must be the same as data.separator.")]
        if self.data.separator is None:
            return []
        what = "does not go with several labels an image (data.separator)."
        found = [("labels.per_class", what)] if self.labels.per_class is not None else []
        found += [("distill", what)] if self.distill is not None else []
        for index, phase in enumerate(self.train):
            if registry.load("methods", phase.method).NEEDS == "unlabelled":
                found.append((f"train[{index}].method", f"{phase.method} {what}"))
            if phase.class_weights != "none":
                found.append((f"train[{index}].class_weights", what))
        return found

    def _extractor_faults(self) -> list[tuple[str, str]]:
        """A backbone that cannot learn has frozen phases only, and no integers inside."""
        name = self.backbone.name
        learning = [index for index, phase in enumerate(self.train) if phase.freeze != "all" or phase.method != "supervised"]
        found = [(f"train[{index}].freeze", f"{name} cannot learn: only freeze: all.") for index in learning]
        for index, target in enumerate(self.targets):
            if registry.load("schemes", target.scheme).NEEDS != "nothing":
                what = f"{name} is one frozen layer, which cannot be quantized inside: use a scheme that needs no images."
                found.append((f"targets[{index}].scheme", what))
        return found

    def _phase_faults(self, key: str, phases: tuple[Phase, ...], backbone: Backbone) -> list[tuple[str, str]]:
        found = []
        layers = registry.load("backbones", backbone.name).layer_names(backbone)
        for index, phase in enumerate(phases):
            if phase.phase in [p.phase for p in phases[:index]]:
                found.append((f"{key}[{index}].phase", f"{phase.phase!r} is given twice."))
            found += [(f"{key}[{index}].{name}", what) for name, what in freeze_faults(phase, backbone, layers)]
            if (
                registry.load("methods", phase.method).NEEDS == "unlabelled"
                and self.unlabelled is None
                and self.labels == Labels()
            ):
                what = f"{phase.method} learns from photos without labels: add a section 'unlabelled', or 'labels'."
                found.append((f"{key}[{index}].method", what))
        return found
