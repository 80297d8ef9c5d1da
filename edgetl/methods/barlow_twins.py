"""Unsupervised transfer: a backbone learns from photos without labels; its checkpoint is then any recipe's `weights`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.nn.task import Task
    from edgetl.nn.training import Stretch
    from edgetl.recipe import Phase

TITLE = "Photos without labels: two changed copies of one are to look alike; makes a backbone's weights."
PAPER = "Zbontar et al., Barlow Twins, ICML 2021, arXiv:2103.03230"
KIND = "unsupervised"
NEEDS = "images"
READS = (
    "freeze",
    "learning_rate",
    "batch_size",
    "optimizer",
    "momentum",
    "weight_decay",
    "schedule",
    "schedule_epochs",
    "schedule_factor",
    "warmup_epochs",
    "clip_norm",
    "ema",
    "batch_norm",
)


def stretch(task: Task, phase: Phase) -> Stretch:
    """See `MethodModule.stretch`."""
    from edgetl.nn import barlow_twins

    return barlow_twins.stretch(task, phase)
