"""Evaluate: the float checkpoint's answers on test images, with its confidence calibrated on validation images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgetl.recipe import Recipe
from edgetl.stages._base import Emit, Job

VERSION = 2
RESUMABLE = False


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    return {"gates.wanted_precision": recipe.gates.wanted_precision}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("numpy",)


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`. Fills `evaluation.json` and `predictions.csv` (test images in order)."""
    import csv  # `plan` loads this module, and starts at once

    import numpy as np

    from edgetl import evaluation, multilabel
    from edgetl.preprocess import load_index, load_label_sets

    index, out = load_index(job.folder("prepare")), Path(job.out)
    class_names = tuple(index["class_names"])
    with np.load(job.folder("finetune") / "answers.npz", allow_pickle=False) as file:
        logits, labels, val_logits, val_labels = (file[n] for n in ("logits", "labels", "val_logits", "val_labels"))
    sets, wanted = load_label_sets(job.folder("prepare")), job.recipe.gates.wanted_precision
    if sets is None:
        found = evaluation.evaluate(logits, labels, val_logits, val_labels, class_names, wanted)
    else:
        found = multilabel.evaluate(logits, labels, val_logits, val_labels, class_names, sets, wanted)
    (out / "evaluation.json").write_text(json.dumps({"schema": 1, **found}, indent=1, ensure_ascii=False), encoding="utf-8")
    names = [image["name"] for image in index["images"] if image["split"] == "test"]
    temperature = found["temperature"]["value"]
    plain, calibrated = (multilabel.probabilities(values, sets) for values in (logits, logits / temperature))
    between = job.recipe.data.separator or ""

    def joined(given: Any) -> str:
        return between.join(name for name, there in zip(class_names, given, strict=True) if there)

    with (out / "predictions.csv").open("w", encoding="utf-8", newline="") as file_out:
        writer = csv.writer(file_out)
        writer.writerow(("image", "label", "predicted", "confidence", "calibrated_confidence"))
        for row, name in enumerate(names):
            best = int(plain[row].argmax())
            if sets is None:
                told = (class_names[labels[row]], class_names[best])
            else:
                told = (joined(sets[labels[row]]), joined(plain[row] >= multilabel.NAMED_FROM))
            writer.writerow((name, *told, f"{plain[row, best]:.6f}", f"{calibrated[row, best]:.6f}"))
    return found
