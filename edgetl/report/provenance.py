"""What a run was made from and with, for its report: the recipe's text, the plan's keys, versions, the computer."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetl import packages
from edgetl.pipeline import Planned

_PACKAGES = (
    "tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "onnx", "onnxruntime", "tf2onnx", "coremltools",
    "numpy", "pillow",
)  # fmt: skip
_MOST_BYTES = 200_000


def of_run(recipe: str, steps: Sequence[Planned]) -> dict[str, Any]:
    """Describe where a run's results come from.

    Args:
        recipe: the recipe's file; of a conversion the network's, which is no text.
        steps: the plan, in order.

    Returns:
        `edgetl`, `python`, `system`, `packages` (name → version), `recipe_text` (None where there is none, or it is longer than
        200 kB) and `plan`: `step` and `key` of each.
    """
    from edgetl import __version__

    return {
        "edgetl": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: found for name in _PACKAGES if (found := packages.version(name)) is not None},
        "recipe_text": _text(Path(recipe)),
        "plan": [{"step": planned.step.label, "key": planned.step.key} for planned in steps],
    }


def _text(path: Path) -> str | None:
    try:
        fits = path.suffix in (".yaml", ".yml") and path.stat().st_size <= _MOST_BYTES
        return path.read_text(encoding="utf-8") if fits else None
    except (OSError, ValueError):
        return None
