"""Ship: artifacts and verdicts → a bundle folder and its zip, every file with its sha256. The same inputs give the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from edgetl.recipe import Recipe
from edgetl.stages._base import Emit, Job, artifact_in
from edgetl.types import flatten

VERSION = 7
RESUMABLE = False


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    return {"name": recipe.name, "description": recipe.description, **flatten(recipe.ship, "ship")}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`: what tolerances of the golden photos are measured with, and what writes cards and SBOM."""
    return ("pillow", "tensorflow", "jinja2", "cyclonedx-python-lib")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """Fill `bundle/` and `bundle.zip`. `extra`: what `edgetl.shipping` tells."""
    from edgetl import content
    from edgetl.bundle import archive, building
    from edgetl.golden import shipped
    from edgetl.preprocess import load_index

    out, recipe = Path(job.out), job.recipe
    bundle, packed = out / "bundle", out / "bundle.zip"
    (bundle / "artifacts").mkdir(parents=True)
    (bundle / "golden").mkdir()
    made = {target.name: job.folder(f"convert {target.name}") for target in recipe.targets}
    verified = {target.name: job.folder(f"verify {target.name}") for target in recipe.targets}
    artifacts = {name: artifact_in(folder) for name, folder in made.items()}
    for name, artifact in artifacts.items():
        source, goal = made[name] / artifact.path, bundle / "artifacts" / artifact.path
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, goal)
        for companion in artifact.companions:
            shutil.copyfile(made[name] / companion.path, bundle / "artifacts" / companion.path)
    prepared = job.folder("prepare")
    golden = shipped.write(recipe, prepared, artifacts, made, verified, bundle / "golden")
    building.build(bundle, recipe, load_index(prepared), artifacts, golden, job.extra)
    archive.pack(bundle, packed, recipe.name)
    return {"sha256": content.digest(packed, packed.name), "size_bytes": packed.stat().st_size}
