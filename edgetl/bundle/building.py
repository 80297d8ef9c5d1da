"""Fill a bundle's folder beside what is copied into it: labels, preparation, contracts, licences, cards, SBOM, manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetl import __version__, content
from edgetl.bundle import card, contracts, licences, manifest, plain, provenance, sbom
from edgetl.bundle.names import EVALUATION, GOLDEN, LABELS, LICENCES, PREPROCESS, RECIPE, SBOM
from edgetl.multilabel import NAMED_FROM
from edgetl.preprocess import describe
from edgetl.recipe import Recipe
from edgetl.types import Artifact, to_json


def build(
    folder: Path,
    recipe: Recipe,
    index: Mapping[str, Any],
    artifacts: Mapping[str, Artifact],
    golden: Mapping[str, Any],
    told: Mapping[str, Any],
) -> None:
    """Make a bundle of a folder that holds `artifacts/` and the photos of `golden/`.

    Args:
        folder: of the bundle.
        recipe: of the run.
        index: of its images (`preprocess.load_index`).
        artifacts: target → its record; its file lies in `artifacts/`.
        golden: content of golden.json.
        told: what only the run as a whole knows (`edgetl.shipping`).

    Raises:
        BundleFault: a contract or the manifest does not obey its schema.
    """
    steps, collected = describe(recipe.preprocess), licences.of(recipe, index["licence"])
    (folder / LABELS).write_bytes("".join(f"{name}\n" for name in index["class_names"]).encode())
    plain.write(folder / PREPROCESS, {"schema": 1, **to_json(recipe.preprocess), "steps": steps})
    plain.write(folder / GOLDEN, golden)
    plain.write(folder / LICENCES, collected)
    (folder / RECIPE).write_bytes(told["recipe"]["text"].encode())
    if told["evaluation"] is not None:
        plain.write(folder / EVALUATION, {"schema": 1, **told["evaluation"]})
    value = {
        "schema": 1,
        "name": recipe.name,
        "title": recipe.ship.title or recipe.name,
        "version": recipe.ship.version,
        "author": recipe.ship.author,
        "licence": recipe.ship.licence,
        "description": recipe.description,
        "classes": list(index["class_names"]),
        "answers": _kind_of_answers(index),
        "preprocess": to_json(recipe.preprocess),
        "artifacts": [{**_placed(to_json(a)), "accuracy": told["accuracy"][name]} for name, a in artifacts.items()],
        "golden": {
            "path": GOLDEN,
            "sha256": content.digest(folder / GOLDEN, GOLDEN),
            "photos": [f"golden/{image['file']}" for image in golden["images"]],
        },
        "verdicts": told["verdicts"],
        "allowed_failed": told["failed"],
        "provenance": {
            "edgetl": __version__,
            "recipe": told["recipe"]["facts"],
            "data": provenance.of_images(index),
            "data_licence": index["licence"],
            **told["made_by"],
            "host": told["host"],
        },
    }
    for file, contract in contracts.derive(value, golden).items():
        contracts.checked(contract, file, folder)
        plain.write(folder / file, contract)
    plain.write(folder / SBOM, sbom.of(value, value["provenance"]["tools"]))
    card.write(folder, value, told["evaluation"], collected, steps)
    manifest.write(value, folder)


def _placed(artifact: dict[str, Any]) -> dict[str, Any]:
    """The record of an artifact with paths relative to the bundle."""
    held = [{**companion, "path": f"artifacts/{companion['path']}"} for companion in artifact["companions"]]
    path = f"artifacts/{artifact['path']}"
    return {**artifact, "path": path, "companions": held, "contract": contracts.place(path)}


def _kind_of_answers(index: Mapping[str, Any]) -> dict[str, Any]:
    """What the numbers that an artifact gives are."""
    if index["label_sets"] is None:
        return {"labels_per_image": "one", "function": "softmax", "named_from": None}
    return {"labels_per_image": "several", "function": "sigmoid", "named_from": NAMED_FROM}
