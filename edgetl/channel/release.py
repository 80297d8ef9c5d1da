"""What an index says of a bundle: its size and digest, its version, and which of its artifacts suits whom."""

from __future__ import annotations

from pathlib import Path

from edgetl import content
from edgetl.bundle.verifying import verified
from edgetl.channel.index import MAX_BUNDLE_BYTES, WHOLE, File, Release, System
from edgetl.errors import InputError, did_you_mean

_FACTS = {"path", "format", "scheme"}


def of_bundle(
    path: Path,
    *,
    rollout: int = WHOLE,
    min_app: str = "",
    systems: tuple[System, ...] = (),
    devices: tuple[str, ...] = (),
    wanted: tuple[tuple[str, tuple[str, ...]], ...] = (),
    allow_failed: bool = False,
) -> Release:
    """Describe a bundle, having checked all of it as `edgetl ship verify` does (its signature is the channel's).

    Args:
        path: `bundle.zip`.
        rollout: ten-thousandths of all clients.
        min_app: least version of the app; empty = any.
        systems: that are served; empty = all.
        devices: that are served; empty = all.
        wanted: artifacts by their path or target, in the order of preference, each with the devices it is for (none = all);
            empty = all artifacts, as the manifest lists them.
        allow_failed: take a bundle that was shipped although a gate failed.

    Returns:
        The release, without its number.

    Raises:
        InputError: it is no whole bundle, holds no such artifact, or a gate failed.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; a channel serves one file. Give the bundle.zip beside it.")
    with verified(path) as bundle:
        listed = bundle.manifest.get("artifacts")
        if not isinstance(listed, list) or not all(isinstance(r, dict) and r.keys() >= _FACTS for r in listed):
            raise InputError(f"{path}: its manifest does not say what its artifacts are; ship it again with this version.")
        rows = {str(row["path"]): row for row in listed}
        sizes = {
            name: sum(
                int(facts["size_bytes"])
                for file, facts in bundle.manifest["files"].items()
                if file == name or file.startswith(f"{name}/")
            )
            for name in rows
        }
        if (failed := bundle.manifest.get("allowed_failed")) and not allow_failed:
            raise InputError(
                f"{path}: was shipped although gates failed. To publish it all the same: --allow-failed.", failed[:20]
            )
        version = str(bundle.manifest.get("version") or "")
        title = str(bundle.manifest.get("title") or bundle.manifest.get("name") or "")
    targets = {f"{row['format']}/{row['scheme']}": name for name, row in rows.items()}
    if unknown := [name for name, _ in wanted if name not in rows and name not in targets]:
        faults = [f"no artifact {name!r}. {did_you_mean(name, [*targets, *rows])}" for name in unknown]
        raise InputError(f"{path}: does not hold what is to be served.", faults)
    chosen = [(targets.get(name, name), given) for name, given in wanted] or [(name, ()) for name in rows]
    if not chosen:
        raise InputError(f"{path}: holds no artifact.")
    size_bytes = path.stat().st_size
    if size_bytes > MAX_BUNDLE_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BUNDLE_BYTES // 10**9} GB; clients would not take it.")
    files = tuple(File(path=n, format=str(rows[n]["format"]), size_bytes=sizes[n], devices=given) for n, given in chosen)
    return Release(
        number=1, version=version, title=title, sha256=content.digest(path, "BUNDLE"), size_bytes=size_bytes, rollout=rollout,
        salt="-", min_app=min_app, systems=systems, devices=devices, files=files,
    )  # fmt: skip
