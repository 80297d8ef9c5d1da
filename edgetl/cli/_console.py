"""The console that tables are printed on."""

from __future__ import annotations

import os
import sys
from typing import Any

_FILE_COLUMNS = 200
"""Width where standard output is no terminal: wide enough that nothing is wrapped, so that tables can be searched."""


def console() -> Any:
    """A rich Console on standard output."""
    from rich.console import Console

    return Console() if _wraps() else Console(width=_FILE_COLUMNS)


def tell(out: Any, *parts: Any, indent: int = 0) -> None:
    """Print a line: whole where it can be searched; on a terminal, as many as it takes, the later ones indented.

    Args:
        out: see `console`.
        parts: texts, or pairs of text and style.
        indent: of the later lines, in columns.
    """
    from rich.text import Text

    text = Text.assemble(*parts)
    first, *more = text.wrap(out, max(20, out.width - indent)) if _wraps() and text.plain else [text]
    for one in more:
        one.rstrip()
    first.rstrip()
    out.print(*[first, *(Text(" " * indent) + one for one in more)], sep="\n", highlight=False, soft_wrap=True)


def _wraps() -> bool:
    """Whether somebody said how wide a line is: a terminal, or an exported $COLUMNS."""
    return sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
