"""Apple's accelerators, by onnxruntime's Core ML execution provider: its list of operators for ML programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.delegates import _onnx
from edgetl.delegates._base import Leaving, missing

if TYPE_CHECKING:
    from edgetl.devices import DeviceProfile
    from edgetl.graphs._base import GraphFacts

TITLE = "Apple's accelerators, by onnxruntime's Core ML execution provider (ML programs)."
FORMATS = ("onnx",)
UNCHECKED = (
    "The notes of its list (2D pools, constant weights). Quantized layers and free shapes run there at best in float and slowly."
)


def unavailable() -> str | None:
    """See `DelegateModule.unavailable`."""
    return missing("onnx", "onnxruntime")


def serves(profile: DeviceProfile) -> bool:
    """See `DelegateModule.serves`."""
    return profile.os.family in ("ios", "macos") and bool(profile.accelerators)


def leaves(path: Path, facts: GraphFacts) -> tuple[Leaving, ...]:
    """See `DelegateModule.leaves`."""
    return _onnx.leaves(path, facts, "coreml_supported_mlprogram_ops.md", "Core ML", "is meant for fixed shapes", most_sides=5)
