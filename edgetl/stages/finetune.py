"""Fine-tune: images × backbone → float checkpoint, phase by phase; goes on from its last epoch when interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.recipe import Labels, Recipe
from edgetl.stages._base import Emit, Job
from edgetl.types import flatten

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgetl.nn.task import Features, Task

VERSION = 4
RESUMABLE = True
ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": None}
"""None: as the user has it. All other stages run on the CPU."""
TEACHER = "teacher"
"""Target of the step that trains the larger network which the student then learns from."""


def of_teacher(recipe: Recipe) -> Recipe:
    """The recipe by which the teacher is trained.

    Args:
        recipe: a recipe with `distill.backbone`.

    Returns:
        The same with the teacher's network and phases.
    """
    asked = recipe.distill
    assert asked is not None and asked.backbone is not None and asked.train is not None
    return replace(recipe, backbone=asked.backbone, head=asked.head, train=asked.train, distill=None)


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`. Files count by their content (the pipeline adds it), not by their paths."""
    recipe = of_teacher(recipe) if target == TEACHER else recipe
    sections = ("backbone", "head", "train", "augment", "labels", "distill", "distribute")
    flat = {key: value for name in sections for key, value in flatten(getattr(recipe, name), name).items()}
    for path in ("backbone.weights.path", "backbone.network.path", "distill.checkpoint"):
        flat.pop(path, None)
    return {**flat, "seed": recipe.seed}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("tensorflow", "tf_keras", "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`."""
    import numpy as np

    from edgetl import multilabel
    from edgetl.nn import checkpoint, classifier, distribution, inference, resume, training
    from edgetl.nn.weights import load_backbone_weights
    from edgetl.preprocess import load_index, load_split

    recipe, out = of_teacher(job.recipe) if job.target == TEACHER else job.recipe, Path(job.out)
    training.deterministic()
    training.seed(recipe.seed)
    strategy = distribution.strategy()
    recipe = distribution.scaled(recipe, strategy.num_replicas_in_sync)
    class_names = tuple(load_index(job.folder("prepare"))["class_names"])
    with strategy.scope():
        model = classifier.build_classifier(recipe, len(class_names), training=True)
        if recipe.quantize is not None and recipe.quantize.keep_float != "auto" and job.target != TEACHER:
            classifier.insist_on(model, recipe.quantize.keep_float, "quantize.keep_float")
        emit({"what": "loading weights"})
        told = load_backbone_weights(model, recipe.backbone)
        task = _task(replace(job, recipe=recipe), model, class_names)
        history = _trained(job, task, emit)
    plain = classifier.build_classifier(recipe, len(class_names), training=False)
    classifier.settle(model, plain)
    answers: dict[str, Any] = {}
    for prefix, split in (("", "test"), ("val_", "val")):
        pixels, labels = load_split(job.folder("prepare"), split)
        answers |= {f"{prefix}logits": inference.predict(plain, pixels, recipe.preprocess), f"{prefix}labels": labels}
    top1 = float(multilabel.right(answers["logits"], answers["labels"], task.label_sets).mean())
    facts = {
        "class_names": class_names,
        "input_px": recipe.backbone.input_px,
        "backbone": recipe.backbone.name,
        "history": history,
        "weights": told,
        "top1": top1,
        **({"several": True} if task.label_sets is not None else {}),
    }
    checkpoint.save(out, plain, answers, facts, several=task.label_sets is not None)
    checkpoint.save_backbone(out, plain)
    resume.clear(out, out / "training.npz")
    own = task.training.labels
    used = int(np.unique(own, return_counts=True)[1].min() if task.label_sets is None else task.label_sets[own].sum(0).min())
    counts = {"labelled": len(task.training.labels), "fewest_of_a_class": used}
    shown = [{k: v for k, v in entry.items() if k != "learning_rate"} for entry in history]
    return {"top1": top1, "n": len(answers["labels"]), "weights": told, "epochs": len(history), **counts, "history": shown}


def _trained(job: Job, task: Task, emit: Emit) -> list[dict[str, Any]]:
    """Run the phases; the task's network then holds the best weights."""
    from edgetl.nn import curves, training

    recipe, out = task.recipe, Path(job.out)
    phases, epochs = [phase.phase for phase in recipe.train], sum(phase.epochs for phase in recipe.train)
    log = curves.Curves(out / curves.FOLDER)

    def progress(event: dict[str, Any]) -> None:
        done = event["epoch"] + sum(phase.epochs for phase in recipe.train[: phases.index(event["phase"])])
        top1 = f", val top-1 {event['val_top1']:.3f}" if "val_top1" in event else f", loss {event['loss']:.3f}"
        log.note(done, event)
        emit({"what": f"{event['phase']}, epoch {event['epoch']}/{event['epochs']}{top1}", "done": done, "of": epochs})

    def start(number: int) -> Callable[[], Any]:
        phase = recipe.train[number]
        features = _features(job, task.model, recipe, number, emit)
        return lambda: registry.load("methods", phase.method).stretch(replace(task, features=features), phase)

    starts = [start(number) for number in range(len(recipe.train))]
    history = training.train(task.model, starts, seed=recipe.seed, checkpoint=out / "training.npz", progress=progress)
    log.close()
    return history


def _task(job: Job, model: Any, class_names: tuple[str, ...]) -> Task:
    """Gather the images, those with labels that may be used and those without, and the teacher."""
    import numpy as np

    from edgetl.labels import labelled_rows
    from edgetl.nn import teacher
    from edgetl.nn.inference import Images
    from edgetl.nn.task import Task
    from edgetl.preprocess import load_index, load_label_sets, load_split

    recipe, prepared = job.recipe, job.folder("prepare")
    pixels, labels = load_split(prepared, "train")
    rows = np.arange(len(labels))
    if recipe.labels != Labels():
        names = [image["name"] for image in load_index(prepared)["images"] if image["split"] == "train"]
        several = recipe.data.separator is not None
        chosen = labelled_rows(names, labels.tolist(), recipe.labels, recipe.data.split.seed, several=several)
        rows = np.array(chosen, np.int64)
    others, _ = load_split(prepared, "unlabelled")
    unlabelled = pixels.view(np.setdiff1d(np.arange(len(labels)), rows)).joined(others)
    folder = job.inputs.get(TEACHER) or (recipe.distill.checkpoint if recipe.distill else None)
    val_pixels, val_labels = load_split(prepared, "val")
    return Task(
        recipe=recipe,
        model=model,
        training=Images(pixels=pixels.view(rows), labels=labels[rows]),
        validation=Images(pixels=val_pixels, labels=val_labels),
        label_sets=load_label_sets(prepared),
        unlabelled=unlabelled if len(unlabelled) else None,
        labelled_rows=rows,
        teacher=teacher.load(Path(folder), class_names) if folder else None,
        folder=Path(job.out),
    )


def _features(job: Job, model: Any, recipe: Recipe, number: int, emit: Emit) -> Callable[[int], Features]:
    """Return what finds the features of a frozen phase: kept ones while the backbone is as it came, else computed now."""

    def find(views: int) -> Features:
        from edgetl.nn import features
        from edgetl.preprocess import load_split

        if "features" in job.inputs and all(phase.cached for phase in recipe.train[:number]):
            return features.load(job.folder("features"), views)
        folder = Path(job.out) / f"features_{number}"
        folder.mkdir(exist_ok=True)
        train, val = (load_split(job.folder("prepare"), split)[0] for split in ("train", "val"))
        features.compute(model, recipe, train, val, views, folder, lambda done, of: emit({"what": f"features {done}/{of}"}))
        return features.load(folder, views)

    return find
