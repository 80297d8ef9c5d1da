"""What a way of transfer must define."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from edgetl.nn.task import Task
    from edgetl.nn.training import Stretch
    from edgetl.recipe import Phase

Kind = Literal["inductive", "transductive", "unsupervised"]
Needs = Literal["labels", "unlabelled", "images"]


class MethodModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def PAPER(self) -> str:
        """Where it comes from."""

    @property
    def KIND(self) -> Kind:
        """What is known: labels of the target; labels of a source only; no labels (Pan and Yang, 2010, section 2.3)."""

    @property
    def NEEDS(self) -> Needs:
        """What a phase of it learns from: labelled images, unlabelled ones too, or any images, their labels unseen."""

    @property
    def READS(self) -> tuple[str, ...]:
        """Keys of a phase that it heeds, besides `phase`, `method` and `epochs`; others are refused."""

    def stretch(self, task: Task, phase: Phase) -> Stretch:
        """Make what the training loop runs of a phase. Nothing is computed yet."""
