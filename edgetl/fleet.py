"""Choose the ship set of a run by what is known by now, and write it down.

Input: the folder of a run, and devices. Output: `shipset.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetl import devices, reverdict, shipset
from edgetl.errors import InputError
from edgetl.reverdict import Run
from edgetl.types import SCHEMA, Verdict, to_json

FILE = "shipset.json"


def choose(run: Run, names: Sequence[str] | None, ledger: Path | None, *, allow_unsure: bool) -> shipset.ShipSet:
    """Judge a run's artifacts anew, and choose the fewest that serve every device.

    Args:
        run: the run.
        names: devices, or files of profiles; None = those of the run.
        ledger: folder of the ledger; None = beside the run's recipe.
        allow_unsure: see `shipset.choose`.

    Returns:
        The ship set.

    Raises:
        InputError: no device is named, one is named twice, or a profile or the ledger does not hold.
    """
    wanted = list(run.report["devices"] if names is None else names)
    if not wanted:
        raise InputError("--devices: names no device, and neither does the run. Give those that you ship to: --devices a,b.")
    profiles = [devices.load_device(name, "--devices" if names is not None else f"{run.folder}/report.json") for name in wanted]
    titles = [profile.name for profile in profiles]
    if twice := {title for title in titles if titles.count(title) > 1}:
        raise InputError(f"--devices: {', '.join(sorted(twice))}: named twice. Name each device once.")
    found = reverdict.judge_again(run, ledger, names)
    artifacts = run.artifacts()
    candidates = [
        shipset.Candidate(
            name=name,
            format=artifact["format"],
            path=artifact["path"],
            sha256=artifact["sha256"],
            delivered_bytes=int(artifact.get("delivered_bytes") or artifact["size_bytes"]),
            top1=artifact.get("top1"),
        )
        for name, artifact in artifacts.items()
    ]
    broken = [_broken(artifact) for artifact in artifacts.values() if artifact.get("status") == "failed"]
    formats = {profile.name: profile.format_names for profile in profiles}
    return shipset.choose(candidates, formats, [*found, *broken], allow_unsure=allow_unsure)


def _broken(artifact: dict[str, Any]) -> Verdict:
    """A file that could not be proved in the run serves nobody."""
    return Verdict(
        format=artifact["format"],
        scheme=artifact["scheme"],
        device=None,
        gate="verified",
        outcome="fail",
        value=None,
        interval=None,
        limit=None,
        evidence=None,
        reason=str(artifact.get("reason") or "the run could not verify it."),
    )


def record(run: Run, chosen: shipset.ShipSet, *, allow_unsure: bool) -> dict[str, Any]:
    """The content of shipset.json.

    Args:
        run: the run.
        chosen: its ship set.
        allow_unsure: as it was chosen.
    """
    return {
        "schema": SCHEMA,
        "recipe": {key: run.report["recipe"].get(key) for key in ("name", "sha256", "overrides")},
        "allow_unsure": allow_unsure,
        **to_json(chosen),
    }


def write(folder: Path, told: dict[str, Any]) -> Path:
    """Write shipset.json, whole or not at all.

    Args:
        folder: where; must be there.
        told: see `record`.

    Returns:
        The file.
    """
    path = folder / FILE
    draft = folder / f".{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(draft, path)
    return path
