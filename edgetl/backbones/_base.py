"""What a backbone module must define, and the records it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from edgetl.errors import did_you_mean

if TYPE_CHECKING:
    from edgetl.recipe import Backbone


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneSpec:
    """What to know about one width of a family at its usual input size."""

    variant: str | None = None
    """Member of the family; None where it has but one."""
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
    """The names a module in this folder defines. Constants are read-only.

    A module whose network holds published weights in another form than their file also defines

        adapt(section: Backbone, arrays: dict[str, list[numpy.ndarray]]) -> dict[str, list[numpy.ndarray]]

    It turns what was read from a published file or a file of the user's (layer name → float weights in Keras' order; layers
    without weights have an empty list) into the network's own form. It leaves a file that its own network was saved to as it
    is, and changes no array in place. It is not asked about `bundled` weights. `edgetl.nn.weights` calls it before checking
    that the arrays fit, so it must pass over layers that are missing. Layers that it adds, because the published network has
    none of them, the module names in `ADDED`, a tuple; files that number their layers are read without these.

    A module whose network comes from a file of the user's names the keys of the section that only it reads in `OPTIONS`, of
    `network`, `cut_at`, `expects`; its `build` fills the network with the file's weights while `weights` is left at `imagenet`.
    One whose network cannot learn says `TRAINABLE = False`.
    """

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
        """Figures of the published widths; key: `<family>_<alpha>`, where there are variants `<family>_<variant>_<alpha>`."""

    @property
    def BUNDLED(self) -> tuple[float, ...]:
        """Widths whose weights come with edgetl, in `backbones/weights/<family>_<alpha>.npz`."""

    @property
    def VARIANTS(self) -> tuple[str, ...]:
        """Members of the family that `variant` may name, the default first; empty where there is but one."""

    def faults(self, section: Backbone) -> tuple[tuple[str, str], ...]:
        """What this family cannot do of a recipe's section: (key, what is wrong)."""

    def layer_names(self, section: Backbone) -> tuple[str, ...]:
        """Convolutions in order: where a phase may unfreeze from. Needs no TensorFlow."""

    def imagenet_file(self, section: Backbone) -> ImagenetFile:
        """The published weights without the classifier."""

    def build(self, section: Backbone) -> Any:
        """tf_keras model without classifier: float32 (N, px, px, 3), normalised → feature map; flat, random weights."""


def variant_faults(section: Backbone, variants: tuple[str, ...]) -> list[tuple[str, str]]:
    """Check a section's variant against those of the family.

    Args:
        section: a recipe's `backbone`.
        variants: the family's `VARIANTS`.

    Returns:
        (key, what is wrong) for each fault.
    """
    if section.variant is None or section.variant in variants:
        return []
    if not variants:
        return [("variant", f"{section.name} has no variants; leave the key out.")]
    return [("variant", f"no variant of {section.name} named '{section.variant}'. {did_you_mean(section.variant, variants)}")]


def width_faults(section: Backbone, imagenet: tuple[float, ...], bundled: tuple[float, ...]) -> list[tuple[str, str]]:
    """Check a section's weights against the widths for which they exist.

    Args:
        section: a recipe's `backbone`.
        imagenet: widths with published ImageNet weights.
        bundled: widths whose weights come with edgetl.

    Returns:
        (key, what is wrong) for each fault.
    """
    kinds = {"imagenet": imagenet, "bundled": bundled}
    widths = kinds.get(section.weights if isinstance(section.weights, str) else "")
    if widths is None or section.alpha in widths:
        return []
    network = f"{section.name} {section.variant}" if section.variant else section.name
    if not widths:
        others = ", ".join([kind for kind, found in kinds.items() if found] + ["none"])
        return [("weights", f"{network} has no {section.weights} weights; use {others}, or a file.")]
    listing = ", ".join(f"{w:g}" for w in widths)
    return [("alpha", f"{network} has no {section.weights} weights at alpha {section.alpha:g}, only at {listing}.")]
