"""A recipe: what one run does, section by section, with the rules that each section must keep. Read by `edgetl.recipefile`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from edgetl import devices, registry
from edgetl.errors import InputError, did_you_mean
from edgetl.schema import Bound, MinItems, OneOf, Pattern
from edgetl.types import Preprocess

Faults = tuple[tuple[str, str], ...]
"""(key relative to the section, what is wrong) of the rules that a single field cannot express."""

Name = Annotated[str, Pattern("[a-z0-9][a-z0-9_.-]{0,63}", "a name of lower-case letters, digits, '_', '-' and '.'")]
Epochs = Annotated[int, Bound(ge=1, le=10_000)]
Rate = Annotated[float, Bound(gt=0.0, le=1.0)]
BatchSize = Annotated[int, Bound(ge=1, le=4096)]
Ratio = Annotated[float, Bound(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class _Profile:
    """A device profile that can be loaded."""

    def fault(self, value: str) -> str | None:
        try:
            devices.load_device(value)
        except InputError as error:
            return str(error)
        return None


DeviceName = Annotated[str, _Profile()]
SourceName = Annotated[str, OneOf("source of images", lambda: registry.names("datasets"))]
BackboneName = Annotated[str, OneOf("backbone", lambda: registry.names("backbones"))]
SchemeName = Annotated[str, OneOf("scheme", lambda: registry.names("schemes"))]
FormatName = Annotated[str, OneOf("converter", lambda: registry.names("converters"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """How images are dealt to training, validation and test, when the folders do not say it themselves."""

    train: Ratio = 0.6
    val: Ratio = 0.2
    test: Ratio = 0.2
    seed: Annotated[int, Bound(ge=0)] = 0

    def faults(self) -> Faults:
        """The fractions make one whole and each split gets something."""
        total = self.train + self.val + self.test
        if abs(total - 1.0) > 1e-6:
            return (("", f"train + val + test make {total:g}; they must make 1."),)
        return tuple((n, "must be above 0.") for n in ("train", "val", "test") if getattr(self, n) == 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where the labelled images come from."""

    source: SourceName
    path: str | None = None
    """For `folder`: the folder; relative to the recipe's own folder."""
    name: str | None = None
    """For `builtin`: which set."""
    split: SplitSpec = SplitSpec()
    on_bad_image: Literal["error", "skip"] = "error"

    def faults(self) -> Faults:
        """Each source has what it needs and nothing else."""
        needs, other = ("path", "name") if self.source == "folder" else ("name", "path")
        found: list[tuple[str, str]] = []
        if getattr(self, needs) is None:
            found.append(("", f"key '{needs}' is missing: source {self.source} needs it."))
        if getattr(self, other) is not None:
            found.append((other, f"does not go with source {self.source}."))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """Weights in a file of the user's."""

    path: str
    """A keras.applications `.h5`, a `.weights.h5` or a `.keras`; relative to the recipe's own folder."""
    sha256: Annotated[str, Pattern("[0-9a-f]{64}", "a sha256 (64 hexadecimal digits)")] | None = None


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

    def faults(self) -> Faults:
        """What the family itself refuses: a variant, a width or weights that it does not have."""
        found: Faults = registry.load("backbones", self.name).faults(self)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLayer:
    """One dense layer between the pooled features and the logits."""

    dense: Annotated[int, Bound(ge=1, le=8192)]
    """Units."""
    activation: Literal["relu", "relu6"] = "relu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The new classifier on the backbone's pooled output."""

    layers: tuple[HeadLayer, ...] = ()
    dropout: Annotated[float, Bound(ge=0.0, lt=1.0)] = 0.0
    """Share of features dropped in training, before each dense layer; absent from every converted file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """Random changes to training images, drawn anew each epoch from the recipe's seed."""

    flip: bool = False
    """Mirror left to right, half of the time."""
    zoom: Annotated[float, Bound(ge=0.0, lt=1.0)] = 0.0
    """Cut away up to this share of the side, at a random place, and scale back."""
    brightness: Annotated[float, Bound(ge=0.0, lt=1.0)] = 0.0
    """Multiply all pixels by 1 ± up to this."""
    contrast: Annotated[float, Bound(ge=0.0, lt=1.0)] = 0.0
    """Stretch around the image's mean by 1 ± up to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of fine-tuning; phases run in order, each from the best weights of the one before."""

    phase: Name
    freeze: Literal["all", "none"] | None = None
    """`all`: only the head learns. `none`: everything learns."""
    unfreeze_from: str | None = None
    """Name of the first backbone layer that learns; everything before it stays frozen."""
    epochs: Epochs
    learning_rate: Rate
    batch_size: BatchSize = 32
    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate over the phase: falling to zero on a cosine, or as given."""
    label_smoothing: Annotated[float, Bound(ge=0.0, lt=1.0)] = 0.0
    batch_norm: Literal["inference", "update"] = "inference"
    """`inference`: batch normalisation keeps its statistics, also where layers learn. `update`: it follows the batches there."""
    patience: Epochs | None = None
    """Stop the phase when validation loss has not improved for so many epochs; absent = never."""

    def faults(self) -> Faults:
        """Exactly one of the two ways to say what learns."""
        if (self.freeze is None) == (self.unfreeze_from is None):
            return (("", "give either 'freeze' or 'unfreeze_from'."),)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantize:
    """How the trained network is made ready for integers."""

    scheme: SchemeName
    epochs: Epochs = 3
    learning_rate: Rate = 1e-5
    batch_size: BatchSize = 32
    calibration_images: Annotated[int, Bound(ge=1, le=100_000)] = 128
    """Training images, spread over the classes, from which activation ranges are taken."""
    bias_correction: bool = True
    """Take the mean error that rounding the weights causes out of each layer's bias, before any training."""
    ranges: Literal["minmax", "percentile", "mse"] = "minmax"
    """How much of the activations seen on them to keep: all, all but one in ten thousand at each end, or what gives the least
    squared error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One file to make."""

    format: FormatName
    scheme: SchemeName
    io: Literal["float32", "uint8", "int8"] = "float32"
    """Type of input and output of an int8 file; `uint8` takes the bytes of the picture as they are."""
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    """ONNX: order of the input's axes."""
    batch: Literal["fixed", "dynamic"] = "fixed"
    """ONNX: one image at a time, or any number."""
    activation: Literal["auto", "uint8", "int8"] = "auto"
    """ONNX, int8: type of the values between operators. `auto` is uint8, which onnxruntime fuses wholly on x86 and on ARM."""

    @property
    def name(self) -> str:
        """`format/scheme`, as the command line and the reports write it."""
        return f"{self.format}/{self.scheme}"

    def faults(self) -> Faults:
        """The format can hold the scheme."""
        schemes = tuple(registry.load("converters", self.format).SCHEMES)
        if self.scheme not in schemes:
            allowed = ", ".join(schemes)
            return (("scheme", f"{self.format} cannot hold {self.scheme}. It can hold: {allowed}."),)
        found = []
        for field in fields(self)[2:]:
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if field.name not in registry.load("converters", self.format).OPTIONS:
                found.append((field.name, f"{self.format} has no choice of {field.name}."))
            elif field.name in ("io", "activation") and registry.load("schemes", self.scheme).ACTIVATION_BITS != 8:
                found.append((field.name, f"{value} is for files with 8-bit activations; {self.scheme} has none."))
        if self.format == "onnx" and self.io not in ("float32", {"int8": "int8"}.get(self.activation, "uint8")):
            found.append(("io", f"{self.io} input and output need activation: {self.io}."))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """How artifacts are timed on this host."""

    runs: Annotated[int, Bound(ge=10, le=100_000)] = 200
    warmup: Annotated[int, Bound(ge=1, le=10_000)] = 20
    threads: Annotated[tuple[Annotated[int, Bound(ge=1, le=256)], ...], MinItems(1)] | None = None
    """Thread counts to time; absent = one, and all cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What every artifact must reach on the test split."""

    min_top1: Ratio | None = None
    max_top1_drop: Ratio | None = None
    """Largest loss of top-1 against the float checkpoint."""
    min_agreement: Ratio | None = None
    """Least share of images on which the artifact names the same class as the float checkpoint."""
    on_unsure: Literal["warn", "fail"] = "warn"
    """`fail`: a gate that too few images can decide counts as failed (exit 1, no bundle)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything one run does."""

    schema: Literal[1]
    name: Name
    description: str = ""
    data: Data
    backbone: Backbone
    head: Head = Head()
    augment: Augment = Augment()
    train: Annotated[tuple[Phase, ...], MinItems(1)]
    quantize: Quantize | None = None
    targets: Annotated[tuple[Target, ...], MinItems(1)]
    devices: tuple[DeviceName, ...] = ()
    """Names of profiles, or paths of `.yaml` profiles of your own, relative to the recipe's folder."""
    gates: Gates = Gates()
    benchmark: Benchmark = Benchmark()
    seed: Annotated[int, Bound(ge=0, le=2**31 - 1)] = 0

    @property
    def preprocess(self) -> Preprocess:
        """What happens to a photo before it reaches the network; one definition for every stage.

        The shorter side is resized to 8/7 of the input and the centre kept (256 → 224, the usual evaluation crop of ImageNet
        models), except for built-in sets, whose images are already the object alone.
        """
        px = self.backbone.input_px
        return Preprocess(resize_px=px if self.data.source == "builtin" else -(-px * 8 // 7), crop_px=px)

    def faults(self) -> Faults:
        """Rules across sections."""
        found: list[tuple[str, str]] = []
        for index, target in enumerate(self.targets):
            if target.name in [other.name for other in self.targets[:index]]:
                found.append((f"targets[{index}]", f"{target.name} is given twice."))
            needs = registry.load("schemes", target.scheme).NEEDS
            if needs == "training" and (self.quantize is None or self.quantize.scheme != target.scheme):
                what = f"a 'quantize' section with scheme: {target.scheme}"
                found.append((f"targets[{index}].scheme", f"{target.scheme} is trained: it needs {what}."))
        layers = registry.load("backbones", self.backbone.name).layer_names(self.backbone)
        for index, phase in enumerate(self.train):
            if phase.phase in [p.phase for p in self.train[:index]]:
                found.append((f"train[{index}].phase", f"{phase.phase!r} is given twice."))
            if phase.unfreeze_from is not None and phase.unfreeze_from not in layers:
                near = did_you_mean(phase.unfreeze_from, layers).partition(" Known")[0]
                what = f"{self.backbone.name} has no layer {phase.unfreeze_from!r}. {near}"
                found.append((f"train[{index}].unfreeze_from", what))
        for index, name in enumerate(self.devices):
            if name in self.devices[:index]:
                found.append((f"devices[{index}]", f"{name!r} is given twice."))
        return tuple(found)
