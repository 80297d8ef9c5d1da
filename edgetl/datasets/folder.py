"""A folder of photos: one sub-folder a class, or `train`, `val`, `test` folders of such sub-folders.

Every fault is named at once. Nothing is guessed: a file that is no image, an empty class, a link that leads out of the folder
are told, not skipped. Hidden files and the droppings of file managers are no faults.
"""

from __future__ import annotations

import functools
import hashlib
import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.errors import DataError
from edgetl.types import Dataset, Sample, Split

if TYPE_CHECKING:
    from edgetl.datasets._base import Spec

TITLE = "A folder of photos: one sub-folder a class, or train/val/test folders of them."
REQUIRED = ("path",)
OPTIONAL: tuple[str, ...] = ()

MAX_FILES = 1_000_000
"""More files than this in one data set is a wrong folder, not a set of photos."""
_SHOWN = 10
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".mpo", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif")
"""Endings of the formats that `edgetl.preprocess` decodes."""


def unavailable() -> str | None:
    """See `DatasetModule.unavailable`."""
    return None


def fingerprint(spec: Spec) -> dict[str, str]:
    """See `DatasetModule.fingerprint`: sha256 over the names and contents of all images."""
    return _content(spec, load(spec))


def fingerprint_unlabelled(spec: Spec) -> dict[str, str]:
    """The same for `load_unlabelled`."""
    return _content(spec, load_unlabelled(spec))


def _content(spec: Spec, dataset: Dataset) -> dict[str, str]:
    from concurrent.futures import ThreadPoolExecutor

    root = Path(spec.path or "")
    with ThreadPoolExecutor(2) as pool:
        digests = pool.map(lambda s: _sha256(root / s.name), dataset.samples)
        lines = [f"{d}  {s.class_index} {s.split}  {s.name}\n" for s, d in zip(dataset.samples, digests, strict=True)]
    return {"content": hashlib.sha256("".join(lines).encode()).hexdigest()}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from error


def load(spec: Spec) -> Dataset:
    """See `DatasetModule.load`."""
    return load_classes(spec, 2)


