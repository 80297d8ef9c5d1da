"""What an index says of a bundle: its size and digest, its version, and which of its artifacts suits whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgetl import content
from edgetl.bundle.verifying import verified
from edgetl.channel import serving
from edgetl.channel.index import MAX_BUNDLE_BYTES, WHOLE, File, Release, System
from edgetl.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A release, and why it serves what it does."""

    release: Release
    """Without its number."""
    why: str
    """See `serving.Choice`."""


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
    if path.is_dir():
        raise InputError(f"{path}: is a folder; a channel serves one file. Give the bundle.zip beside it.")
    with verified(path) as bundle:
        manifest = bundle.manifest
        if (failed := manifest["allowed_failed"]) and not allow_failed:
            raise InputError(
                f"{path}: was shipped although gates failed. To publish it all the same: --allow-failed.", failed[:20]
            )
        choice = serving.chosen(path, manifest, wanted)
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
    return Described(release=release, why=choice.why)
