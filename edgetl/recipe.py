"""A recipe: one YAML file that says how photos become files on a phone.

Input: a path (or the name of a recipe that comes with edgetl) and `--set` overrides. Output: a frozen `Recipe`, or every fault
of the file at once as `file:line: key: what`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from edgetl import devices, places, registry
from edgetl.errors import InputError, RecipeError, UnknownName, did_you_mean
from edgetl.schema import Bound, MinItems, OneOf, Pattern, check, json_schema
from edgetl.types import Preprocess
from edgetl.yamlfile import YamlFile, read_yaml

Faults = tuple[tuple[str, str], ...]
"""(key relative to the section, what is wrong) of the rules that a single field cannot express."""

Name = Annotated[str, Pattern("[a-z0-9][a-z0-9_.-]{0,63}", "a name of lower-case letters, digits, '_', '-' and '.'")]
Epochs = Annotated[int, Bound(ge=1, le=10_000)]
Rate = Annotated[float, Bound(gt=0.0, le=1.0)]
BatchSize = Annotated[int, Bound(ge=1, le=4096)]
Ratio = Annotated[float, Bound(ge=0.0, le=1.0)]
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
    alpha: Annotated[float, Bound(gt=0.0, le=4.0)] = 1.0
    """Width multiplier."""
    input_px: Annotated[int, Bound(ge=32, le=1024)] = 224
    """Side of the square input."""
    weights: Literal["imagenet", "bundled", "none"] | WeightsFile = "imagenet"

    def faults(self) -> Faults:
        """What the family itself refuses: a width or weights that it does not have."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One file to make."""

    format: FormatName
    scheme: SchemeName

    @property
    def name(self) -> str:
        """`format/scheme`, as the command line and the reports write it."""
        return f"{self.format}/{self.scheme}"

    def faults(self) -> Faults:
        """The format can hold the scheme."""
        schemes = tuple(registry.load("converters", self.format).SCHEMES)
        if self.scheme not in schemes:
            allowed = ", ".join(schemes)
            return (("scheme", f"{self.format} cannot hold {self.scheme} yet. It can hold: {allowed}."),)
        return ()


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
    devices: tuple[str, ...] = ()
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
            if target in self.targets[:index]:
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
            try:
                devices.load_device(name)
            except InputError as error:
                found.append((f"devices[{index}]", str(error)))
            if name in self.devices[:index]:
                found.append((f"devices[{index}]", f"{name!r} is given twice."))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe and where it came from."""

    recipe: Recipe
    path: str
    sha256: str
    """Of the recipe's values with overrides applied, as canonical JSON; independent of comments and layout."""
    overrides: tuple[str, ...]


def find_recipe(name: str) -> Path:
    """Turn what a user typed into a path.

    Args:
        name: a path of a YAML file, or the bare name of a recipe that comes with edgetl.

    Returns:
        The path of an existing file.

    Raises:
        UnknownName: neither.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or os.sep in name or path.exists():
        return path
    shipped = {p.stem: p for p in sorted(places.shipped("recipes").glob("*.yaml"))}
    if name not in shipped:
        raise UnknownName("recipe", name, shipped)
    return shipped[name]


def load_recipe(name: str, overrides: tuple[str, ...] = ()) -> LoadedRecipe:
    """Read a recipe and check all of it.

    Args:
        name: a path, or the name of a recipe that comes with edgetl.
        overrides: `key.path=value` pairs; the value is read as YAML. Paths in them are relative to the working folder.

    Returns:
        The recipe.

    Raises:
        RecipeError: with every fault found.
        InputError: the file cannot be read.
    """
    path = find_recipe(name)
    file = read_yaml(path)
    faults: list[str] = []
    overridden: set[str] = set()
    for text in overrides:
        complaint = _override(file, text, overridden)
        if complaint:
            faults.append(f"--set {text}: {complaint}")

    def where(key: str) -> str:
        return f"--set {key}" if any(key == k or key.startswith(k) for k in overridden) else file.where(key)

    canonical = json.dumps(file.value, sort_keys=True, ensure_ascii=False, default=str)
    if not faults:
        _resolve_paths(file.value, path.parent, overridden)
    recipe = check(Recipe, file.value, where, faults)
    if recipe is None or faults:
        raise RecipeError(f"{file.path}: {len(faults)} fault(s). Nothing was run.", faults)
    return LoadedRecipe(recipe, file.path, hashlib.sha256(canonical.encode()).hexdigest(), overrides)


def recipe_json_schema() -> dict[str, Any]:
    """JSON Schema of a recipe file, for editors."""
    return json_schema(Recipe, "edgetl recipe")


def _override(file: YamlFile, text: str, overridden: set[str]) -> str | None:
    """Put one `key=value` into the values; return what is wrong with it, or None."""
    import yaml

    key, equals, raw = text.partition("=")
    steps = re.findall(r"[^.\[\]]+|\[\d+\]", key)
    if not equals or not steps or re.sub(r"\.?([^.\[\]]+|\[\d+\])", "", key):
        return "must be key.path=value, for example train[0].epochs=3."
    try:
        value = yaml.safe_load(raw) if raw else None
    except yaml.YAMLError:
        return "the value is not YAML."
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+[eE][-+]?\d+", value):
        value = float(value)  # 1e-3, as in the files
    holder: Any = file.value
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        index: Any = int(step[1:-1]) if step.startswith("[") else step
        if isinstance(index, int):
            if not isinstance(holder, list) or index >= len(holder):
                return f"there is no item {step}."
        elif not isinstance(holder, dict):
            return f"'{step}' is not below a mapping."
        if not following:
            holder[index] = value
        elif isinstance(index, str) and not isinstance(holder.get(index), dict | list):
            holder[index] = {}  # `weights: imagenet` gives way to `weights: {path: …}`
        holder = holder[index]
    overridden.add(key)
    return None


def _resolve_paths(values: Any, folder: Path, overridden: set[str]) -> None:
    """Make the paths of the file relative to the working folder, as those of `--set` already are."""
    for section, *keys in (("data", "path"), ("backbone", "weights", "path")):
        holder = values.get(section) if isinstance(values, dict) else None
        for key in keys[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        dotted = ".".join((section, *keys))
        given = any(dotted == k or dotted.startswith(f"{k}.") for k in overridden)
        if isinstance(holder, dict) and isinstance(holder.get(keys[-1]), str) and not given:
            holder[keys[-1]] = str(folder / holder[keys[-1]])
    profiles = values.get("devices") if isinstance(values, dict) else None
    if isinstance(profiles, list) and not any(k.startswith("devices") for k in overridden):
        values["devices"] = [str(folder / d) if isinstance(d, str) and d.endswith((".yaml", ".yml")) else d for d in profiles]
