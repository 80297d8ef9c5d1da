"""What an index says of a bundle: its size and digest, its version, and which of its artifacts suits whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgetl import content
from edgetl.bundle.verifying import verified
from edgetl.channel import serving
from edgetl.channel.index import LETTER, MAX_BUNDLE_BYTES, NAME, VERSION, WHOLE, File, Release, System
from edgetl.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A release, and why it serves what it does."""

    release: Release
    """Without its number."""
    why: str
    """See `serving.Choice`."""
    signed_by: str | None
    """Id of the key that the bundle's own signature names; None where it has none."""


def of_bundle(
    path: Path,
    *,
    rollout: int = WHOLE,
    min_app: str = "",
    systems: tuple[System, ...] = (),
    devices: tuple[str, ...] = (),
    wanted: serving.Served = (),
    allow_failed: bool = False,
) -> Described:
    """Describe a bundle, having checked all of it as `edgetl ship verify` does (its signature is the channel's).

    Args:
        path: `bundle.zip`.
        rollout: ten-thousandths of all clients.
        min_app: least version of the app; empty = any.
        systems: that are served; empty = all.
        devices: that are served; empty = all.
        wanted: see `serving.chosen`.
        allow_failed: take a bundle that was shipped although a gate failed.

    Raises:
        InputError: it is no whole bundle, what it should serve is not clear, or a gate failed.
    """
    _rules_hold(min_app, systems, devices)
    if not path.exists():
        raise InputError(f"{path}: is not there. Give the bundle.zip of a run.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; a channel serves one file. Give the bundle.zip beside it.")
    with verified(path) as bundle:
        manifest = bundle.manifest
        if (failed := manifest["allowed_failed"]) and not allow_failed:
            raise InputError(
                f"{path}: was shipped although gates failed. To publish it all the same: --allow-failed.", failed[:20]
            )
        choice, signed_by = serving.chosen(path, manifest, wanted), bundle.key_id
    size_bytes = path.stat().st_size
    if size_bytes > MAX_BUNDLE_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BUNDLE_BYTES // 10**9} GB; clients would not take it.")
    rows = {row["path"]: row for row in manifest["artifacts"]}
    files = tuple(
        File(path=name, format=rows[name]["format"], size_bytes=rows[name]["size_bytes"], devices=given)
        for name, given in choice.files
    )
    release = Release(
        number=1, version=manifest["version"], title=manifest["title"], sha256=content.digest(path, "BUNDLE"),
        size_bytes=size_bytes, rollout=rollout, salt="-", min_app=min_app, systems=systems, devices=devices, files=files,
    )  # fmt: skip
    return Described(release=release, why=choice.why, signed_by=signed_by)


def _rules_hold(min_app: str, systems: tuple[System, ...], devices: tuple[str, ...]) -> None:
    """See before anything is written that the index will take what the options say."""
    faults = []
    if not re.fullmatch(f"({VERSION})?", min_app, re.ASCII):
        faults.append(f"--min-app: {min_app[:40]!r} must be one to four numbers with dots between them.")
    for system in systems:
        if not re.fullmatch(NAME, system.name) or not re.fullmatch(VERSION, system.version, re.ASCII):
            told = f"{system.name}={system.version}"[:80]
            faults.append(f"--os: {told!r} must be a name in small letters and one to four numbers: android=14.")
    faults += [f"--device: {name[:40]!r} must be one line of 1 to 200 characters." for name in devices if not _word(name)]
    if faults:
        raise InputError("a release cannot have these rules.", faults)


def _word(text: str) -> bool:
    return re.fullmatch(f"{LETTER}{{1,200}}", text) is not None
