"""What a backbone module must define, and the records it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from edgetl.recipe import Backbone


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneSpec:
    """What to know about one width of a family at its usual input size."""

    alpha: float
    """Width multiplier."""
    input_px: int
    """Input side that the figures are for."""
    params_m: float
    """Parameters without the classifier, in millions."""
    macs_m: float
    """Multiply-accumulates of one image with the 1000-class classifier, in millions."""
    top1_imagenet: float
    """Published ImageNet top-1 of the float network, 0 to 1."""
    source: str
    """Where the figures are published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagenetFile:
    """The file keras.applications downloads for one configuration."""

    name: str
    """File name, also in Keras' own cache folder."""
    url: str
    """Where keras.applications gets it."""
    sha256: str | None
    """Of the file, where it is on record; Keras itself publishes none."""


class BackboneModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`: what it is and what it is good for."""

    @property
    def LICENCE(self) -> str:
        """Licence of the architecture's code and of its published weights."""

    @property
    def PAPER(self) -> str:
        """The paper."""

    @property
    def SPECS(self) -> dict[str, BackboneSpec]:
        """Figures of the published widths; key: `<family>_<alpha>`."""

    @property
    def BUNDLED(self) -> tuple[float, ...]:
        """Widths whose weights come with edgetl, in `backbones/weights/<family>_<alpha>.npz`."""

    def faults(self, section: Backbone) -> tuple[tuple[str, str], ...]:
        """What this family cannot do of a recipe's section: (key, what is wrong)."""

    def layer_names(self, section: Backbone) -> tuple[str, ...]:
        """Convolutions in order: where a phase may unfreeze from. Needs no TensorFlow."""

    def imagenet_file(self, section: Backbone) -> ImagenetFile:
        """The published weights without the classifier."""

    def build(self, section: Backbone) -> Any:
        """tf_keras model without classifier: float32 (N, px, px, 3), normalised → feature map; flat, random weights."""


def width_faults(section: Backbone, imagenet: tuple[float, ...], bundled: tuple[float, ...]) -> list[tuple[str, str]]:
    """Check a section's weights against the widths for which they exist.

    Args:
        section: a recipe's `backbone`.
        imagenet: widths with published ImageNet weights.
        bundled: widths whose weights come with edgetl.

    Returns:
        (key, what is wrong) for each fault.
    """
    widths = {"imagenet": imagenet, "bundled": bundled}.get(section.weights if isinstance(section.weights, str) else "")
    if widths is None or section.alpha in widths:
        return []
    if not widths:
        return [("weights", f"{section.name} has no {section.weights} weights; use imagenet, none, or a file.")]
    listing = ", ".join(f"{w:g}" for w in widths)
    return [("alpha", f"{section.name} has no {section.weights} weights at alpha {section.alpha:g}, only at {listing}.")]
