"""Read the report of a run back: report.json in its folder, which may come from anyone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgetl.errors import InputError
from edgetl.types import SCHEMA

MAX_BYTES = 64 * 2**20
"""Largest report that is read."""
_WANTED = {"recipe": dict, "devices": list, "artifacts": list, "verdicts": list}
_TEXTS = ("format", "scheme", "sha256", "path")


def read(folder: Path) -> dict[str, Any]:
    """Read a record.

    Args:
        folder: of a run, as `edgetl run` wrote it.

    Returns:
        The content of report.json; what `_WANTED` names is of its kind, and so are the texts of artifacts.

    Raises:
        InputError: there is none, it cannot be read, or it is not what edgetl writes.
    """
    path = folder / "report.json"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: is larger than {MAX_BYTES} bytes; this is no report.")
        report = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{folder}: holds no report.json. Give the folder of a run: edgetl run RECIPE writes one.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no report: {error}.") from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA or not _is_report(report):
        raise InputError(f"{path}: is no report of this version of edgetl. Run the recipe again.")
    return report


def _is_report(report: dict[str, Any]) -> bool:
    if not all(isinstance(report.get(name), kind) for name, kind in _WANTED.items()):
        return False
    return all(isinstance(a, dict) and all(isinstance(a.get(t), str | None) for t in _TEXTS) for a in report["artifacts"])
