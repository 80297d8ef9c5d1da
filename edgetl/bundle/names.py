"""Names of files in a bundle: those that each has; and plain, inside its folder, no two that some computer takes for one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LABELS, PREPROCESS, EVALUATION, GOLDEN = "labels.txt", "preprocess.json", "evaluation.json", "golden/golden.json"
LICENCES, RECIPE, SBOM, MARKDOWN, HTML = "licences.json", "recipe.yaml", "sbom.cdx.json", "card.md", "card.html"
PATTERN = (
    r"(?!.*(?:^|/)\.{0,2}(?:/|$))(?!.*[. ](?:/|$))"
    r"(?!(?:.*/)?(?:[cC][oO][nN]|[pP][rR][nN]|[aA][uU][xX]|[nN][uU][lL]|[cC][oO][mM][0-9]|[lL][pP][tT][0-9])(?:[.][^/]*)?(?:/|$))"
    r'[^\x00-\x1f\x7f\x80-\x9f\u2028-\u202e\u2066-\u2069\\:*?"<>|]{1,512}'
)
"""A path inside a folder: no empty, `.` or `..` parts, so neither absolute nor escaping; no backslash, no drive, and nothing that
Windows takes for a device or stores under another name; nothing that steers a terminal or turns the direction of text."""
_NAME = re.compile(PATTERN)
_MOST_BYTES = 255
"""Longest name of a file on ext4, APFS and NTFS."""


def plain(name: str) -> bool:
    """Whether a name is one that a bundle may hold.

    Args:
        name: with forward slashes, relative to the bundle.
    """
    return _NAME.fullmatch(name) is not None and all(
        len(part.encode("utf-8", "replace")) <= _MOST_BYTES for part in name.split("/")
    )


def collision(names: Iterable[str]) -> tuple[str, str] | None:
    """Find two names that a file system may take for one: they differ in case, or in how an accent is written, only.

    Args:
        names: of files, each once; their folders count too, and no file may be a folder.

    Returns:
        The two; None where there are none.
    """
    seen: dict[str, str] = {}
    files = set(names)
    for name in sorted(files):
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            same = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
            if seen.setdefault(same, path) != path or (end < len(parts) and path in files):
                return seen[same], name
    return None
