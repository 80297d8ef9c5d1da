"""Sections of a recipe about what is made of the trained network: integers, files, times, gates."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from edgetl import registry, versions
from edgetl.recipe._names import BatchSize, Epochs, Faults, FormatName, LayerName, Rate, Ratio, SchemeName
from edgetl.schema import Bound, MinItems, Pattern

_VERSION = Pattern(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}", "a version of letters, digits, '.', '+' and '-'")
_LINE = Pattern(r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{0,512}", "one line of at most 512 printable characters")
_RUNTIME = Pattern(r"1\.\d{1,3}(\.\d{1,3})?", "a version of onnxruntime, as '1.16' (with quotes)")


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
    keep_float: Literal["auto"] | tuple[LayerName, ...] = ()
    """Layers of an int8 network that compute in float, the same ones in every format: names of the float network's layers, each
    with what is fused to it; `auto`: the fewest with which validation images lose no more than `max_top1_drop`."""
    max_top1_drop: Ratio | None = None
    """`keep_float: auto`: largest loss of top-1 on the validation split against the float network; absent = 0.005."""

    def faults(self) -> Faults:
        """Only an int8 network has layers to keep in float, and only `auto` reads the loss that is allowed."""
        found = []
        able = [name for name in registry.names("schemes") if hasattr(registry.load("schemes", name), "wrap")]
        if self.keep_float and self.scheme not in able:
            found.append(("keep_float", f"{self.scheme} has no int8 layers to except; schemes that have: {', '.join(able)}."))
        if self.max_top1_drop is not None and self.keep_float != "auto":
            what = "is read with keep_float: auto only; the limit of every artifact is gates.max_top1_drop."
            found.append(("max_top1_drop", what))
        if isinstance(self.keep_float, tuple):
            twice = [name for index, name in enumerate(self.keep_float) if name in self.keep_float[:index]]
            found += [("keep_float", f"{name!r} is given twice.") for name in dict.fromkeys(twice)]
        return tuple(found)


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

    client: Literal["any", "mediapipe"] = "any"
    """TFLite: who loads it. `mediapipe`: MediaPipe's ImageClassifier must, so what that refuses is refused here."""
    normalise: Literal["app", "graph"] = "app"
    """TFLite and ONNX in float: who computes (byte - mean) / std. `graph`: the file, whose input is then the bytes as float32."""
    runtime: Annotated[str, _RUNTIME] | None = None
    """ONNX: oldest onnxruntime that must load the file, as `"1.16"` (with quotes); opset and IR version are stamped for it."""
    ort: bool = False
    """ONNX: write the `.ort` file beside it, and the operators that a minimal build of onnxruntime must have."""

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
        return (*found, *self._client_faults()) if not found else tuple(found)

    def _client_faults(self) -> Faults:
        """What the programs that are to load the file refuse."""
        found = []
        if self.client == "mediapipe" and self.io == "int8":
            what = "MediaPipe's ImageClassifier takes uint8 or float32, not int8. Say io: uint8; its answers are the same."
            found.append(("io", what))
        integers = registry.load("schemes", self.scheme).ARITHMETIC[0] != "float32"
        if self.normalise == "graph" and integers:
            fix = "Say io: uint8: then it takes the bytes." if self.scheme != "w8a16" else "Leave normalise out."
            found.append(("normalise", f"graph is for files that compute in float; {self.scheme} computes in integers. {fix}"))
        if self.runtime is not None and versions.onnx_limits(self.runtime) is None:
            found.append(("runtime", f"onnxruntime {self.runtime} is older than the table of versions; ask for 1.0 or newer."))
        if self.ort and self.runtime is not None:
            what = "is loaded by the onnxruntime that wrote it and by newer ones; runtime may be older. Leave one of them out."
            found.append(("ort", what))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship:
    """What the shipped files and their bundle say of themselves."""

    title: Annotated[str, _LINE] = ""
    """What clients show; absent = the recipe's name."""
    version: Annotated[str, _VERSION] = "0.1.0"
    """Of the model, as its users count: `1.4.0`."""
    author: Annotated[str, _LINE] = ""
    licence: Annotated[str, _LINE] = ""
    """Of the model as a whole, as an SPDX expression (`Apache-2.0`) or in words."""
    score_calibration: bool = False
    """TFLite: have MediaPipe's ImageClassifier turn each class' score into the share of validation photos with such a score that
    are of the class (Platt scaling of each class alone, so its scores no longer sum to one, and near ties may be ranked anew)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """How artifacts are timed on this host."""

    runs: Annotated[int, Bound(ge=10, le=100_000)] = 200
    """Inferences that count."""
    warmup: Annotated[int, Bound(ge=1, le=10_000)] = 20
    """Inferences that are dropped at least; more are, until the times are steady."""
    threads: Annotated[tuple[Annotated[int, Bound(ge=1, le=256)], ...], MinItems(1)] | None = None
    """Thread counts to time; absent = one, and all cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What every artifact must reach on the test split."""

    min_top1: Ratio | None = None
    max_top1_drop: Ratio | None = None
    """Largest loss of top-1 against the float checkpoint."""
    max_class_drop: Ratio | None = None
    """Largest loss of any one class's share of right answers against the float checkpoint."""
    min_agreement: Ratio | None = None
    """Least share of images on which the artifact names the same class as the float checkpoint."""
    wanted_precision: Annotated[float, Bound(gt=0.0, lt=1.0)] = 0.95
    """Precision of the answers that an app need not abstain from; the evaluation tells from which confidence on it is reached."""
    on_unsure: Literal["warn", "fail"] = "warn"
    """`fail`: a gate that too few images can decide counts as failed (exit 1, no bundle)."""
