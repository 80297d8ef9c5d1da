"""Transductive transfer: batch normalisation takes the statistics of unlabelled photos of the target; nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.nn.task import Task
    from edgetl.nn.training import Stretch
    from edgetl.recipe import Phase

TITLE = "Unlabelled photos of the target: batch normalisation takes their statistics."
PAPER = "Li et al., Revisiting Batch Normalization For Practical Domain Adaptation, 2016, arXiv:1603.04779"
KIND = "transductive"
NEEDS = "unlabelled"
READS = ("batch_size",)


def stretch(task: Task, phase: Phase) -> Stretch:
    """See `MethodModule.stretch`."""
    from edgetl.nn import adaptation

    return adaptation.statistics(task, phase)
