"""A workflow that runs a recipe in CI: where the repository begins, what of it the recipe reads, and the file.

Input: a recipe's file. Output: the path of the workflow, its text, and what the user must know.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from edgetl import __version__, registry
from edgetl.delivery import RUNS
from edgetl.errors import InputError
from edgetl.recipefile import LoadedRecipe, paths_read
from edgetl.workflows._base import Job

_PLAIN = re.compile(r"(?!-)[\w./@+= -]+")
"""Paths that mean themselves in YAML, in a shell's double quotes, in GitHub's expressions and in its patterns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A file to be written."""

    path: Path
    text: str
    root: Path
    """Of the repository; all paths below are relative to it."""
    is_repository: bool
    """False: there is no `.git`, so the root is the working folder."""
    held: tuple[str, ...]
    """The recipe, and what it reads; a folder ends with a slash."""
    outside: tuple[str, ...]
    """Paths that the recipe reads and the repository does not hold."""
    install: str
    """What pip is told to install."""


def place(service: str, folder: Path) -> Path:
    """Where a service looks for its workflow, which must not be there yet.

    Args:
        service: a name of `registry.names("workflows")`.
        folder: of the recipe; need not be there.

    Raises:
        UnknownName: no such service.
        InputError: there is one already.
    """
    path = _root(folder) / str(registry.load("workflows", service).FILE)
    if os.path.lexists(path):
        raise InputError(f"{path}: is there already. Add a job to it by hand, or move it away.")
    return path


def plan(service: str, loaded: LoadedRecipe) -> Workflow:
    """Make the workflow of a recipe.

    Args:
        service: see `place`.
        loaded: the recipe.

    Raises:
        UnknownName: no such service.
        InputError: there is one already, the recipe lies outside of the repository, or a path has characters that would have to
            be escaped in some of the places where it stands.
    """
    recipe = Path(loaded.path)
    root, goal = _root(recipe.parent), place(service, recipe.parent)
    read = paths_read(loaded.recipe)
    paths = [_inside(Path(path), root) for path in (loaded.path, *read)]
    if paths[0] is None:
        raise InputError(f"{recipe}: lies outside of {root}, the repository. Put it inside.")
    held = tuple(dict.fromkeys(path for path in paths if path is not None))
    if not _PLAIN.fullmatch(held[0]):
        raise InputError(f"{recipe}: a workflow takes a path of letters, digits and . / _ @ + = - only. Rename it: {held[0]!r}.")
    job = Job(
        name=loaded.recipe.name,
        recipe=held[0],
        run=(RUNS / loaded.recipe.name).as_posix(),
        install=f"edgetl=={__version__}",
        pinned=(root / "constraints.txt").is_file(),
    )
    outside = (os.path.relpath(path, root) for path, inside in zip(read, paths[1:], strict=True) if inside is None)
    return Workflow(
        path=goal,
        text=registry.load("workflows", service).text(job),
        root=root,
        is_repository=(root / ".git").exists(),
        held=held,
        outside=tuple(dict.fromkeys(outside)),
        install=job.install,
    )


def _root(folder: Path) -> Path:
    """The nearest folder above with a `.git`; the working folder where there is none."""
    folder = folder.resolve()
    return next((f for f in (folder, *folder.parents) if (f / ".git").exists()), Path.cwd())


def _inside(path: Path, root: Path) -> str | None:
    """A path from the root, a folder with a slash at its end; None when it lies outside."""
    whole = Path(os.path.abspath(path))
    whole = whole.parent.resolve() / whole.name
    if not whole.is_relative_to(root.resolve()):
        return None
    return whole.relative_to(root.resolve()).as_posix() + ("/" if whole.is_dir() else "")
