"""Parts of a Core ML package, looked at before anything of it is parsed: sizes, links, ways out of the folder."""

from __future__ import annotations

import json
from pathlib import Path

from edgetl.errors import InputError

_MAX_SPEC_BYTES = 500_000_000
_MAX_BYTES = 4_000_000_000
_MAX_FILES = 1000
_MAX_MANIFEST_BYTES = 1_000_000


def specification(package: Path) -> Path:
    """Check a package's parts and find its specification.

    Args:
        package: an `.mlpackage` folder.

    Returns:
        The file of the model.

    Raises:
        InputError: it is no such package, too large, has links, or names parts outside of itself.
    """
    try:
        parts = [part for _, part in zip(range(_MAX_FILES + 1), package.rglob("*"), strict=False)]
        odd = [part for part in parts if part.is_symlink() or not (part.is_file() or part.is_dir())]
        if package.is_symlink() or odd or len(parts) > _MAX_FILES:
            raise InputError(f"{package.name}: holds links, or more than {_MAX_FILES} files; not opened.")
        if sum(part.stat().st_size for part in parts if part.is_file()) > _MAX_BYTES:
            raise InputError(f"{package.name}: larger than {_MAX_BYTES} bytes; not opened.")
        manifest = package / "Manifest.json"
        if not manifest.is_file() or manifest.stat().st_size > _MAX_MANIFEST_BYTES:
            raise InputError(f"{package.name}: is not a Core ML package: it has no Manifest.json.")
        told = json.loads(manifest.read_text(encoding="utf-8"))
        entries = {key: str(value["path"]) for key, value in told["itemInfoEntries"].items()}
        for place in entries.values():
            if Path(place).is_absolute() or ".." in Path(place).parts:
                raise InputError(f"{package.name}: its manifest names {place[:80]!r}, outside of the package; not opened.")
        file = package / "Data" / entries[told["rootModelIdentifier"]]
        if not file.is_file() or file.stat().st_size > _MAX_SPEC_BYTES:
            raise InputError(f"{package.name}: its model is missing, or larger than {_MAX_SPEC_BYTES} bytes.")
        return file
    except OSError as error:
        raise InputError(f"{package}: cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{package.name}: is not a Core ML package: its Manifest.json is damaged ({error!r}).") from error
