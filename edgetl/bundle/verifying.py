"""Check all of a bundle: that it is whole, who signed it, and that its files agree with one another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgetl.bundle import agreement, manifest
from edgetl.bundle.opening import Whole, whole
from edgetl.signing import PublicKey, public_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A bundle in which nothing is wrong."""

    name: str
    version: str
    files: int
    size_bytes: int
    """Of all files, unpacked."""
    artifacts: tuple[str, ...]
    signed_by: str | None
    """Id of the key that its signature names; None where it is not signed."""
    origin_checked: bool
    """Whether the signature was held against a key; else anybody may have made the bundle."""


def verify_bundle(path: Path | str, key: PublicKey | Path | str | None = None) -> Verified:
    """Check a bundle that anyone may have made.

    In this order: structure of the zip or folder, signature, names and sizes, sha256 of each file, the manifest's schema, and
    whether artifacts, labels, preparation and golden photos are those that the manifest speaks of.

    Args:
        path: the folder `bundle`, or `bundle.zip`.
        key: that must have signed it, or its file (`fruit.pub`); None = the origin is not checked.

    Returns:
        What it is.

    Raises:
        BundleFault: the first thing that is wrong; `found[0]` names its kind.
        InputError: the key's file is none.
    """
    trusted = public_key(Path(key)) if isinstance(key, Path | str) else key
    with verified(Path(path), trusted) as found:
        return described(found, trusted)


def described(found: Whole, key: PublicKey | None) -> Verified:
    """Say what a bundle is.

    Args:
        found: of `verified`.
        key: that it was checked with.
    """
    value = found.manifest
    return Verified(
        name=value["name"],
        version=value["version"],
        files=len(value["files"]) + 1,
        size_bytes=sum(facts["size_bytes"] for facts in value["files"].values()),
        artifacts=tuple(f"{a['format']}/{a['scheme']}" for a in value["artifacts"]),
        signed_by=found.key_id,
        origin_checked=key is not None,
    )


@contextmanager
def verified(path: Path, key: PublicKey | None = None) -> Iterator[Whole]:
    """Check a bundle as `verify_bundle` does, and keep it open for as long as the block lasts.

    Args:
        path: see there.
        key: see there.

    Yields:
        The bundle.

    Raises:
        BundleFault: see there.
    """
    with whole(path, key) as found:
        manifest.check_whole(found.manifest, path)
        agreement.check(found, path)
        yield found
