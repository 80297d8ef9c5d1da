"""edgetl: from a folder of photos to a vision model on a phone.

The Python API; every name is imported when it is first used, so `import edgetl` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "deliver": "edgetl.delivery",
    "load_device": "edgetl.devices",
    "load_recipe": "edgetl.recipe",
    "plan": "edgetl.pipeline",
}
__all__ = ["__version__", "deliver", "load_device", "load_recipe", "plan"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module (PEP 562)."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'edgetl' has no attribute {name!r}")
