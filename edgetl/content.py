"""What files count by in the store: their content, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from edgetl.errors import InputError
from edgetl.recipe import Backbone, WeightsFile


def of_backbone(backbone: Backbone, key: str) -> dict[str, Any]:
    """Say what identifies a backbone's network and weights: the content of files; a published one has its name alone.

    Args:
        backbone: the section.
        key: of the recipe: "backbone" or "distill.backbone".

    Returns:
        Facts for a step's key.

    Raises:
        InputError: a file cannot be read.
    """
    found, weights, network = {}, backbone.weights, backbone.network
    if isinstance(weights, WeightsFile) or weights == "bundled":
        bundled = Path(__file__).parent / "backbones" / "weights" / f"{backbone.name}_{backbone.alpha:g}.npz"
        path = Path(weights.path) if isinstance(weights, WeightsFile) else bundled
        found[f"content of {key}.weights"] = digest(path, f"{key}.weights")
    if network is not None and network.path is not None:
        found[f"content of {key}.network"] = digest(Path(network.path), f"{key}.network.path")
    return found


def digest(path: Path, key: str) -> str:
    """Compute the sha256 of a file, or of a folder's files with their names.

    Args:
        path: file or folder.
        key: of the recipe, for the message.

    Returns:
        Hexadecimal digits.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            lines = [f"{digest(file, key)}  {file.relative_to(path).as_posix()}\n" for file in files]
            return hashlib.sha256("".join(lines).encode()).hexdigest()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{key}: {path}: cannot be read: {error.strerror}.") from error
