"""What a stage is given and must define."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgetl.recipe import Recipe, Target
from edgetl.types import Artifact, Preprocess, from_json

CALIBRATION = "calibration.json"
"""Written by `quantize`: which training images calibrate; read by `convert`."""
Emit = Callable[[dict[str, Any]], None]
"""Receives progress: {"done": …, "of": …, "what": "epoch", …}; shown, never stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One step, as the child process reads it."""

    stage: str
    target: str
    recipe: Recipe
    inputs: dict[str, str]
    """Role → folder of a finished step: `prepare`, `finetune`, `quantize`, `convert`, `origin`."""
    out: str
    """Folder to fill."""
    extra: dict[str, Any]
    """What only this stage needs; plain JSON."""

    def folder(self, role: str) -> Path:
        """Folder of a finished step that this one starts from."""
        return Path(self.inputs[role])

    @property
    def preprocess(self) -> Preprocess:
        """What happens to a photo: as the recipe says, or as the network needs it that was brought (`edgetl.conversion`)."""
        brought = self.extra.get("preprocess")
        return self.recipe.preprocess if brought is None else from_json(Preprocess, brought)

    @property
    def wanted(self) -> Target:
        """The target, for stages that work on one."""
        return find_target(self.recipe, self.target)


def find_target(recipe: Recipe, name: str) -> Target:
    """Return the recipe's target of that name; one that is made only because others start from it has no options."""
    format_name, _, scheme = name.partition("/")
    return next((t for t in recipe.targets if t.name == name), Target(format=format_name, scheme=scheme))


class StageModule(Protocol):
    """The names a module in this folder defines. Constants are read-only.

    A stage whose process needs environment variables other than usual also defines `ENVIRONMENT`: name → value, or None for the
    value that the user's own shell gives it.
    """

    @property
    def VERSION(self) -> int:
        """Raised by hand whenever the same inputs give another result."""

    @property
    def RESUMABLE(self) -> bool:
        """Whether an interrupted run goes on from what it left."""

    def decides(self, recipe: Recipe, target: str) -> dict[str, Any]:
        """The part of the recipe that decides the result, flat."""

    def packages(self, recipe: Recipe, target: str) -> tuple[str, ...]:
        """Distributions whose version decides the result."""

    def run(self, job: Job, emit: Emit) -> dict[str, Any]:
        """Do it; returns what later steps and the report need, plain JSON."""


def artifact_in(folder: Path) -> Artifact:
    """Read the record of a converted file.

    Args:
        folder: a finished `convert` step.

    Returns:
        The record that the converter stage wrote.
    """
    import json

    from edgetl.types import from_json

    return from_json(Artifact, json.loads((folder / "artifact.json").read_text(encoding="utf-8")))
