"""Contact sheets of a run as data URIs: of a bounded size, and from inside the run's folder only."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from edgetl.report import flips

MOST_BYTES = 6_000_000
"""Of all pictures of a page together, before base64 makes a third more of them. Our choice: a page that mail still carries."""
_JPEG = b"\xff\xd8\xff"


def sheets(report: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Read the contact sheets of the photos that a file answers otherwise.

    Args:
        report: content of report.json.
        folder: of the report.

    Returns:
        One entry for each artifact with such photos: `artifact` (its record), `uri`, and `missing`: why there is none, or "".
    """
    left, found = MOST_BYTES, list[dict[str, Any]]()
    for artifact in report["artifacts"]:
        if not artifact.get("flips"):
            continue
        path = folder / flips.path_of(artifact)
        data, missing = _read(path, folder, left)
        left -= len(data)
        uri = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data else ""
        found.append({"artifact": artifact, "uri": uri, "missing": missing})
    return found


def _read(path: Path, folder: Path, most: int) -> tuple[bytes, str]:
    where = f"{path.parent.name}/{path.name}"
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return b"", f"{where} is not in the run's folder"
    if path.stat().st_size > most:
        return b"", f"left out, as the pictures of a page may have {MOST_BYTES // 10**6} MB together; see {where}"
    data = path.read_bytes()
    return (data, "") if data.startswith(_JPEG) else (b"", f"{where} is no JPEG")
