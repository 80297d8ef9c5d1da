"""Ship: artifacts and verdicts → a bundle folder and its zip, every file with its sha256."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.recipe import Recipe
from edgetl.stages._base import Emit, Job, artifact_in
from edgetl.types import Artifact, to_json

VERSION = 5
RESUMABLE = False
GOLDEN_IMAGES = 4
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same files make the same zip


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    return {"name": recipe.name, "description": recipe.description}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`: what the tolerances of the golden photos are measured with."""
    return ("pillow", "tensorflow")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """Fill `bundle/` and `bundle.zip`. `extra`: `verdicts`, `failed` (labels of failed gates), `accuracy` per target."""
    from edgetl.preprocess import load_index

    out, recipe = Path(job.out), job.recipe
    bundle = out / "bundle"
    (bundle / "artifacts").mkdir(parents=True)
    index = load_index(job.folder("prepare"))
    artifacts: dict[str, Artifact] = {}
    for target in recipe.targets:
        folder = job.folder(f"convert {target.name}")
        artifacts[target.name] = artifact = artifact_in(folder)
        source, goal = folder / artifact.path, bundle / "artifacts" / artifact.path
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, goal)
        for companion in artifact.companions:
            shutil.copy2(folder / companion.path, bundle / "artifacts" / companion.path)
    (bundle / "labels.txt").write_text("".join(f"{name}\n" for name in index["class_names"]), encoding="utf-8")
    _write(bundle / "preprocess.json", _preprocess(recipe))
    _write(bundle / "golden" / "golden.json", _golden(job, bundle / "golden", index, artifacts))
    _write(bundle / "verdicts.json", {"schema": 1, "verdicts": job.extra["verdicts"]})
    _write(bundle / "licences.json", _licences(recipe, index))
    files = {
        path.relative_to(bundle).as_posix(): {"sha256": _sha256(path), "size_bytes": path.stat().st_size}
        for path in sorted(bundle.rglob("*"))
        if path.is_file()
    }
    manifest = {
        "schema": 1,
        "name": recipe.name,
        "description": recipe.description,
        "classes": index["class_names"],
        "answers": _kind_of_answers(index),
        "artifacts": [
            {**to_json(a), "path": f"artifacts/{a.path}", "accuracy": job.extra["accuracy"].get(name)}
            for name, a in artifacts.items()
        ],
        "allowed_failed": job.extra["failed"],
        "files": files,
    }
    _write(bundle / "manifest.json", manifest)
    archive = out / "bundle.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(p for p in bundle.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(f"{recipe.name}/{path.relative_to(bundle).as_posix()}", _ZIP_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            file.writestr(entry, path.read_bytes())
    return {"sha256": _sha256(archive), "size_bytes": archive.stat().st_size, "files": len(files) + 1}


def _kind_of_answers(index: dict[str, Any]) -> dict[str, Any]:
    """What the numbers that an artifact gives are."""
    from edgetl.multilabel import NAMED_FROM

    if index["label_sets"] is None:
        return {"labels_per_image": "one", "function": "softmax"}
    return {"labels_per_image": "several", "function": "sigmoid", "named_from": NAMED_FROM}


def _preprocess(recipe: Recipe) -> dict[str, Any]:
    from edgetl.preprocess import describe

    return {"schema": 1, **to_json(recipe.preprocess), "steps": describe(recipe.preprocess)}


def _golden(job: Job, folder: Path, index: dict[str, Any], artifacts: dict[str, Artifact]) -> dict[str, Any]:
    """Copy a few test images, with what an app must make of them step by step (`edgetl.golden.contract`)."""
    import numpy as np

    from edgetl.golden import contract
    from edgetl.preprocess import load_split

    folder.mkdir()
    test = [image["name"] for image in index["images"] if image["split"] == "test"]
    labels = load_split(job.folder("prepare"), "test")[1]
    spec = job.recipe.test or job.recipe.data
    samples = {s.name: s for s in registry.load("datasets", spec.source).load(spec).samples}
    firsts = dict(reversed([(int(label), row) for row, label in enumerate(labels)]))  # class → its first row
    rows = sorted({*range(min(len(test), contract.MOST_LOOKED_AT)), *sorted(firsts.values())[:GOLDEN_IMAGES]})

    def read(row: int) -> bytes:
        data: bytes = samples[test[row].removeprefix("test:") if job.recipe.test is not None else test[row]].read()
        return data

    chosen = [rows[place] for place in contract.choose([(int(labels[row]), read(row)) for row in rows], GOLDEN_IMAGES)]
    outputs = {
        name: np.load(folder_ / "outputs.npy", allow_pickle=False)
        for name in artifacts
        if (folder_ := job.folder(f"verify {name}")) and (folder_ / "outputs.npy").exists()
    }
    images = []
    for number, row in enumerate(chosen):
        data, file = read(row), f"{number}{Path(test[row]).suffix.lower() or '.png'}"
        (folder / file).write_bytes(data)
        answers = {target: values[row] for target, values in outputs.items()}
        images.append(contract.Golden(file=file, data=data, label=_label(index, int(labels[row])), probabilities=answers))
    return contract.contract(
        images,
        {name: job.folder(f"convert {name}") / artifact.path for name, artifact in artifacts.items()},
        job.recipe.preprocess,
        tuple(index["class_names"]),
        {name: f"artifacts/{artifact.path}" for name, artifact in artifacts.items()},
        {name for name, artifact in artifacts.items() if artifact.int8_mac_share > 0},
    )


def _label(index: dict[str, Any], label: int) -> str | list[str]:
    if index["label_sets"] is None:
        return str(index["class_names"][label])
    return [index["class_names"][own] for own in index["label_sets"][label]]


def _licences(recipe: Recipe, index: dict[str, Any]) -> dict[str, Any]:
    backbone = registry.load("backbones", recipe.backbone.name)
    weights = recipe.backbone.weights
    own = recipe.backbone.network is not None and weights == "imagenet"
    origin = weights if isinstance(weights, str) and not own else "a file of the user's; see where it came from"
    return {
        "schema": 1,
        "images": index["licence"],
        "backbone": {"name": recipe.backbone.name, "licence": backbone.LICENCE, "paper": backbone.PAPER},
        "weights": {"origin": origin, "licence": "Apache-2.0 (edgetl)" if weights == "bundled" else backbone.LICENCE},
        "made_with": "edgetl (Apache-2.0)",
    }


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
