"""What can be wrong with a bundle, each by a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgetl.errors import InputError

Kind = Literal[
    "not a bundle",
    "truncated",
    "leading data",
    "trailing data",
    "hidden data",
    "packed otherwise",
    "records differ",
    "encrypted",
    "link or device",
    "hard link",
    "bad name",
    "name twice",
    "names collide",
    "too large",
    "damaged",
    "manifest missing",
    "manifest too large",
    "manifest form",
    "manifest earlier",
    "signature missing",
    "signature form",
    "signed by another key",
    "signature wrong",
    "file missing",
    "file not listed",
    "file size",
    "file content",
    "record form",
    "contract form",
    "contract differs",
    "labels differ",
    "preprocessing differs",
    "golden differs",
    "artifact differs",
    "answers differ",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong."""

    kind: Kind
    says: str
    """A finished sentence or two."""


class BundleFault(InputError):
    """A bundle is not what `edgetl ship` wrote, or not all of it."""

    def __init__(self, path: Path, found: Sequence[Fault]) -> None:
        """Make the error.

        Args:
            path: of the bundle.
            found: what is wrong, in the order in which it was found; at least one.
        """
        self.found = tuple(found)
        says = [fault.says for fault in found]
        super().__init__(
            f"{path}: {says[0]}" if len(says) == 1 else f"{path}: is not as it was shipped.", says if says[1:] else ()
        )


def one(path: Path, kind: Kind, says: str) -> BundleFault:
    """Make the error of a single fault."""
    return BundleFault(path, (Fault(kind=kind, says=says),))
