"""Transductive transfer: the network's own confident answers on unlabelled photos of the target become labels (self-training)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.nn.task import Task
    from edgetl.nn.training import Stretch
    from edgetl.recipe import Phase

TITLE = "Unlabelled photos of the target: answers of which the network is sure become labels."
PAPER = "Lee, Pseudo-Label, ICML 2013 workshop; Xie et al., Self-training with Noisy Student, CVPR 2020, arXiv:1911.04252"
KIND = "transductive"
NEEDS = "unlabelled"
READS = (
    "freeze",
    "unfreeze",
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
    "label_smoothing",
    "class_weights",
    "ema",
    "batch_norm",
    "confidence",
)


def stretch(task: Task, phase: Phase) -> Stretch:
    """See `MethodModule.stretch`."""
    from edgetl.nn import adaptation

    return adaptation.own_answers(task, phase)
