"""Write trained weights and what the network answers, and bring both back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras

from edgetl import registry
from edgetl.nn import frozen
from edgetl.nn.classifier import build_classifier
from edgetl.recipe import Recipe

WEIGHTS, FACTS, ANSWERS = "weights.npz", "checkpoint.json", "answers.npz"


def save(folder: Path, model: tf_keras.Model, answers: np.ndarray, labels: np.ndarray, facts: dict[str, Any]) -> None:
    """Write a checkpoint.

    Args:
        folder: where to.
        model: image → logits.
        answers: float32 (N, classes), its logits on the test split.
        labels: int64 (N,), the right classes.
        facts: plain JSON: history, class names …
    """
    frozen.freeze(model, int(model.input.shape[1]), folder / frozen.NETWORK)
    np.savez(folder / WEIGHTS, **{str(i): w for i, w in enumerate(model.get_weights())})
    np.savez(folder / ANSWERS, logits=answers, labels=labels)
    (folder / FACTS).write_text(json.dumps({"schema": 1, **facts}, indent=1, ensure_ascii=False), encoding="utf-8")


def restore(recipe: Recipe, folder: Path, scheme: str | None) -> tf_keras.Model:
    """Rebuild a network and give it its weights.

    Args:
        recipe: the recipe it was trained by.
        folder: what `save` filled.
        scheme: the trained scheme whose fake quantization it carries; None for the float network.

    Returns:
        tf_keras model, image → logits, without dropout.
    """
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    model = build_classifier(recipe, len(facts["class_names"]), dropout=False)
    if scheme is not None:
        model = registry.load("schemes", scheme).wrap(model, recipe.preprocess.input_range)
    with np.load(folder / WEIGHTS, allow_pickle=False) as file:
        model.set_weights([file[str(i)] for i in range(len(file.files))])
    return model
