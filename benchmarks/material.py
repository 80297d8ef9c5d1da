"""What one seed gives: a finished edgetl run, and from it the files that every peer starts from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import edgetl
from benchmarks import process
from benchmarks.peers._base import Material
from edgetl import pipeline, registry
from edgetl.errors import EdgetlError
from edgetl.recipe import Quantize, Target
from edgetl.recipefile import LoadedRecipe
from edgetl.stages._base import CALIBRATION, Job
from edgetl.store import Store
from edgetl.types import from_json, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One file of edgetl's."""

    target: Target
    path: Path | None
    why: str | None
    """Why there is no file; None when there is one."""
    job: Job
    """Makes the file anew."""
    train_s: float | None
    """Of the quantize step, when the scheme is trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Everything about one seed before anything is measured."""

    material: Material
    own: tuple[Own, ...]
    reference_correct: int
    n: int
    """Test images."""


def widen(loaded: LoadedRecipe) -> LoadedRecipe:
    """Add to a recipe's targets every int8 file that edgetl can make of it, and the float files.

    Args:
        loaded: the recipe.

    Returns:
        The same recipe with more targets; nothing that it names already becomes another by it.
    """
    recipe, added = loaded.recipe, []
    for name in registry.names("converters"):
        for scheme in registry.load("converters", name).SCHEMES:
            trained = registry.load("schemes", scheme).NEEDS == "training"
            possible = not trained or (recipe.quantize is not None and recipe.quantize.scheme == scheme)
            if (scheme.startswith("w8") and possible) or scheme == ("fp16" if name == "coreml" else "fp32"):
                added.append(Target(format=name, scheme=scheme))
    return replace(loaded, recipe=replace(recipe, targets=tuple(dict.fromkeys((*recipe.targets, *added)))))


def gather(loaded: LoadedRecipe, store_root: Path, folder: Path) -> Gathered:
    """Run a recipe as far as `verify` (what is in the store is not run again) and write the peers' files.

    Args:
        loaded: the recipe, with its seed.
        store_root: edgetl's store.
        folder: where to write.

    Returns:
        The files.

    Raises:
        EdgetlError: a step of the run failed, or the float network could not be written.
    """
    loaded = widen(loaded)
    recipe, store = loaded.recipe, Store(store_root, loaded.recipe.name)
    report = edgetl.run(loaded, until="verify", out=folder / "run", store_root=store_root)
    planned = pipeline.plan(loaded, "convert")
    steps = {p.step.label: p.step for p in planned}
    quantized = next(p.step for p in planned if p.step.stage == "quantize")
    inputs = {"prepare": steps["prepare"], "finetune": steps["finetune"], "quantize": quantized}
    job = Job(
        stage="material",
        target="",
        recipe=recipe,
        inputs={role: str(store.path(step)) for role, step in inputs.items()},
        out=str(folder / "material"),
        extra={},
    )
    written = process.run("benchmarks.material:write", {"job": to_json(job)}, folder / "write")
    if written.answer is None:
        raise EdgetlError(f"the float network could not be written: {written.why}")
    section = recipe.quantize or Quantize(scheme="w8a8_qat")
    reasons = {f"{a['format']}/{a['scheme']}": a["reason"] for a in report["artifacts"]}
    own = []
    for planned_step in planned:
        target = planned_step.step.target
        if planned_step.step.stage != "convert":
            continue
        format_name, _, scheme = target.partition("/")
        record = store.path(planned_step.step) / "artifact.json"
        path = record.with_name(json.loads(record.read_text(encoding="utf-8"))["path"]) if record.exists() else None
        trained = steps.get(f"quantize {scheme}") if registry.load("schemes", scheme).NEEDS == "training" else None
        needs = {role: str(store.path(step)) for role, step in planned_step.needs.items()}
        convert = replace(job, stage="convert", target=target, inputs=needs, out="")
        own.append(
            Own(
                target=Target(format=format_name, scheme=scheme),
                path=path,
                why=None if path else reasons.get(target) or "edgetl could not make it",
                job=convert,
                train_s=store.result(trained)["seconds"] if trained is not None else None,
            )
        )
    material = Material(
        folder=job.out,
        mean=recipe.preprocess.mean,
        std=recipe.preprocess.std,
        epochs=section.epochs,
        learning_rate=section.learning_rate,
        batch_size=section.batch_size,
        seed=recipe.seed,
    )
    return Gathered(material=material, own=tuple(own), **written.answer)


def write(job: dict[str, Any]) -> dict[str, Any]:
    """Write the float network with softmax, the calibration images and the splits; runs in a child process.

    Args:
        job: `Job` as JSON, with the folders `prepare`, `finetune` and `quantize`.

    Returns:
        `reference_correct` and `n` of the float network on the test split.
    """
    import numpy as np
    import tf_keras

    from edgetl.nn import checkpoint
    from edgetl.preprocess import load_split, normalise

    read = from_json(Job, job)
    out = Path(read.out)
    out.mkdir(parents=True, exist_ok=True)
    model = checkpoint.restore(read.recipe, read.folder("finetune"), None)
    probabilities = tf_keras.layers.Activation("softmax", name="probabilities")(model.output)
    tf_keras.Model(model.input, probabilities, name=model.name).save(str(out / "float.h5"), save_format="h5")
    for split in ("train", "test"):
        pixels, labels = load_split(read.folder("prepare"), split)
        np.save(out / f"{split}_pixels.npy", pixels[:])
        np.save(out / f"{split}_labels.npy", labels)
    rows = json.loads((read.folder("quantize") / CALIBRATION).read_text(encoding="utf-8"))["rows"]
    train, _ = load_split(read.folder("prepare"), "train")
    np.save(out / "calibration.npy", normalise(train[np.array(rows)], read.recipe.preprocess))
    with np.load(read.folder("finetune") / checkpoint.ANSWERS, allow_pickle=False) as file:
        right = file["logits"].argmax(1) == file["labels"]
    return {"reference_correct": int(right.sum()), "n": len(right)}


def plain(material: Material) -> dict[str, Any]:
    """Return the material as JSON for a child process."""
    return asdict(material)
