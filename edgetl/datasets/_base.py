"""What a source of images must define."""

from __future__ import annotations

from typing import Protocol

from edgetl.types import Dataset


class Spec(Protocol):
    """The part of a recipe's `data` that a source reads."""

    @property
    def path(self) -> str | None:
        """Folder."""

    @property
    def name(self) -> str | None:
        """Name of a set."""

    @property
    def image_key(self) -> str | None:
        """Column or feature that holds the encoded image."""

    @property
    def label_key(self) -> str | None:
        """Column or feature that holds the class."""

    @property
    def separator(self) -> str | None:
        """What stands between several labels of an image; None = one label an image."""


class DatasetModule(Protocol):
    """The names a module in this folder defines. Constants are read-only.

    A source that can list images which are not sorted by class also defines `load_unlabelled(spec) -> Dataset` and
    `fingerprint_unlabelled(spec)`; the others are asked for `load` and `fingerprint`, and the classes are forgotten.
    """

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def REQUIRED(self) -> tuple[str, ...]:
        """Keys of `data` that it needs, of `path`, `name`, `image_key`, `label_key`, `separator`."""

    @property
    def OPTIONAL(self) -> tuple[str, ...]:
        """Keys that it reads when they are there; others are refused."""

    def unavailable(self) -> str | None:
        """None, or why this source cannot be used here. Never raises."""

    def fingerprint(self, spec: Spec) -> dict[str, str]:
        """What identifies the images, cheaply: nothing is decoded and no heavy package is imported."""

    def load(self, spec: Spec) -> Dataset:
        """List the images; raises DataError with all faults at once."""
