"""The names a workflow for a CI service defines, and what it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be run; paths are relative to the repository's root, with forward slashes, of plain characters only."""

    name: str
    """Of the recipe."""
    recipe: str
    run: str
    """Folder of the run."""
    install: str
    """What pip installs."""
    pinned: bool
    """There is a `constraints.txt` at the root, which says in which versions."""

    @property
    def pip(self) -> str:
        """The shell's line that installs."""
        return f'python -m pip install {"-c constraints.txt " if self.pinned else ""}"$EDGETL"'


INSTALLED = """\
What pip installs; it runs once pip finds that. Until this version is in pip's index, give a git address
(edgetl @ git+https://…@COMMIT) or a wheel of this repository (dist/edgetl-….whl)."""


def comment(text: str, indent: int) -> str:
    """Make lines of a YAML comment.

    Args:
        text: one or more lines.
        indent: spaces before each.

    Returns:
        The lines, the first not indented, as the template indents it.
    """
    return f"\n{' ' * indent}".join(f"# {line}" for line in text.splitlines())


def fill(template: str, words: dict[str, str]) -> str:
    """Put words into a template, each as a YAML string in double quotes.

    Args:
        template: a word's place is its name between `@`.
        words: name → word.

    Returns:
        The text.
    """
    for name, word in words.items():
        template = template.replace(f"@{name}@", json.dumps(word, ensure_ascii=False))
    return template


class WorkflowModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def FILE(self) -> str:
        """Where the service looks for it, from the repository's root."""

    def text(self, job: Job) -> str:
        """Content of the file."""
