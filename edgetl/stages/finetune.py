"""Fine-tune: images × backbone → float checkpoint, phase by phase; goes on from its last epoch when interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.recipe import Phase, Recipe
from edgetl.stages._base import Emit, Job
from edgetl.types import flatten

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 2
RESUMABLE = True


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`. A weights file counts by its content (the pipeline adds it), not by its path."""
    flat = {**flatten(recipe.backbone, "backbone"), **flatten(recipe.head, "head"), **flatten(recipe.train, "train")}
    flat.pop("backbone.weights.path", None)
    return {**flat, **flatten(recipe.augment, "augment"), "seed": recipe.seed}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("tensorflow", "tf_keras", "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`."""
    from edgetl.nn import checkpoint, classifier, training
    from edgetl.nn.weights import load_backbone_weights
    from edgetl.preprocess import load_index, load_split

    recipe, out = job.recipe, Path(job.out)
    training.deterministic()
    index = load_index(job.folder("prepare"))
    images = {
        name: training.Images(pixels=p, labels=y)
        for name in ("train", "val", "test")
        for p, y in [load_split(job.folder("prepare"), name)]
    }
    model = classifier.build_classifier(recipe, len(index["class_names"]), dropout=True)
    emit({"what": "loading weights"})
    told = load_backbone_weights(model, recipe.backbone)
    epochs = sum(phase.epochs for phase in recipe.train)

    def progress(event: dict[str, Any]) -> None:
        before = sum(p.epochs for p in recipe.train[: [p.phase for p in recipe.train].index(event["phase"])])
        emit(
            {
                "what": f"{event['phase']}, epoch {event['epoch']}/{event['epochs']}, val top-1 {event['val_top1']:.3f}",
                "done": before + event["epoch"],
                "of": epochs,
            }
        )

    history = training.train(
        model,
        tuple(_stretch(model, phase, recipe) for phase in recipe.train),
        images["train"],
        images["val"],
        recipe.preprocess,
        seed=recipe.seed,
        checkpoint=out / "training.npz",
        progress=progress,
    )
    plain = classifier.build_classifier(recipe, len(index["class_names"]), dropout=False)
    classifier.copy_weights(model, plain)
    answers = training.predict(plain, images["test"].pixels, recipe.preprocess)
    top1 = float((answers.argmax(1) == images["test"].labels).mean())
    facts = {"class_names": index["class_names"], "history": history, "weights": told, "top1": top1}
    checkpoint.save(out, plain, answers, images["test"].labels, facts)
    (out / "training.npz").unlink()
    return {"top1": top1, "n": len(images["test"].labels), "weights": told, "epochs": len(history)}


def _stretch(model: Any, phase: Phase, recipe: Recipe) -> Any:
    from edgetl.nn.training import Stretch

    return Stretch(
        name=phase.phase,
        prepare=_freezer(model, phase),
        epochs=phase.epochs,
        learning_rate=phase.learning_rate,
        batch_size=phase.batch_size,
        cosine=phase.schedule == "cosine",
        label_smoothing=phase.label_smoothing,
        patience=phase.patience,
        augment=recipe.augment,
    )


def _freezer(model: Any, phase: Phase) -> Callable[[], None]:
    """Return what sets `trainable` of every layer as the phase says."""

    def freeze() -> None:
        names = [layer.name for layer in model.layers]
        head = names.index("pool")
        first = {"all": head, "none": 0}[phase.freeze] if phase.freeze else names.index(phase.unfreeze_from or "")
        for number, layer in enumerate(model.layers):
            normalisation = type(layer).__name__ == "BatchNormalization"
            layer.trainable = number >= first and not (normalisation and phase.batch_norm == "inference")

    return freeze
