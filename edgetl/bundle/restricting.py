"""A bundle of some of another bundle's artifacts: what is told of files is told of these alone, everything else is the same."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgetl import content
from edgetl.bundle import card, contracts, manifest, opening, plain
from edgetl.bundle.names import EVALUATION, GOLDEN, HTML, LICENCES, MARKDOWN
from edgetl.bundle.verifying import verified
from edgetl.errors import InputError
from edgetl.types import Verdict, to_json

_BY_ARTIFACT = ("tensors", "probabilities", "top", "tolerance", "measured")
"""Keys of an image in golden.json that hold something for each artifact."""


def restrict(source: Path, goal: Path, kept: Mapping[str, str], judged: Sequence[Verdict]) -> None:
    """Make the smaller bundle.

    Args:
        source: the bundle, folder or zip; all of it is checked.
        goal: folder to make; not signed.
        kept: `format/scheme` of the artifacts that stay → sha256.
        judged: verdicts on them, by what is known by now.

    Raises:
        BundleFault: something is wrong with `source`.
        InputError: it does not hold one of the artifacts.
    """
    with verified(source) as found:
        old = found.manifest
        held = {f"{a['format']}/{a['scheme']}": a for a in old["artifacts"]}
        if faults := [f"{n}: is not in it, or is another file." for n in kept if held.get(n, {}).get("sha256") != kept[n]]:
            raise InputError(f"{source}: does not hold the run's artifacts. Ship the recipe again.", faults)
        stays = tuple(f"{path}/" for name in kept for path in _paths(held[name]))
        for name in old["files"]:
            other = name.startswith(("artifacts/", f"{contracts.FOLDER}/")) and not f"{name}/".startswith(stays)
            if other or name in (GOLDEN, MARKDOWN, HTML):
                continue
            (goal / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found.folder / name, goal / name)
        plain.write(goal / GOLDEN, _golden(opening.record(found.folder, GOLDEN, source), kept))
        value = {name: item for name, item in old.items() if name != "files"} | {
            "artifacts": [artifact for name, artifact in held.items() if name in kept],
            "golden": {**old["golden"], "sha256": content.digest(goal / GOLDEN, GOLDEN)},
            "verdicts": to_json(tuple(judged)),
            "allowed_failed": [line for line in old["allowed_failed"] if line.split(": ")[0] not in {*held} - {*kept}],
        }
        evaluation = opening.record(goal, EVALUATION, source) if EVALUATION in old["files"] else None
        told = opening.record(goal, LICENCES, source)
        card.write(goal, value, evaluation, told, opening.preprocess_of(goal, source)[1])
    manifest.write(value, goal)


def _paths(artifact: Mapping[str, Any]) -> list[str]:
    """Of an artifact, its contract, and what lies beside it for it."""
    return [artifact["path"], artifact["contract"], *(companion["path"] for companion in artifact["companions"])]


def _golden(value: dict[str, Any], kept: Mapping[str, str]) -> dict[str, Any]:
    """golden.json of these artifacts alone."""

    def only(by_artifact: Mapping[str, Any]) -> dict[str, Any]:
        return {name: item for name, item in by_artifact.items() if name in kept}

    images = [{k: only(v) if k in _BY_ARTIFACT else v for k, v in image.items()} for image in value["images"]]
    return {**value, "artifacts": only(value["artifacts"]), "images": images}
