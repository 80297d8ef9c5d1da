"""What a run was made from and with, for its report: the recipe's text, the plan's keys, versions, the computer."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

from edgetl.bundle import provenance
from edgetl.errors import InputError
from edgetl.pipeline import Planned
from edgetl.recipefile import LoadedRecipe


def of_run(loaded: LoadedRecipe, steps: Sequence[Planned]) -> dict[str, Any]:
    """Describe where a run's results come from.

    Args:
        loaded: the recipe; of a conversion, which has none, its path is the network's.
        steps: the plan, in order.

    Returns:
        `edgetl`, `python`, `system`, `packages` (name → version, of those that decide a step), `recipe_text` (None where there is
        none, or it cannot be read any more) and `plan`: `step` and `key` of each.
    """
    from edgetl import __version__

    try:
        text = provenance.of_recipe(loaded)[1] if steps else None
    except InputError:
        text = None
    return {
        "edgetl": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": provenance.of_steps(planned.step for planned in steps)["tools"],
        "recipe_text": text,
        "plan": [{"step": planned.step.label, "key": planned.step.key} for planned in steps],
    }
