"""What a converter module must define, what it is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from edgetl.types import Preprocess, TensorSpec

if TYPE_CHECKING:
    from edgetl.recipe import Target

INPUT_NAME = "image"
OUTPUT_NAME = "probabilities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a file tells people about itself; what is empty is left out."""

    title: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A trained network, ready to be written in some format."""

    network: Path
    """Folder of the checkpoint, with the frozen network; fake quantization is in it when the scheme is simulated."""
    preprocess: Preprocess
    class_names: tuple[str, ...]
    calibration: Callable[[], Iterator[Any]] | None
    """Yields float32 (1, px, px, 3), normalised; None when the scheme needs none."""
    origin: Path | None
    """The artifact this one is made from, when `ORIGIN` says so."""
    keep_float: tuple[str, ...] = ()
    """Layers of an int8 network that compute in float, as its checkpoint says."""
    words: Words = Words()
    scores: tuple[tuple[float, float], ...] | None = None
    """Slope and offset of each class' calibrated score (`edgetl.platt`); None: scores stay as they are."""

    def function(
        self, batch: int | None = 1, change: Callable[[Any], None] | None = None, normalise: Literal["app", "graph"] = "app"
    ) -> Any:
        """The network as a concrete function: float32 (batch, px, px, 3) `image` → float32 (batch, classes) `probabilities`.

        `change` changes its `GraphDef`, in place, before it is used. With `normalise` graph, `image` holds bytes, 0 to 255.
        """
        from edgetl.nn import frozen

        spec = self.preprocess
        feed = (spec.mean, spec.std) if normalise == "graph" else None
        return frozen.thaw(self.network / frozen.NETWORK, spec.crop_px, batch, change, feed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What a converter found when it read its file back."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    converter: str
    """Packages that wrote the file, with versions."""
    notes: tuple[str, ...]
    """What is in it: operator counts, stamped versions."""
    int8_mac_share: float = 0.0
    """Share of the multiply-accumulates whose weights and activations are both int8, 0 to 1."""
    companions: tuple[Path, ...] = ()
    """Further files, written beside it."""


class ConverterModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def SUFFIX(self) -> str:
        """Ending of the file, with the dot."""

    @property
    def SCHEMES(self) -> tuple[str, ...]:
        """Schemes that this format can hold, truly."""

    @property
    def OPTIONS(self) -> tuple[str, ...]:
        """Keys of a recipe's target, besides format and scheme, that this format knows: `io`, `layout` and so on."""

    @property
    def ORIGIN(self) -> dict[str, str]:
        """Scheme → format whose artifact of the same scheme is the source of truth for this one."""

    @property
    def PACKAGES(self) -> tuple[str, ...]:
        """Distributions whose version changes the result."""

    def unavailable(self) -> str | None:
        """None, or why this converter cannot run here and what to install. Never raises."""

    def convert(self, source: Source, target: Target, out: Path) -> Converted:
        """Write `out` and read it back; raises ConversionError when it is not what the scheme says."""


def missing(*packages: str) -> str | None:
    """Say which packages cannot be imported, without importing them.

    Args:
        packages: import names.

    Returns:
        None when all are there, else a sentence with the remedy.
    """
    import importlib.util

    absent = [p for p in packages if importlib.util.find_spec(p) is None]
    return f"{', '.join(absent)} not installed; pip install edgetl brings it." if absent else None


def versions(*distributions: str) -> str:
    """Return "name version, name version" of installed distributions."""
    import importlib.metadata

    return ", ".join(f"{d} {importlib.metadata.version(d)}" for d in distributions)
