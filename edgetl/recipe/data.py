"""Sections of a recipe about the photos: where they come from, how they are dealt, how many of their labels are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from edgetl import registry
from edgetl.recipe._names import Faults, Ratio, SourceName
from edgetl.schema import Bound, Pattern

Finding = Literal["duplicates_across_splits", "near_duplicates_across_splits", "conflicting_labels"]
"""What the audit calls an error, and `data.allow` can permit by name."""
_SOURCE_KEYS = ("path", "name", "image_key", "label_key", "separator")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """How images are dealt to training, validation and test, when the source does not say it itself."""

    train: Ratio = 0.6
    val: Ratio = 0.2
    test: Ratio = 0.2
    seed: Annotated[int, Bound(ge=0)] = 0

    def faults(self) -> Faults:
        """The fractions make one whole and each split gets something."""
        total = self.train + self.val + self.test
        if abs(total - 1.0) > 1e-6:
            return (("", f"train + val + test make {total:g}; they must make 1."),)
        return tuple((n, "must be above 0.") for n in ("train", "val", "test") if getattr(self, n) == 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place that images come from."""

    source: SourceName
    path: str | None = None
    """File or folder, relative to the recipe's own folder."""
    name: str | None = None
    """Name of a set."""
    image_key: str | None = None
    """Column or feature that holds the encoded image, where the source has such."""
    label_key: str | None = None
    """Column or feature that holds the class."""
    separator: Annotated[str, Pattern(r"[;|,+ /]", "one of ; | , + / or a space")] | None = None
    """What stands between the labels of an image that may have several, or none; absent = each image has one."""

    def faults(self) -> Faults:
        """Each source has what it needs and nothing else."""
        module = registry.load("datasets", self.source)
        found: list[tuple[str, str]] = []
        for key in _SOURCE_KEYS:
            given = getattr(self, key) is not None
            if key in module.REQUIRED and not given:
                found.append(("", f"key '{key}' is missing: source {self.source} needs it."))
            elif given and key not in (*module.REQUIRED, *module.OPTIONAL):
                found.append((key, f"does not go with source {self.source}."))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data(Source):
    """Where the labelled images come from."""

    split: SplitSpec = SplitSpec()
    on_bad_image: Literal["error", "skip"] = "error"
    allow: tuple[Finding, ...] = ()
    """Findings of the audit that would be errors, permitted by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Learn from a part of the training labels only, the same part each time; validation and test keep theirs."""

    share: Annotated[float, Bound(gt=0.0, le=1.0)] = 1.0
    """Share of each class's training images whose label is used; smaller shares are parts of larger ones."""
    per_class: Annotated[int, Bound(ge=1)] | None = None
    """Number of labels a class instead of a share."""

    def faults(self) -> Faults:
        """One way to say it."""
        if self.per_class is not None and self.share != 1.0:
            return (("share", "give either 'share' or 'per_class'."),)
        return ()
