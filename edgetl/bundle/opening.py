"""Open a bundle, a folder or a zip that anyone may have made: bounded, inside its own folder, every file as its manifest says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import content
from edgetl.bundle import folder as folders
from edgetl.bundle import manifest, names, plain, signature, zipform
from edgetl.bundle.faults import BundleFault, Fault, one
from edgetl.signing import PublicKey
from edgetl.types import Preprocess, from_json

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBundle:
    """A bundle whose files are what its manifest says."""

    folder: Path
    manifest: dict[str, Any]
    preprocess: Preprocess
    golden: dict[str, Any]
    """golden.json; see `golden.contract`."""
    named: Path
    """What the user gave, for messages."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the network, in index order."""
        return tuple(map(str, self.manifest["classes"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A bundle that holds exactly the files that its manifest lists; of what they say nothing is checked yet."""

    folder: Path
    manifest: dict[str, Any]
    key_id: str | None
    """Of the key that its signature names; None where it is not signed."""


@contextmanager
def opened(path: Path) -> Iterator[OpenBundle]:
    """Open a bundle for as long as the block lasts.

    Args:
        path: the folder `bundle`, or `bundle.zip`.

    Yields:
        The bundle; a zip is unpacked into a temporary folder, which is removed.

    Raises:
        InputError: it is none, is too large, leaves its folder, or a file is not what the manifest says.
    """
    with whole(path) as found:
        missing = [name for name in (names.PREPROCESS, names.GOLDEN) if name not in found.manifest["files"]]
        if missing:
            raise one(path, "file missing", f"its manifest lacks {', '.join(missing)}; ship it again with this version.")
        yield OpenBundle(
            folder=found.folder,
            manifest=found.manifest,
            preprocess=preprocess_of(found.folder, path)[0],
            golden=record(found.folder, names.GOLDEN, path),
            named=path,
        )


@contextmanager
def whole(path: Path, key: PublicKey | None = None) -> Iterator[Whole]:
    """Check that a bundle is whole: its structure, its signature, its manifest's list, and then every file.

    Args:
        path: the folder `bundle`, or `bundle.zip`.
        key: that must have signed it; None = the origin is not checked.

    Yields:
        The bundle; a zip is unpacked into a temporary folder, once its manifest lists just what it holds.

    Raises:
        InputError: there is no such file.
        BundleFault: what is wrong.
    """
    if path.is_dir():
        found = _listed(path, folders.listed(path, path), path, key)
        folders.check_filled(path, path)
        _check_sums(found, path)
        yield found
        return
    if not path.is_file():
        raise one(path, "not a bundle", "no such bundle; give the folder `bundle` of a run, or its bundle.zip.")
    members = zipform.members(path)
    root = _root(members, path)
    with tempfile.TemporaryDirectory(prefix="edgetl-bundle-") as temporary:
        goal = Path(temporary)
        first = [m for m in members if m.name.removeprefix(root) in (manifest.FILE, manifest.SIGNATURE)]
        _check_sizes({m.name.removeprefix(root): m.size_bytes for m in first}, path)
        zipform.unpack(path, root, first, goal)
        found = _listed(goal, {m.name.removeprefix(root): m.size_bytes for m in members}, path, key)
        _check_packing([m.name for m in members], root, found.manifest.get("name"), path)
        zipform.unpack(path, root, [m for m in members if m not in first], goal)
        _check_sums(found, path)
        yield found


def _root(members: list[zipform.Member], named: Path) -> str:
    """Folder that all members lie in, with a slash; "" where they lie in none."""
    tops = {m.name.partition("/")[0] for m in members}
    if any(m.name == manifest.FILE for m in members) or not members:
        return ""
    root = f"{members[0].name.partition('/')[0]}/"
    if len(tops) > 1 or not all(m.name.startswith(root) for m in members):
        homes = [m.name.partition("/")[0] for m in members if m.name.endswith(f"/{manifest.FILE}") and m.name.count("/") == 1]
        odd = next((m.name for m in members if homes and not m.name.startswith(f"{homes[0]}/")), members[0].name)
        raise one(named, "file not listed", f"{odd!r} lies outside the bundle's folder.")
    return root


def _check_packing(names_: list[str], root: str, name: Any, named: Path) -> None:
    """The folder in the zip is named like the bundle, and members lie in order: what a signature does not cover may not vary."""
    if root != f"{name}/":
        raise one(named, "packed otherwise", f"its folder is {root[:-1]!r}, and the bundle in it {str(name)[:80]!r}.")
    if names_ != sorted(names_):
        raise one(named, "packed otherwise", "its members lie in another order than `edgetl ship` packs them in.")


def _check_sizes(found: dict[str, int], named: Path) -> None:
    if manifest.FILE not in found:
        raise one(named, "manifest missing", f"holds no {manifest.FILE}; is no bundle of edgetl's.")
    if found[manifest.FILE] > manifest.MAX_MANIFEST_BYTES:
        limit = manifest.MAX_MANIFEST_BYTES // 10**6
        raise one(named, "manifest too large", f"its {manifest.FILE} is larger than {limit} MB; this is none of edgetl's.")
    if found.get(manifest.SIGNATURE, 0) > signature.MAX_SIGNATURE_BYTES:
        raise one(named, "signature form", f"its {manifest.SIGNATURE} is too large for a signature.")


def _listed(folder: Path, found: dict[str, int], named: Path, key: PublicKey | None) -> Whole:
    """Check signature and manifest, and hold the names and sizes of the files against it."""
    _check_sizes(found, named)
    twins = names.collision(found)
    if twins is not None:
        raise one(named, "names collide", f"{twins[0]!r} and {twins[1]!r} are one file on some phones and computers.")
    data = (folder / manifest.FILE).read_bytes()
    signed = (folder / manifest.SIGNATURE).read_bytes() if manifest.SIGNATURE in found else None
    key_id = signature.checked(signed, data, key, named)
    value = manifest.read(data, named)
    wanted = {name: facts["size_bytes"] for name, facts in value["files"].items()}
    own = {manifest.FILE, manifest.SIGNATURE}
    faults: list[Fault] = []
    for name in own & set(wanted):
        faults.append(Fault(kind="manifest form", says=f"{manifest.FILE} lists {name}, which is no file of its list."))
    for name in sorted(set(wanted) - set(found)):
        faults.append(Fault(kind="file missing", says=f"{name}: is not in the bundle."))
    for name in sorted(set(found) - set(wanted) - own):
        faults.append(Fault(kind="file not listed", says=f"{name[:200]}: is not listed in {manifest.FILE}; take it out."))
    for name in sorted(set(found) & set(wanted)):
        if found[name] != wanted[name]:
            what = f"{name}: has another size ({found[name]} bytes) than {manifest.FILE} says ({wanted[name]})."
            faults.append(Fault(kind="file size", says=what))
    if faults:
        raise BundleFault(named, faults[:_SHOWN])
    return Whole(folder=folder, manifest=value, key_id=key_id)


def _check_sums(found: Whole, named: Path) -> None:
    faults = []
    for name, facts in sorted(found.manifest["files"].items()):
        if content.digest(found.folder / name, name) != facts["sha256"]:
            what = f"{name}: is not the file that {manifest.FILE} names (its sha256 differs)."
            faults.append(Fault(kind="file content", says=what))
    if faults:
        raise BundleFault(named, faults[:_SHOWN])


def preprocess_of(folder: Path, named: Path) -> tuple[Preprocess, list[Any]]:
    """Read preprocess.json.

    Args:
        folder: of the bundle.
        named: the bundle, for messages.

    Returns:
        What is done to a photo; the same as sentences.

    Raises:
        BundleFault: the file is not what edgetl writes.
    """
    value = record(folder, names.PREPROCESS, named)
    try:
        found = from_json(Preprocess, {k: v for k, v in value.items() if k != "steps"})
        if not 1 <= found.crop_px <= found.resize_px <= 4096 or found.std == 0:
            raise ValueError("sizes out of range")
    except (TypeError, ValueError) as error:
        raise one(named, "record form", f"its preprocess.json is not what edgetl writes ({error}).") from error
    steps = value.get("steps")
    return found, steps if isinstance(steps, list) else []


def record(folder: Path, name: str, named: Path) -> dict[str, Any]:
    """Read a JSON file of a bundle.

    Args:
        folder: of the bundle.
        name: of the file, relative to it.
        named: the bundle, for messages.

    Returns:
        Its values.

    Raises:
        BundleFault: it is too large, or not what edgetl writes.
    """
    path = folder / name
    if path.stat().st_size > plain.MAX_RECORD_BYTES:
        what = f"its {name} is larger than {plain.MAX_RECORD_BYTES // 10**6} MB; this is none of edgetl's."
        raise one(named, "record form", what)
    try:
        value = plain.read(path.read_bytes())
    except ValueError as error:
        raise one(named, "record form", f"its {name} cannot be read ({error}).") from None
    if value.get("schema") != 1:
        raise one(named, "record form", f"its {name} is not what this version of edgetl writes.")
    return value
