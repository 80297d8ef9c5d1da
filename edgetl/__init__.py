"""edgetl: from a folder of photos to a vision model on a phone.

The Python API; every name is imported when it is first used, so `import edgetl` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "BundleFault": ("edgetl.bundle.faults", "BundleFault"),
    "EdgetlError": ("edgetl.errors", "EdgetlError"),
    "estimate": ("edgetl.estimator.one", "estimate_one"),
    "load_device": ("edgetl.devices", "load_device"),
    "load_recipe": ("edgetl.recipefile", "load_recipe"),
    "plan": ("edgetl.pipeline", "plan"),
    "run": ("edgetl.delivery", "deliver"),
    "verify_bundle": ("edgetl.bundle.verifying", "verify_bundle"),
}
__all__ = [
    "BundleFault",
    "EdgetlError",
    "__version__",
    "estimate",
    "load_device",
    "load_recipe",
    "plan",
    "run",
    "verify_bundle",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module (PEP 562)."""
    if name in _HOMES:
        module, attribute = _HOMES[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'edgetl' has no attribute {name!r}")
