"""Evaluate: the float checkpoint's answers on test images, with its confidence calibrated on validation images."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from edgetl.recipe import Recipe
from edgetl.stages._base import Emit, Job

VERSION = 1
RESUMABLE = False


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    return {"gates.wanted_precision": recipe.gates.wanted_precision}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("numpy",)


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`. Fills `evaluation.json` and `predictions.csv` (test images in order)."""
    import numpy as np

    from edgetl import evaluation
    from edgetl.preprocess import load_index

    index, out = load_index(job.folder("prepare")), Path(job.out)
    class_names = tuple(index["class_names"])
    with np.load(job.folder("finetune") / "answers.npz", allow_pickle=False) as file:
        logits, labels, val_logits, val_labels = (file[n] for n in ("logits", "labels", "val_logits", "val_labels"))
    found = evaluation.evaluate(logits, labels, val_logits, val_labels, class_names, job.recipe.gates.wanted_precision)
    (out / "evaluation.json").write_text(json.dumps({"schema": 1, **found}, indent=1, ensure_ascii=False), encoding="utf-8")
    names = [image["name"] for image in index["images"] if image["split"] == "test"]
    plain = evaluation.softmax(logits)
    calibrated = evaluation.softmax(logits, found["temperature"]["value"])
    with (out / "predictions.csv").open("w", encoding="utf-8", newline="") as file_out:
        writer = csv.writer(file_out)
        writer.writerow(("image", "label", "predicted", "confidence", "calibrated_confidence"))
        for row, name in enumerate(names):
            best = int(plain[row].argmax())
            shown = (f"{plain[row, best]:.6f}", f"{calibrated[row, best]:.6f}")
            writer.writerow((name, class_names[labels[row]], class_names[best], *shown))
    return found
