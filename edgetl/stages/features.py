"""Features: images × frozen backbone → what it gives for each, kept on disk; heads then train without the backbone."""

from __future__ import annotations

import time
from itertools import takewhile
from pathlib import Path
from typing import Any

from edgetl.recipe import Recipe
from edgetl.stages._base import Emit, Job
from edgetl.types import flatten

VERSION = 1
RESUMABLE = True
ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": None, "TF_ENABLE_ONEDNN_OPTS": "1"}
"""oneDNN halves the time. What it gives for an image is the same each time and under any load (a test holds it to that); its
sums over a batch, which only training needs, are not."""


def views(recipe: Recipe) -> int:
    """How many changed copies of each training image the recipe's first phases need; 0 when they need no features."""
    first = takewhile(lambda phase: phase.cached, recipe.train)
    return max((phase.views if recipe.augment.active else 1 for phase in first), default=0)


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    flat = flatten(recipe.backbone, "backbone")
    for path in ("backbone.weights.path", "backbone.network.path"):
        flat.pop(path, None)
    changes = {**flatten(recipe.augment, "augment"), "views": views(recipe), "seed": recipe.seed} if recipe.augment.active else {}
    return {**flat, **changes}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("tensorflow", "tf_keras", "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`."""
    from edgetl.nn import features, training
    from edgetl.nn.weights import load_backbone_weights
    from edgetl.preprocess import load_split

    recipe, out = job.recipe, Path(job.out)
    training.deterministic()
    model = features.backbone(recipe)
    emit({"what": "loading weights"})
    load_backbone_weights(model, recipe.backbone)
    train, val = (load_split(job.folder("prepare"), split)[0] for split in ("train", "val"))

    def progress(done: int, of: int) -> None:
        emit({"what": f"images {done}/{of}", "done": done, "of": of})

    count = views(recipe)
    begun = time.monotonic(), time.process_time()
    features.compute(model, recipe, train, val, count, out, progress)
    found = features.load(out, count)
    spent = {"wall_seconds": time.monotonic() - begun[0], "cpu_seconds": time.process_time() - begun[1]}
    return {"images": len(train) + len(val), "views": count, "channels": found.validation.shape[1], **spent}
