"""Convert: checkpoint × target → one artifact, read back and recorded."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.recipe import Recipe, Target
from edgetl.stages._base import CALIBRATION, Emit, Job, artifact_in, find_target
from edgetl.types import Artifact, Companion, flatten, to_json

VERSION = 10
RESUMABLE = False
_WORDS = ("title", "version", "author", "licence")


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    options = {k: v for k, v in to_json(find_target(recipe, target)).items() if k not in ("format", "scheme")}
    told = {"name": recipe.name, "description": recipe.description}
    ship = {k: getattr(recipe.ship, k) for k in (*_WORDS, *(("score_calibration",) if target.startswith("tflite/") else ()))}
    return {**flatten(recipe.preprocess, "preprocess"), **flatten(options, "target"), **told, **flatten(ship, "ship")}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    names: tuple[str, ...] = registry.load("converters", target.partition("/")[0]).PACKAGES
    return names


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`."""
    from edgetl.converters._base import Source, Words
    from edgetl.errors import MissingDependency
    from edgetl.schemes import _base as schemes

    target, recipe = job.wanted, job.recipe
    converter = registry.load("converters", target.format)
    reason = converter.unavailable()
    if reason:
        raise MissingDependency(target.format, f"convert {target.name}", reason)
    scheme = registry.load("schemes", target.scheme)
    simulated = hasattr(scheme, "wrap")
    folder = job.folder(schemes.origin(scheme))
    origin = job.folder("origin") / artifact_in(job.folder("origin")).path if "origin" in job.inputs else None
    path = Path(job.out) / f"{recipe.name}_{target.scheme}{converter.SUFFIX}"
    facts = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
    keep_float = tuple(facts.get("keep_float", ()))
    emit({"what": "converting"})
    converted = converter.convert(
        Source(
            network=folder,
            preprocess=job.preprocess,
            class_names=tuple(facts["class_names"]),
            calibration=(lambda: _calibration(job)) if scheme.NEEDS == "calibration" and not simulated else None,
            origin=origin,
            keep_float=keep_float,
            words=Words(
                title=recipe.ship.title or recipe.name,
                description=recipe.description,
                **{name: getattr(recipe.ship, name) for name in _WORDS if name != "title"},
            ),
            scores=_scores(job, tuple(facts["class_names"])),
        ),
        target,
        path,
    )
    emit({"what": "inspecting"})
    coverage = _insist(path, target, keep_float)
    digest, size, delivered = measure(path)
    artifact = Artifact(
        format=target.format,
        scheme=target.scheme,
        path=path.name,
        sha256=digest,
        size_bytes=size,
        delivered_bytes=delivered,
        inputs=converted.inputs,
        outputs=converted.outputs,
        converter=converted.converter,
        int8_mac_share=converted.int8_mac_share,
        notes=converted.notes,
        keep_float=keep_float,
        normalise=target.normalise,
        companions=tuple(_companion(file) for file in converted.companions),
    )
    text = json.dumps({"schema": 1, **to_json(artifact)}, indent=1, ensure_ascii=False)
    (Path(job.out) / "artifact.json").write_text(text, encoding="utf-8")
    return {**to_json(artifact), "coverage": coverage}


def _insist(path: Path, target: Target, keep_float: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Raise ConversionError unless a file is what its target says; else tell what delegates take of it."""
    from edgetl.errors import ConversionError
    from edgetl.inspection import claims, covered, inspect

    options = {k: str(v) for k, v in to_json(target).items() if k not in ("format", "scheme")}
    found = inspect(path, claims.of_target(target.format, target.scheme, options, keep_float=keep_float))
    if found.errors:
        told = "; ".join(f"{error.where}: {error.message}" for error in found.errors[:4])
        raise ConversionError(f"{path.name}: is not what {target.name} says: {told}")
    return covered.taken(path, found)


def _companion(path: Path) -> Companion:
    digest, size, _ = measure(path)
    return Companion(path=path.name, sha256=digest, size_bytes=size)


def _scores(job: Job, class_names: tuple[str, ...]) -> tuple[tuple[float, float], ...] | None:
    """Fit calibrated scores on what the float checkpoint answers to the validation images; None where none are asked for."""
    if not job.recipe.ship.score_calibration or job.wanted.format != "tflite":
        return None
    import numpy as np

    from edgetl import multilabel, platt
    from edgetl.preprocess import load_label_sets

    with np.load(job.folder("finetune") / "answers.npz", allow_pickle=False) as file:
        logits, labels = file["val_logits"], file["val_labels"]
    sets = load_label_sets(job.folder("prepare"))
    right = np.eye(len(class_names), dtype=bool)[labels] if sets is None else sets[labels]
    return platt.fit(multilabel.probabilities(logits, sets), right, class_names)


def _calibration(job: Job) -> Iterator[Any]:
    """Yield the calibration images one by one, normalised: float32 (1, px, px, 3)."""
    from edgetl.preprocess import load_split, normalise

    pixels, _ = load_split(job.folder("prepare"), "train")
    for row in json.loads((job.folder("quantize") / CALIBRATION).read_text(encoding="utf-8"))["rows"]:
        yield normalise(pixels[row : row + 1], job.preprocess)


def measure(path: Path) -> tuple[str, int, int]:
    """Sum up a file, or a folder that is one artifact.

    Args:
        path: a file or a folder.

    Returns:
        sha256, size in bytes, and size in bytes when compressed (deflate, level 9). A folder's sha256 is that of the lines
        `<sha256>  <path>` of its files, sorted by path.
    """
    if path.is_file():
        data = path.read_bytes()
        return hashlib.sha256(data).hexdigest(), len(data), len(zlib.compress(data, 9))
    lines, size, delivered = [], 0, 0
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        data = file.read_bytes()
        size, delivered = size + len(data), delivered + len(zlib.compress(data, 9))
        lines.append(f"{hashlib.sha256(data).hexdigest()}  {file.relative_to(path).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest(), size, delivered
