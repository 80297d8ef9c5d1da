"""The golden photos of a bundle: a few test images of a run, copied, and what an app must make of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgetl import registry
from edgetl.golden import contract
from edgetl.preprocess import load_index, load_split
from edgetl.recipe import Recipe
from edgetl.types import Artifact

COUNT = 4


def write(
    recipe: Recipe,
    prepared: Path,
    artifacts: Mapping[str, Artifact],
    made: Mapping[str, Path],
    verified: Mapping[str, Path],
    goal: Path,
) -> dict[str, Any]:
    """Copy photos of different classes into a folder.

    Args:
        recipe: of the run.
        prepared: result of `prepare`.
        artifacts: target → its record.
        made: target → result of `convert`.
        verified: target → result of `verify`.
        goal: folder to fill; must be there.

    Returns:
        Content of golden.json (`contract.contract`).

    Raises:
        VerificationError: the runtime that an app would use refuses a file.
    """
    index = load_index(prepared)
    test = [image["name"] for image in index["images"] if image["split"] == "test"]
    labels = load_split(prepared, "test")[1]
    spec = recipe.test or recipe.data
    samples = {s.name: s for s in registry.load("datasets", spec.source).load(spec).samples}
    firsts = dict(reversed([(int(label), row) for row, label in enumerate(labels)]))  # class → its first row
    rows = sorted({*range(min(len(test), contract.MOST_LOOKED_AT)), *sorted(firsts.values())[:COUNT]})

    def read(row: int) -> bytes:
        data: bytes = samples[test[row].removeprefix("test:") if recipe.test is not None else test[row]].read()
        return data

    chosen = [rows[place] for place in contract.choose([(int(labels[row]), read(row)) for row in rows], COUNT)]
    outputs = {
        name: np.load(verified[name] / "outputs.npy", allow_pickle=False)
        for name in artifacts
        if (verified[name] / "outputs.npy").exists()
    }
    images = []
    for number, row in enumerate(chosen):
        data, file = read(row), f"{number}{Path(test[row]).suffix.lower() or '.png'}"
        (goal / file).write_bytes(data)
        answers = {target: values[row] for target, values in outputs.items()}
        images.append(contract.Golden(file=file, data=data, label=_label(index, int(labels[row])), probabilities=answers))
    return contract.contract(
        images,
        {name: made[name] / artifact.path for name, artifact in artifacts.items()},
        recipe.preprocess,
        tuple(index["class_names"]),
        {name: f"artifacts/{artifact.path}" for name, artifact in artifacts.items()},
        {name for name, artifact in artifacts.items() if artifact.int8_mac_share > 0},
    )


def _label(index: dict[str, Any], label: int) -> str | list[str]:
    if index["label_sets"] is None:
        return str(index["class_names"][label])
    return [index["class_names"][own] for own in index["label_sets"][label]]