def load_classes(spec: Spec, least_classes: int) -> Dataset:
    """The same for a network that exists, which can be asked about photos of fewer classes than one learns from."""
    given = spec.path or ""
    root = Path(given)
    if not root.is_dir():
        raise DataError(f"data.path: {given}: {'is not a folder' if root.exists() else 'no such folder'}.")
    faults: list[str] = []
    parts = _parts(root, faults)
    found = {(split, name): _images(root, folder, faults) for split, folders in parts for name, folder in folders.items()}
    class_names = sorted({name for _, name in found})
    _check_classes(class_names, parts, least_classes, faults)
    for (split, name), images in found.items():
        if not images:
            faults.append(f"{name if split is None else f'{split}/{name}'}: holds no image.")
    if faults:
        more = [f"and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        raise DataError(f"data.path: {given}: cannot be used ({len(faults)} fault(s)).", [*faults[:_SHOWN], *more])
    samples = tuple(
        Sample(
            name=path.relative_to(root).as_posix(),
            class_index=class_names.index(name),
            split=split,
            read=functools.partial(_read, path),
        )
        for (split, name), images in sorted(found.items(), key=lambda item: (str(item[0][0]), item[0][1]))
        for path in images
    )
    licences = [root / n for n in ("LICENSE", "LICENSE.txt", "LICENCE", "LICENCE.txt") if (root / n).is_file()]
    licence = f"see {licences[0].name} beside the photos" if licences else "not stated"
    return Dataset(class_names=tuple(class_names), samples=samples, licence=licence)


def load_unlabelled(spec: Spec) -> Dataset:
    """List all photos below a folder, whatever its sub-folders are called; see `DatasetModule`.

    Args:
        spec: the part of a recipe.

    Returns:
        One class; nobody looks at it.

    Raises:
        DataError: with all faults at once.
    """
    root = Path(spec.path or "")
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "no such folder"
        raise DataError(f"unlabelled.path: {spec.path}: {what}.")
    faults: list[str] = []
    images = _images(root, root, faults)
    if not images and not faults:
        faults.append("holds no image.")
    if faults:
        more = [f"and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        raise DataError(f"unlabelled.path: {spec.path}: cannot be used ({len(faults)} fault(s)).", [*faults[:_SHOWN], *more])
    samples = (
        Sample(name=path.relative_to(root).as_posix(), class_index=0, split=None, read=functools.partial(_read, path))
        for path in images
    )
    return Dataset(class_names=("unlabelled",), samples=tuple(samples), licence="not stated")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(200_000_001)  # one byte above what decode accepts


_Parts = list[tuple[Split | None, dict[str, Path]]]


def _parts(root: Path, faults: list[str]) -> _Parts:
    """Find the class folders: [(split, {class name: folder})]; the split is None when the recipe decides it."""
    folders = _folders(root, root, faults)
    splits = {name: _SPLITS[name.lower()] for name in folders if name.lower() in _SPLITS}
    if not splits or len(splits) != len(folders):
        return [(None, _by_name(folders, faults))]
    if len(set(splits.values())) != len(splits):
        faults.append(f"{', '.join(sorted(splits))}: two folders for one split.")
    wanted: set[Split] = {"train", "test"}
    for absent in sorted(wanted - set(splits.values())):
        faults.append(f"has {', '.join(sorted(splits))} but no {absent} folder.")
    return [(splits[name], _by_name(_folders(root, folders[name], faults), faults)) for name in sorted(folders)]


def _folders(root: Path, folder: Path, faults: list[str]) -> dict[str, Path]:
    """Sub-folders of a folder; files among them are faults (beside a licence or a readme in the root)."""
    found = {}
    for entry in _entries(folder, faults):
        path = folder / entry
        shown = path.relative_to(root).as_posix()
        if _leads_out(root, path):
            faults.append(f"{shown}: is a link that leads out of the folder.")
        elif path.is_dir():
            found[entry] = path
        elif not entry.upper().startswith(("LICENSE", "LICENCE", "README")):
            faults.append(f"{shown}: is a file where class folders are expected.")
    return found


def _by_name(folders: dict[str, Path], faults: list[str]) -> dict[str, Path]:
    """Class names in Unicode's composed form; two that differ in form or case alone are one on some systems."""
    found: dict[str, Path] = {}
    seen: dict[str, str] = {}
    for entry, path in folders.items():
        name = unicodedata.normalize("NFC", entry)
        if any(unicodedata.category(c).startswith("C") for c in name):
            faults.append(f"{entry!r}: a class name must not hold control characters.")
        if name.casefold() in seen:
            faults.append(f"{entry}: differs from {seen[name.casefold()]} in case or accents' form alone.")
        seen[name.casefold()] = entry
        found[name] = path
    return found


def _images(root: Path, folder: Path, faults: list[str]) -> list[Path]:
    """All images of one class, in sub-folders too, sorted by path."""
    found: list[Path] = []
    todo = [folder]
    while todo:
        here = todo.pop()
        for entry in _entries(here, faults):
            path = here / entry
            shown = path.relative_to(root).as_posix()
            if _leads_out(root, path):
                faults.append(f"{shown}: is a link that leads out of the folder.")
            elif path.is_dir():
                if path.is_symlink():
                    faults.append(f"{shown}: is a link to a folder.")
                else:
                    todo.append(path)
            elif not entry.lower().endswith(_SUFFIXES):
                faults.append(f"{shown}: is not an image ({', '.join(s[1:] for s in _SUFFIXES)}).")
            elif not path.is_file():
                faults.append(f"{shown}: is not a regular file.")
            elif not os.access(path, os.R_OK):
                faults.append(f"{shown}: may not be read.")
            else:
                found.append(path)
        if len(found) > MAX_FILES:
            faults.append(f"{folder.relative_to(root).as_posix()}: holds more than {MAX_FILES} files.")
            return []
    return sorted(found)


def _entries(folder: Path, faults: list[str]) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        faults.append(f"{folder.name}: cannot be listed: {error.strerror}.")
        return []
    return [n for n in names if not n.startswith(".") and n.lower() not in _IGNORED]


def _leads_out(root: Path, path: Path) -> bool:
    """Whether a link points outside the data folder (or in a circle, or nowhere)."""
    if not path.is_symlink():
        return False
    try:
        return not path.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return True


def _check_classes(class_names: list[str], parts: _Parts, least: int, faults: list[str]) -> None:
    if len(class_names) < least:
        what = f"only one class ({class_names[0]})" if class_names else "no class folder"
        needs = "a classifier needs at least two folders of photos" if least == 2 else "give one sub-folder of photos a class"
        faults.insert(0, f"{what}: {needs}.")
    for split, folders in parts:
        for name in class_names:
            if split is not None and name not in folders:
                faults.append(f"{split}: has no folder for class {name}, which another split has.")
