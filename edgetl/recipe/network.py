"""Sections of a recipe about the network: the backbone that is transferred and the new head on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from edgetl import registry
from edgetl.recipe._names import BackboneName, Faults
from edgetl.schema import Bound, Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """Weights in a file of the user's."""

    path: str
    """A keras.applications `.h5`, a `.weights.h5`, a `.keras`, or the `.npz` of a checkpoint; relative to the recipe's folder."""
    sha256: Annotated[str, Pattern("[0-9a-f]{64}", "a sha256 (64 hexadecimal digits)")] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network of the user's, for families that do not define one themselves (`local`, `hub`)."""

    path: str | None = None
    """`local`: a `.keras` or `.h5` with the whole network. `hub`: a SavedModel's folder. Relative to the recipe's folder."""
    handle: str | None = None
    """`hub`: name of a model at Kaggle Models, `owner/model/framework/variation`."""
    sha256: Annotated[str, Pattern("[0-9a-f]{64}", "a sha256 (64 hexadecimal digits)")] | None = None
    """Of the file, or of a SavedModel's `saved_model.pb`."""

    def faults(self) -> Faults:
        """One of path and handle."""
        return () if (self.path is None) != (self.handle is None) else (("", "needs either 'path' or 'handle'."),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """The network that is transferred."""

    name: BackboneName
    variant: str | None = None
    """Member of a family that has several; absent = the family's first."""
    alpha: Annotated[float, Bound(gt=0.0, le=4.0)] = 1.0
    """Width multiplier."""
    input_px: Annotated[int, Bound(ge=32, le=1024)] = 224
    """Side of the square input."""
    weights: Literal["imagenet", "bundled", "none"] | WeightsFile = "imagenet"
    """`imagenet`: the published ones; of `local` and `hub`, those that the network's file holds."""
    network: Network | None = None
    cut_at: str | None = None
    """`local`: last layer that is kept; absent = the last before the classifier's pooling or flattening."""
    expects: Literal["minus_one_to_one", "zero_to_one", "bytes", "caffe", "torch"] | None = None
    """`local`, `hub`: what the network is to be fed with, as it was in its training: byte / 127.5 - 1 (taken as edgetl's own
    (byte - 128) / 127.5), byte / 255, the byte, BGR byte - mean, (byte / 255 - mean) / deviation."""

    def faults(self) -> Faults:
        """What the family itself refuses: a variant, a width, weights or a key that it does not have."""
        family = registry.load("backbones", self.name)
        unread = [key for key in ("network", "cut_at", "expects") if key not in getattr(family, "OPTIONS", ())]
        foreign = tuple((key, f"{self.name} does not read it.") for key in unread if getattr(self, key) is not None)
        return (*foreign, *family.faults(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """A dense layer of the head."""

    dense: Annotated[int, Bound(ge=1, le=8192)]
    """Units."""
    activation: Literal["relu", "relu6"] = "relu"
    l2: Annotated[float, Bound(ge=0.0, le=1.0)] = 0.0
    """Weight of the sum of its squared weights in the loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout:
    """Dropout at this place of the head; absent from every converted file."""

    dropout: Annotated[float, Bound(gt=0.0, lt=1.0)]
    """Share of features dropped in training."""


HeadLayer = Dense | Dropout | Literal["global_average_pool", "batch_norm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The new classifier on the backbone's output."""

    layers: tuple[HeadLayer, ...] = ()
    """In order. The pooling may be left out; batch normalisation is folded into the next dense layer once it is trained."""
    dropout: Annotated[float, Bound(ge=0.0, lt=1.0)] = 0.0
    """Share of features dropped in training before each dense layer, the logits' included; a short way to say it."""
    l2: Annotated[float, Bound(ge=0.0, le=1.0)] = 0.0
    """The same as a dense layer's, for the logits."""

    def faults(self) -> Faults:
        """Pooling comes first, and dropout is said in one way."""
        found = []
        for index, layer in enumerate(self.layers):
            if layer == "global_average_pool" and index:
                found.append((f"layers[{index}]", "the pooling can only be the first layer."))
        if self.dropout and any(isinstance(layer, Dropout) for layer in self.layers):
            found.append(("dropout", "say it here or as layers of the list, not both."))
        return tuple(found)
