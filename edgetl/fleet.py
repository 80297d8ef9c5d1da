"""Choose the ship set of a run by what is known by now, and write it down.

Input: the folder of a run, and devices. Output: `shipset.json`, and a bundle of just these artifacts.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl import content, devices, reverdict, shipping, shipset
from edgetl.bundle import archive, restricting
from edgetl.errors import InputError
from edgetl.reverdict import Run
from edgetl.signing import SecretKey
from edgetl.types import SCHEMA, Verdict, to_json


def choose(
    run: Run, names: Sequence[str] | None, ledger: Path | None, *, allow_unsure: bool
) -> tuple[shipset.ShipSet, tuple[Verdict, ...]]:
    """Judge a run's artifacts anew, and choose the fewest that serve every device.

    Args:
        run: the run.
        names: devices, or files of profiles; None = those of the run.
        ledger: folder of the ledger; None = beside the run's recipe.
        allow_unsure: see `shipset.choose`.

    Returns:
        The ship set, and all verdicts that it follows from.

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
    return shipset.choose(candidates, formats, [*found, *broken], allow_unsure=allow_unsure), found


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


def record(run: Run, chosen: shipset.ShipSet, bundle: dict[str, Any] | None, *, allow_unsure: bool) -> dict[str, Any]:
    """The content of shipset.json.

    Args:
        run: the run.
        chosen: its ship set.
        bundle: what `make_bundle` returned; None where none was asked for.
        allow_unsure: as it was chosen.
    """
    return {
        "schema": SCHEMA,
        "recipe": {key: run.report["recipe"].get(key) for key in ("name", "sha256", "overrides")},
        "allow_unsure": allow_unsure,
        **to_json(chosen),
        "bundle": bundle,
    }


def make_bundle(
    run: Run, chosen: shipset.ShipSet, found: Sequence[Verdict], out: Path, sign_with: SecretKey | None
) -> dict[str, Any]:
    """Make the bundle of a ship set, of the run's own bundle.

    Args:
        run: the run.
        chosen: its ship set, of one artifact at least.
        found: verdicts of `choose`.
        out: folder that takes `bundle` and `bundle.zip`.
        sign_with: key to sign it with; None = it is not signed.

    Returns:
        `path`, `sha256`, `signed_by`.

    Raises:
        InputError: the run has no bundle, or one of other files; `out` holds something else.
    """
    source = run.folder / shipping.FOLDER
    if not source.is_dir():
        raise InputError(
            f"{run.folder}: made no bundle, as a gate failed. See its report, or ship the recipe with --allow-failed."
        )
    if out.is_dir() and any(out.iterdir()) and not (out / shipset.FILE).is_file():
        raise InputError(f"--out: {out}: holds files, and no {shipset.FILE} of an earlier call. Choose an empty folder.")
    kept = {artifact.name: artifact.sha256 for artifact in chosen.artifacts}
    own = [replace(v, reason=_moved(v.reason, run.folder)) for v in found if f"{v.format}/{v.scheme}" in kept]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=out) as temporary:
        fresh, root = Path(temporary), str(run.report["recipe"]["name"])
        restricting.restrict(source, fresh / shipping.FOLDER, kept, own)
        archive.pack(fresh / shipping.FOLDER, fresh / shipping.ARCHIVE, root)
        if sign_with is not None:
            shipping.sign(fresh, sign_with, root)
        for name in (shipping.FOLDER, shipping.ARCHIVE):
            if (out / name).exists():
                (out / name).rename(fresh / f"old_{name}")
            (fresh / name).rename(out / name)
    digest = content.digest(out / shipping.ARCHIVE, shipping.ARCHIVE)
    return {"path": shipping.ARCHIVE, "sha256": digest, "signed_by": None if sign_with is None else sign_with.public.id}


def _moved(reason: str, folder: Path) -> str:
    """A reason with the artifact in the bundle, not on this computer."""
    return re.sub(r" --ledger \S+", "", reason.replace(f"{folder}/", f"{shipping.FOLDER}/"))


def write(folder: Path, told: dict[str, Any]) -> Path:
    """Write shipset.json, whole or not at all.

    Args:
        folder: where; must be there.
        told: see `record`.

    Returns:
        The file.
    """
    path = folder / shipset.FILE
    draft = folder / f".{shipset.FILE}.{os.getpid()}"
    draft.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(draft, path)
    return path
