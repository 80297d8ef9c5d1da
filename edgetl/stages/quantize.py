"""Quantize: float checkpoint × scheme → what it needs: calibration images, or weights trained with rounding or a constraint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.recipe import Phase, Quantize, Recipe
from edgetl.schemes._base import origin
from edgetl.stages._base import CALIBRATION, Emit, Job
from edgetl.types import flatten

VERSION = 10
RESUMABLE = True

_BATCH = 16
_CALIBRATION = ("calibration_images", "ranges", "bias_correction")
"""Keys of the recipe's section that concern every scheme with calibrated ranges, not only the one that is named there."""
_FLOAT = ("keep_float", "max_top1_drop")
"""Keys that concern every scheme whose rounding is simulated."""
_KEPT = "keep_float.json"
"""Written once it is known what stays in float, so that a restart need not look for it again."""


def _section(recipe: Recipe, scheme: str) -> Quantize:
    """The recipe's own section when it is about this scheme, else the defaults."""
    asked = recipe.quantize
    if asked is not None and asked.scheme == scheme:
        return asked
    if asked is None:
        return Quantize(scheme=scheme)
    shared = (*_CALIBRATION, *_FLOAT) if hasattr(registry.load("schemes", scheme), "wrap") else _CALIBRATION
    return replace(Quantize(scheme=scheme), **{key: getattr(asked, key) for key in shared})


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    section = _section(recipe, target)
    flat = {**flatten(section, "quantize"), "seed": recipe.seed, "labels": str(recipe.labels)}
    scheme = registry.load("schemes", target)
    calibration = tuple(f"quantize.{key}" for key in _CALIBRATION)
    floats = {key: value for key, value in flat.items() if key.partition("[")[0] in (f"quantize.{name}" for name in _FLOAT)}
    if scheme.NEEDS == "calibration":
        kept = floats if hasattr(scheme, "wrap") else {}
        return {**{key: flat[key] for key in ("quantize.scheme", *calibration, "seed", "labels")}, **kept}
    if hasattr(scheme, "wrap"):
        return flat
    return {key: value for key, value in flat.items() if key not in calibration and key not in floats}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    scheme = registry.load("schemes", target)
    if origin(scheme) == "finetune":
        return ("numpy",)
    simulation = ("tensorflow_model_optimization",) if hasattr(scheme, "wrap") else ()
    return ("tensorflow", "tf_keras", *simulation, "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`."""
    import numpy as np

    from edgetl.labels import in_turn, labelled_rows
    from edgetl.preprocess import load_index, load_split

    scheme, section, out = registry.load("schemes", job.target), _section(job.recipe, job.target), Path(job.out)
    pixels, labels = load_split(job.folder("prepare"), "train")
    names = [i["name"] for i in load_index(job.folder("prepare"))["images"] if i["split"] == "train"]
    several = job.recipe.data.separator is not None
    used = labelled_rows(names, labels.tolist(), job.recipe.labels, job.recipe.data.split.seed, several=several)
    pixels, labels, names = pixels.view(np.array(used)), labels[used], [names[row] for row in used]
    if scheme.NEEDS == "training" and not hasattr(scheme, "wrap"):
        return _learn(job, section, pixels, labels, [], emit)
    rows = in_turn([int(y) for y in labels], section.calibration_images, job.recipe.seed)
    record = {"schema": 1, "split": "train", "rows": [used[r] for r in rows], "images": [names[r] for r in rows]}
    (out / CALIBRATION).write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
    if origin(scheme) == "finetune":
        return {"calibration_images": len(rows)}
    return {"calibration_images": len(rows), **_learn(job, section, pixels, labels, rows, emit)}


def _learn(job: Job, section: Quantize, pixels: Any, labels: Any, rows: list[int], emit: Emit) -> dict[str, Any]:
    """Make the scheme's checkpoint: simulate its rounding when it has any, hold its constraint, train when it is trained."""
    from edgetl import multilabel
    from edgetl.nn import checkpoint, constraints, inference, supervised, training
    from edgetl.nn.batches import Examples
    from edgetl.preprocess import load_label_sets, load_split, normalise

    recipe, out, scheme = job.recipe, Path(job.out), registry.load("schemes", job.target)
    training.deterministic()
    model = checkpoint.restore(recipe, job.folder("finetune"), None)
    simulated = hasattr(scheme, "wrap")
    network = scheme.wrap(model, recipe.preprocess.input_range) if simulated else training.freeze_statistics(model)
    batches = [normalise(pixels[rows[i : i + _BATCH]], recipe.preprocess) for i in range(0, len(rows), _BATCH)]
    choice = _choice(job, section, network, model, batches, emit) if simulated else None
    layers = _keep(network, model, choice["units"]) if choice else []
    constraint = scheme.constraint() if hasattr(scheme, "constraint") else None
    left = constraint.settle(constraints.kernels(network)) if constraint else ()  # from the float weights, also after a restart
    if simulated:
        from edgetl.nn import fake_quant

        if not (out / "training.npz").exists():
            ranges = fake_quant.calibrate(
                network, model, batches, section.ranges, bias_correction=section.bias_correction, keep_float=layers
            )
            (out / "ranges.json").write_text(json.dumps({"schema": 1, "ranges": ranges}, indent=1), encoding="utf-8")
        else:  # resumed: the checkpoint holds ranges and biases
            kept = json.loads((out / "ranges.json").read_text(encoding="utf-8"))["ranges"]
            fake_quant.give_bias_room(network, model, {name: (low, high) for name, (low, high) in kept.items()})
        emit({"what": "ranges calibrated", "done": 0, "of": section.epochs})
    history, label_sets = [], load_label_sets(job.folder("prepare"))
    if scheme.NEEDS == "training":
        phase = Phase(phase="quantize", epochs=section.epochs, learning_rate=section.learning_rate, batch_size=section.batch_size)
        examples = Examples(inputs=pixels, labels=labels)
        val_pixels, val_labels = load_split(job.folder("prepare"), "val")
        validation = inference.Images(pixels=val_pixels, labels=val_labels)
        history = training.train(
            network,
            [
                lambda: supervised.on_images(
                    network, phase, examples, validation, recipe.preprocess, constraint=constraint, label_sets=label_sets
                )
            ],
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
    if batches:
        from edgetl.nn import fake_quant

        fake_quant.settle(network, batches[-1])
    test_pixels, test_labels = load_split(job.folder("prepare"), "test")
    answers = inference.predict(network, test_pixels, recipe.preprocess)
    top1 = float(multilabel.right(answers, test_labels, label_sets).mean())
    facts = json.loads((job.folder("finetune") / checkpoint.FACTS).read_text(encoding="utf-8"))
    facts = {"class_names": facts["class_names"], "history": history, "scheme": job.target, "top1": top1}
    facts |= {"left_dense": left} if left else {}
    facts |= {checkpoint.KEEP_FLOAT: layers, "float_choice": choice} if choice else {}
    checkpoint.save(out, network, {"logits": answers, "labels": test_labels}, facts, several=label_sets is not None)
    (out / "training.npz").unlink(missing_ok=True)
    (out / _KEPT).unlink(missing_ok=True)
    return {"top1": top1, "n": len(test_labels), "epochs": len(history), **({"keep_float": choice} if choice else {})}


def _choice(job: Job, section: Quantize, network: Any, model: Any, batches: list[Any], emit: Emit) -> dict[str, Any] | None:
    """What stays in float, as the recipe says or as is best; None when nothing was asked. The network is as it was before."""
    from edgetl.nn import fake_quant, inference, keep_float
    from edgetl.preprocess import load_label_sets, load_split
    from edgetl.types import to_json

    path = Path(job.out) / _KEPT
    if not section.keep_float:
        return None
    if section.keep_float != "auto":
        return {"asked": list(section.keep_float), "units": list(fake_quant.keep(network, model, section.keep_float).units)}
    if not path.exists():
        pixels, labels = load_split(job.folder("prepare"), "val")
        trials = keep_float.Trials(
            quantized=network,
            model=model,
            batches=batches,
            validation=inference.Images(pixels=pixels, labels=labels),
            preprocess=job.recipe.preprocess,
            label_sets=load_label_sets(job.folder("prepare")),
            method=section.ranges,
            bias_correction=section.bias_correction,
            progress=lambda what, done, of: emit({"what": f"layers in float: {what}", "done": done, "of": of or None}),
        )
        allowed = keep_float.DEFAULT_DROP if section.max_top1_drop is None else section.max_top1_drop
        found = {"schema": 1, "asked": "auto", **to_json(keep_float.choose(trials, allowed))}
        network.set_weights(trials.start)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(found, indent=1), encoding="utf-8")
        partial.replace(path)
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return answer


def _keep(network: Any, model: Any, units: list[str]) -> list[str]:
    """Keep units in float; returns the names of all layers that then compute in float."""
    from edgetl.nn import fake_quant

    return sorted(fake_quant.keep(network, model, units).layers)
