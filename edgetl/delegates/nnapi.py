"""Android's NNAPI, by onnxruntime's execution provider of that name: its list of operators, fixed shapes only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.delegates import _onnx
from edgetl.delegates._base import Leaving, missing

if TYPE_CHECKING:
    from edgetl.devices import DeviceProfile
    from edgetl.graphs._base import GraphFacts

TITLE = "Android's NNAPI, by onnxruntime's execution provider (Android 15 deprecates it)."
FORMATS = ("onnx",)
UNCHECKED = "The notes of its list (2D convolutions and pools, constant weights), and what a phone's driver takes."


def unavailable() -> str | None:
    """See `DelegateModule.unavailable`."""
    return missing("onnx", "onnxruntime")


def serves(profile: DeviceProfile) -> bool:
    """See `DelegateModule.serves`."""
    return profile.os.family == "android" and bool(profile.accelerators)


def leaves(path: Path, facts: GraphFacts) -> tuple[Leaving, ...]:
    """See `DelegateModule.leaves`."""
    return _onnx.leaves(path, facts, "nnapi_supported_ops.md", "NNAPI", "takes fixed shapes only")
