"""Quantize: float checkpoint × scheme → what the scheme needs: calibration images, or weights trained with rounding simulated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.recipe import Quantize, Recipe
from edgetl.stages._base import CALIBRATION, Emit, Job
from edgetl.types import flatten

VERSION = 4
RESUMABLE = True

_BATCH = 16


def _section(recipe: Recipe, scheme: str) -> Quantize:
    """The recipe's own section when it is about this scheme, else the defaults."""
    asked = recipe.quantize
    if asked is not None and asked.scheme == scheme:
        return asked
    if asked is None:
        return Quantize(scheme=scheme)
    return Quantize(scheme=scheme, calibration_images=asked.calibration_images, ranges=asked.ranges)


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    section = _section(recipe, target)
    flat = {**flatten(section, "quantize"), "seed": recipe.seed}
    if registry.load("schemes", target).NEEDS == "calibration":
        kept = ("quantize.scheme", "quantize.calibration_images", "quantize.ranges", "seed")
        return {key: flat[key] for key in kept}
    return flat


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    if not hasattr(registry.load("schemes", target), "wrap"):
        return ("numpy",)
    return ("tensorflow", "tf_keras", "tensorflow_model_optimization", "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`."""
    from edgetl.preprocess import load_index, load_split

    section, out = _section(job.recipe, job.target), Path(job.out)
    pixels, labels = load_split(job.folder("prepare"), "train")
    rows = calibration_rows([int(y) for y in labels], section.calibration_images, job.recipe.seed)
    names = [i["name"] for i in load_index(job.folder("prepare"))["images"] if i["split"] == "train"]
    record = {"schema": 1, "split": "train", "rows": rows, "images": [names[r] for r in rows]}
    (out / CALIBRATION).write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
    if not hasattr(registry.load("schemes", job.target), "wrap"):
        return {"calibration_images": len(rows)}
    return {"calibration_images": len(rows), **_simulate(job, section, pixels, labels, rows, emit)}


def calibration_rows(labels: list[int], count: int, seed: int) -> list[int]:
    """Choose training images for calibration, taking the classes in turn.

    Args:
        labels: class of each training image.
        count: how many to take; all when there are fewer.
        seed: of the choice within a class.

    Returns:
        Row numbers in ascending order.
    """
    import random

    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    seen: dict[int, int] = {}
    ranked = []
    for row in order:
        seen[labels[row]] = seen.get(labels[row], 0) + 1
        ranked.append((seen[labels[row]], labels[row], row))
    return sorted(row for _, _, row in sorted(ranked)[:count])


def _simulate(job: Job, section: Quantize, pixels: Any, labels: Any, rows: list[int], emit: Emit) -> dict[str, Any]:
    from edgetl.nn import checkpoint, fake_quant, training
    from edgetl.preprocess import load_split, normalise

    recipe, out = job.recipe, Path(job.out)
    training.deterministic()
    model = checkpoint.restore(recipe, job.folder("finetune"), None)
    quantized = registry.load("schemes", job.target).wrap(model, recipe.preprocess.input_range)
    batches = [normalise(pixels[rows[i : i + _BATCH]], recipe.preprocess) for i in range(0, len(rows), _BATCH)]
    if not (out / "training.npz").exists():  # else the checkpoint holds the ranges as well
        ranges = fake_quant.calibrate(quantized, model, batches, section.ranges)
        (out / "ranges.json").write_text(json.dumps({"schema": 1, "ranges": ranges}, indent=1), encoding="utf-8")
    trained = registry.load("schemes", job.target).NEEDS == "training"
    emit({"what": "ranges calibrated", "done": 0, "of": section.epochs})
    history = (
        []
        if not trained
        else training.train(
            quantized,
            (
                training.Stretch(
                    name="quantize",
                    prepare=lambda: None,
                    epochs=section.epochs,
                    learning_rate=section.learning_rate,
                    batch_size=section.batch_size,
                    cosine=True,
                ),
            ),
            training.Images(pixels=pixels, labels=labels),
            training.Images(**dict(zip(("pixels", "labels"), load_split(job.folder("prepare"), "val"), strict=True))),
            recipe.preprocess,
            seed=recipe.seed,
            checkpoint=out / "training.npz",
            progress=lambda e: emit(
                {
                    "what": f"epoch {e['epoch']}/{e['epochs']}, val top-1 {e['val_top1']:.3f}",
                    "done": e["epoch"],
                    "of": e["epochs"],
                }
            ),
        )
    )
    fake_quant.settle(quantized, batches[-1])
    test_pixels, test_labels = load_split(job.folder("prepare"), "test")
    answers = training.predict(quantized, test_pixels, recipe.preprocess)
    top1 = float((answers.argmax(1) == test_labels).mean())
    facts = json.loads((job.folder("finetune") / checkpoint.FACTS).read_text(encoding="utf-8"))
    facts = {"class_names": facts["class_names"], "history": history, "scheme": job.target, "top1": top1}
    checkpoint.save(out, quantized, answers, test_labels, facts)
    (out / "training.npz").unlink(missing_ok=True)
    return {"top1": top1, "n": len(test_labels), "epochs": len(history)}
