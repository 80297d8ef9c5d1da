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
from edgetl.nn.freezing import FIRST_OF_HEAD
from edgetl.recipe import Recipe

WEIGHTS, FACTS, ANSWERS, BACKBONE = "weights.npz", "checkpoint.json", "answers.npz", "backbone.npz"
KEEP_FLOAT = "keep_float"
"""Key of a fake-quantized network's facts: names of all layers that compute in float."""


def save(
    folder: Path, model: tf_keras.Model, answers: dict[str, np.ndarray], facts: dict[str, Any], *, several: bool = False
) -> None:
    """Write a checkpoint.

    Args:
        folder: where to.
        model: image → logits.
        answers: `logits`, float32 (N, classes), on the test split and `labels`, int64 (N,), the right classes; and the same of
            the validation split as `val_logits`, `val_labels`.
        facts: plain JSON: history, class names …
        several: images may have several labels.
    """
    frozen.freeze(model, int(model.input.shape[1]), folder / frozen.NETWORK, several=several)
    np.savez(folder / WEIGHTS, **{str(i): w for i, w in enumerate(model.get_weights())})
    np.savez(folder / ANSWERS, allow_pickle=False, **answers)
    (folder / FACTS).write_text(json.dumps({"schema": 1, **facts}, indent=1, ensure_ascii=False), encoding="utf-8")


def save_backbone(folder: Path, model: tf_keras.Model) -> None:
    """Write the backbone's weights so that any recipe can start from them (`backbone.weights.path`).

    Args:
        folder: where to.
        model: built by `edgetl.nn.classifier`, float.
    """
    names = [layer.name for layer in model.layers]
    layers = model.layers[: names.index(FIRST_OF_HEAD)]
    arrays = {f"{layer.name}/{index}": weight for layer in layers for index, weight in enumerate(layer.get_weights())}
    np.savez(folder / BACKBONE, **arrays)


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
    model = build_classifier(recipe, len(facts["class_names"]), training=False)
    if scheme is not None:
        model = registry.load("schemes", scheme).wrap(model, recipe.preprocess.input_range, facts.get(KEEP_FLOAT, ()))
    with np.load(folder / WEIGHTS, allow_pickle=False) as file:
        model.set_weights([file[str(i)] for i in range(len(file.files))])
    return model
