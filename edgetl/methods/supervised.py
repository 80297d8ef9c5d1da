"""Inductive transfer: labelled photos of the target; feature extraction, fine-tuning, or both, as the phase's `freeze` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.nn.task import Task
    from edgetl.nn.training import Stretch
    from edgetl.recipe import Phase

TITLE = "Labelled photos: feature extraction (`freeze: all`), fine-tuning, or the two in sequence."
PAPER = "Yosinski et al., How transferable are features in deep neural networks?, NeurIPS 2014, arXiv:1411.1792"
KIND = "inductive"
NEEDS = "labels"
READS = (
    "freeze", "unfreeze", "learning_rate", "batch_size", "optimizer", "momentum", "weight_decay", "schedule", "schedule_epochs",
    "schedule_factor", "warmup_epochs", "layer_decay", "clip_norm", "label_smoothing", "class_weights", "mixup", "cutmix", "ema",
    "batch_norm", "patience", "features", "views", "distill",
)  # fmt: skip


def stretch(task: Task, phase: Phase) -> Stretch:
    """See `MethodModule.stretch`."""
    from edgetl.nn import supervised

    return supervised.stretch(task, phase)
