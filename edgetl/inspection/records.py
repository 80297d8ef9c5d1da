"""What an inspection is asked, what it reads from a file, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgetl.graphs._base import GraphFacts

Level = Literal["error", "warning", "note"]
_MOST_TEXT = 20_000
"""Characters of a text that a file holds; anybody may have made it."""


def text(told: str) -> str:
    """Take a text of a file; what is cut off shows as `…`."""
    return told if len(told) <= _MOST_TEXT else f"{told[:_MOST_TEXT]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One input or output of a file."""

    name: str
    shape: tuple[int, ...]
    """Dimensions; -1 for one that is free."""
    dtype: str
    """numpy's name of the element type; `image_rgb8` and its like for pictures that Core ML takes, `label` for a class label."""
    scale: float | None = None
    """Quantization step, where it has one for all values."""
    zero_point: int | None = None

    @property
    def free(self) -> bool:
        """Whether any dimension is free."""
        return -1 in self.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file says of itself, in terms that all formats share."""

    graph: GraphFacts
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    producer: str = ""
    """Who wrote it, as far as it says."""
    versions: dict[str, str]
    """Stamps of the format: `opset`, `ir`, `schema`, `specification`, `min_runtime_version`."""
    metadata: dict[str, str]
    """What it tells about itself: author, licence, description, labels, normalisation; what is not there is left out."""
    custom: tuple[str, ...] = ()
    """Operators that the format itself does not define; those of TensorFlow begin with `Flex`."""
    activations: tuple[str, ...] = ()
    """Types of the integers between operators."""
    runs: dict[str, int] | None = None
    """ONNX: operators that onnxruntime runs after its own optimisation on this host, and how often; None where not asked."""
    runs_missing: str = ""
    """Why `runs` is not known, where it was asked for."""
    duplicates: tuple[tuple[str, ...], ...] = ()
    """Names of constants that hold the same bytes, group by group."""
    duplicate_bytes: int = 0
    """Bytes that the file would be smaller if each were stored once."""
    outside: dict[str, int] = field(default_factory=dict)
    """Other files in which its weights lie → their bytes; -1 for one that is not there."""
    bad_scales: tuple[str, ...] = ()
    """Tensors with a quantization step that is zero, negative or not finite."""

    @property
    def weighted(self) -> tuple[int, ...]:
        """Places of the operators whose kernel is a constant."""
        return tuple(i for i, o in enumerate(self.graph.operators) if o.kernel and o.kernel_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a file should be; what is None was not asked. The words are those of a recipe's target."""

    scheme: str | None = None
    io: str | None = None
    """Type of input and output."""
    layout: str | None = None
    batch: str | None = None
    activation: str | None = None
    runtime: str | None = None
    """`NAME==VERSION` of the oldest runtime or system that must load it: `onnxruntime==1.16`, `litert==2.14`, `ios==16`."""
    client: str | None = None
    """Program that must load it: `mediapipe`, the ImageClassifier of MediaPipe Tasks."""
    keep_float: tuple[str, ...] = ()
    """Layers, as the float network names them, that were to stay in float."""
    source: str = ""
    """Who asked: a record, the options; "" for the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found."""

    rule: str
    """Name of the rule: `float-weights`, `io`, `flex`."""
    level: Level
    where: str
    """Operator, tensor or part of the file."""
    message: str
    """What is there, and what was asked."""
    remedy: str
    """What to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Facts of a file and what follows from them."""

    name: str
    facts: Facts
    asked: Asked
    findings: tuple[Finding, ...]
    """Errors first."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings for which the file is not what was asked."""
        return tuple(finding for finding in self.findings if finding.level == "error")
