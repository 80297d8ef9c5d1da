"""The zip of a bundle: the same files give the same bytes, wherever and whenever they are packed."""

from __future__ import annotations

import zipfile
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def files_of(folder: Path) -> list[str]:
    """List the files of a folder that edgetl has made: names with forward slashes, in the order of their code points."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def entry(name: str) -> zipfile.ZipInfo:
    """Say what a zip's records tell of a member, but for its sizes and sum: of any member, on any computer, the same.

    Args:
        name: of the member.
    """
    made = zipfile.ZipInfo(name, _TIME)
    made.compress_type, made.create_system, made.external_attr = zipfile.ZIP_DEFLATED, _UNIX, 0o100644 << 16
    made.create_version = made.extract_version = zipfile.DEFAULT_VERSION
    return made


def pack(folder: Path, archive: Path, root: str) -> None:
    """Pack a bundle: no times, owners or modes of this computer, no extra fields, members in order.

    Args:
        folder: the bundle.
        archive: file to write.
        root: folder that the members lie in, inside the zip.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in files_of(folder):
            file.writestr(entry(f"{root}/{name}"), (folder / name).read_bytes(), compresslevel=9)
