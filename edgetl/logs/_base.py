"""The names a reader of logs defines.

`edgetl list` imports every reader and must start at once: patterns stay text until they are used (`re` keeps them compiled then).
"""

from __future__ import annotations

from typing import Protocol

from edgetl.reading import Reading


class LogModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def SOURCE(self) -> str:
        """Document or code that the form of the log was read from."""

    def recognises(self, head: str, name: str) -> bool:
        """Tell from a log's first 64 KiB and its file's name whether this module would read it, whole or damaged."""

    def read(self, text: str, where: str) -> tuple[Reading, ...]:
        """Read a log, every reading in it checked; raises InputError, which starts with `where`, unless all of it holds."""
