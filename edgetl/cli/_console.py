"""The console that tables are printed on."""

from __future__ import annotations

import sys
from typing import Any

_FILE_COLUMNS = 200
"""Width where standard output is no terminal: wide enough that nothing is wrapped, so that tables can be searched."""


def console() -> Any:
    """A rich Console on standard output."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=_FILE_COLUMNS)
