"""Apple's Neural Engine: what Apple's documents say of types and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.delegates._base import Leaving, all_of, leave, missing

if TYPE_CHECKING:
    from edgetl.devices import DeviceProfile
    from edgetl.graphs._base import GraphFacts

TITLE = "Apple's Neural Engine, by Core ML: half precision and integers, shapes that are fixed or enumerated."
FORMATS = ("coreml",)
UNCHECKED = (
    "Which operations a chip takes, which only a device tells (Xcode's performance report, MLComputePlan). "
    "8-bit activations are faster from A17 Pro and M4 on."
)

_TYPES = "coremltools guide, Typed Execution, apple.github.io/coremltools/docs-guides/source/typed-execution.html"
_SHAPES = "Apple's engineers on ranges of shapes, developer.apple.com/forums/thread/724930"
_NOT_THERE = ("classify", "cast")
"""Not work of a compute unit."""


def unavailable() -> str | None:
    """See `DelegateModule.unavailable`."""
    return missing("coremltools")


def serves(profile: DeviceProfile) -> bool:
    """See `DelegateModule.serves`."""
    return profile.os.family in ("ios", "macos") and any("neural engine" in one.name.lower() for one in profile.accelerators)


def leaves(path: Path, facts: GraphFacts) -> tuple[Leaving, ...]:
    """See `DelegateModule.leaves`."""
    if _ranged(path):
        return all_of(facts, "The input's shape is a range: shapes other than its default run on GPU or CPU.", _SHAPES)
    rule = "It computes in float32; the Neural Engine does in half precision and integers only."
    found = []
    for place, operator in enumerate(facts.operators):
        if operator.arithmetic == "float32" and operator.type not in _NOT_THERE:
            found.append(leave(facts, place, rule, _TYPES))
    return tuple(found)


def _ranged(path: Path) -> bool:
    from edgetl.quiet import quiet

    with quiet():
        from coremltools.proto import Model_pb2
    spec = Model_pb2.Model()
    (file,) = path.rglob("model.mlmodel")
    spec.ParseFromString(file.read_bytes())
    kinds = [feature.type for feature in spec.description.input]
    images = any(kind.imageType.WhichOneof("SizeFlexibility") == "imageSizeRange" for kind in kinds)
    return images or any(kind.multiArrayType.WhichOneof("ShapeFlexibility") == "shapeRange" for kind in kinds)
