"""Where the recipes and device profiles that come with edgetl lie: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent


def shipped(kind: Literal["recipes", "devices"]) -> Path:
    """Folder of the files of one kind that come with edgetl.

    Args:
        kind: which files.

    Returns:
        `edgetl/_shipped/<kind>` of an installed wheel (pyproject's force-include puts it there), else `<kind>` of the checkout.
    """
    installed = _PACKAGE / "_shipped" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind
