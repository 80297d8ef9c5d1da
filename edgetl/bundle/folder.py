"""What lies in a bundle's folder: files that are its own, and nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edgetl.bundle import names
from edgetl.bundle.faults import one
from edgetl.bundle.zipform import MAX_BYTES, MAX_FILES


def listed(folder: Path, named: Path) -> dict[str, int]:
    """List the files, following no link.

    Args:
        folder: of the bundle.
        named: what the user gave, for messages.

    Returns:
        Name relative to the folder, with forward slashes → size in bytes.

    Raises:
        BundleFault: there is a link or a device, a file that lies elsewhere too, or more than a bundle may hold.
    """
    found: dict[str, int] = {}
    waiting, total = [folder], 0
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                name = Path(entry.path).relative_to(folder).as_posix()
                shown = repr(name[:80])
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) and len(name.split("/")) <= 32:
                    waiting.append(Path(entry.path))
                    continue
                if not stat.S_ISREG(status.st_mode):
                    raise one(named, "link or device", f"{shown} is a link or a device; a bundle holds files only.")
                if status.st_nlink > 1:
                    raise one(
                        named, "hard link", f"{shown} lies elsewhere too (a hard link), so it can change from there; copy it."
                    )
                if not names.plain(name):
                    raise one(named, "bad name", f"{shown} is no plain name.")
                found[name] = status.st_size
                total += status.st_size
                if len(found) > MAX_FILES or total > MAX_BYTES:
                    what = f"holds more than {MAX_FILES} files, or than {MAX_BYTES // 10**9} GB."
                    raise one(named, "too large", what)
    return found


def check_filled(folder: Path, named: Path) -> None:
    """Check, of a folder that was listed, that no folder in it is empty.

    Args:
        folder: of the bundle.
        named: what the user gave, for messages.

    Raises:
        BundleFault: one is.
    """
    for place, inside, files in os.walk(folder):
        if not inside and not files and Path(place) != folder:
            name = Path(place).relative_to(folder).as_posix()
            what = f"{name[:200]!r} is an empty folder, of which a bundle has none; take it out."
            raise one(named, "file not listed", what)
