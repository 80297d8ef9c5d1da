"""What may be asked of `edgetl convert MODEL`, checked before anything runs, and put into the form that stages read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from edgetl import registry
from edgetl.errors import InputError, UnknownName
from edgetl.recipe import Backbone, Data, Network, Phase, Quantize, Recipe, Ship, Target
from edgetl.schema import Bound, check

ENDINGS = (".keras", ".h5", ".hdf5", ".tflite")
"""Of files that can be brought; a SavedModel is a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be chosen with `--set`; the first eight go to the files that have the choice, the last five into all of them."""

    io: Literal["float32", "uint8", "int8"] | None = None
    layout: Literal["NHWC", "NCHW"] | None = None
    batch: Literal["fixed", "dynamic"] | None = None
    activation: Literal["auto", "uint8", "int8"] | None = None
    client: Literal["any", "mediapipe"] | None = None
    normalise: Literal["app", "graph"] | None = None
    runtime: str | None = None
    ort: bool | None = None
    ranges: Literal["minmax", "percentile", "mse"] = "minmax"
    bias_correction: bool = True
    calibration_images: Annotated[int, Bound(ge=1, le=100_000)] = 128
    verification_images: Annotated[int, Bound(ge=1, le=20_000)] = 500
    resize_px: Annotated[int, Bound(ge=8, le=4096)] | None = None
    """Length of a photo's shorter side before the centre is cut out; absent = the side of the network's input."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] | None = None
    keep_float: tuple[str, ...] = ()
    """Layers of int8 files that compute in float, as the flat network names them."""
    max_top1_drop: Annotated[float, Bound(ge=0.0, le=1.0)] | None = None
    min_agreement: Annotated[float, Bound(ge=0.0, le=1.0)] | None = None
    title: str = ""
    description: str = ""
    version: str | None = None
    author: str = ""
    licence: str = ""


_OF_TARGETS = ("io", "layout", "batch", "activation", "client", "normalise", "runtime", "ort")
_TEXTS = ("runtime", "title", "description", "version", "author", "licence")
"""Values that are taken as they are: 1.10 is no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """One call."""

    model: Path
    targets: tuple[str, ...]
    """`format/scheme` each."""
    calibration: Path | None
    data: Path | None
    labels: tuple[str, ...] | None
    """Class names in the order of the network's outputs."""
    feed: tuple[tuple[float, float, float], tuple[float, float, float]] | None
    """Mean and deviation that make the network's input from bytes, one a channel; None: the network says it."""
    px: int | None
    out: Path | None
    replace: bool = False
    """Files of another conversion that lie in `out` may go."""
    devices: tuple[str, ...] = ()
    options: Options = Options()


def options(texts: Sequence[str]) -> Options:
    """Read `--set key=value`.

    Args:
        texts: one each; the value is read as YAML.

    Returns:
        The options.

    Raises:
        InputError: with all faults.
    """
    import yaml

    values: dict[str, Any] = {}
    faults: list[str] = []
    for text in texts:
        key, equals, raw = text.partition("=")
        try:
            values[key] = (raw if key in _TEXTS else yaml.safe_load(raw)) if equals else None
        except yaml.YAMLError:
            faults.append(f"--set {text}: the value is not YAML.")
        if key == "keep_float" and isinstance(values.get(key), str):
            values[key] = [name.strip() for name in values[key].split(",") if name.strip()]
        if not equals:
            faults.append(f"--set {text}: must be key=value.")
    found = check(Options, values, lambda key: f"--set {key}", faults) if not faults else None
    if found is None:
        raise InputError("convert: this cannot be done.", faults)
    return found


def recipe_of(wishes: Wishes) -> tuple[Recipe, tuple[str, ...]]:
    """Put the request into the form that stages read, and list the targets in the order in which they are made.

    Args:
        wishes: what is asked.

    Returns:
        A recipe whose targets, options and devices are those asked for, and the targets' names in order.

    Raises:
        InputError: with all faults of the request.
    """
    faults = [
        f"{where}: no such file or folder."
        for where in (wishes.model, wishes.calibration, wishes.data)
        if where and not where.exists()
    ]
    foreign = wishes.model.suffix == ".tflite"
    if wishes.model.is_file() and wishes.model.suffix not in ENDINGS:
        faults.append(f"{wishes.model}: must end in {', '.join(ENDINGS)}, or be a SavedModel's folder.")
    scheme = None
    if foreign and not faults:
        from edgetl.grid import foreign as foreign_files

        scheme = foreign_files.look(wishes.model.read_bytes(), wishes.model.name).scheme
    given = {key: getattr(wishes.options, key) for key in _OF_TARGETS if getattr(wishes.options, key) is not None}
    targets, used, able = [], set[str](), []
    for name in dict.fromkeys(wishes.targets):
        before = len(faults)
        target = _target(name, given, scheme, wishes.model.name, wishes.model.is_dir(), used, faults)
        targets += [target] if target is not None else []
        able += [name] if len(faults) == before else []
    if 0 < len(able) < len(set(wishes.targets)):
        faults.append(
            f"without these, it can be done: {' '.join(f'--target {name}' for name in able)} instead of --to and --scheme."
        )
    faults += [f"--set {key}: none of the files asked for has the choice." for key in given if key not in used]
    if wishes.options.keep_float and (foreign or not any(hasattr(registry.load("schemes", t.scheme), "wrap") for t in targets)):
        faults.append("--set keep_float: is for int8 files that are made of a network in float; none is asked for.")
    needs = {target.scheme for target in targets if registry.load("schemes", target.scheme).NEEDS == "calibration"}
    if wishes.calibration is None and wishes.data is None:
        faults.append("--calibration FOLDER: is missing. Photos like those of the app prove the files, and give int8 its ranges.")
    elif needs and wishes.calibration is None and not foreign:
        faults.append(f"--calibration FOLDER: is missing; {', '.join(sorted(needs))} takes its ranges from photos.")
    if wishes.options.max_top1_drop is not None and wishes.labels is None:
        faults.append("--set max_top1_drop: needs the names of the classes, --labels FILE, and photos in folders of these names.")
    told = {key: value for key in ("title", "version", "author", "licence") if (value := getattr(wishes.options, key))}
    ship = check(Ship, told, lambda key: f"--set {key}", faults)
    if faults or not targets:
        raise InputError("convert: this cannot be done.", faults or ["nothing is asked for: --to tflite --scheme w8a8_ptq."])
    ordered = [t.name for t in sorted(targets, key=lambda t: t.scheme in registry.load("converters", t.format).ORIGIN)]
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", wishes.model.stem).lstrip("._-") or "network"
    section = Quantize(
        scheme="w8a8_ptq", calibration_images=wishes.options.calibration_images, ranges=wishes.options.ranges,
        bias_correction=wishes.options.bias_correction, keep_float=wishes.options.keep_float,
    )  # fmt: skip
    recipe = Recipe(
        schema=1, name=name[:60], data=Data(source="folder", path=str(wishes.data or wishes.calibration)),
        backbone=Backbone(name="local", network=Network(path=str(wishes.model)), expects="bytes"),
        train=(Phase(phase="none", epochs=1, learning_rate=1e-5),), quantize=section, targets=tuple(targets),
        description=wishes.options.description, devices=wishes.devices, ship=ship or Ship(),
    )  # fmt: skip
    return recipe, tuple(ordered)


def _target(
    name: str, given: Mapping[str, Any], scheme: str | None, model: str, whole: bool, used: set[str], faults: list[str]
) -> Target | None:
    """Read one `format/scheme`, with those of the options that its format has."""
    form, _, wanted = name.partition("/")
    for kind, value in (("converters", form), ("schemes", wanted)):
        if value not in registry.names(kind):
            faults.append(str(UnknownName(kind[:-1], value, registry.names(kind))))
            return None
    module = registry.load("schemes", wanted)
    if scheme is not None:
        if form == "tflite":
            faults.append(f"{name}: {model} is a TFLite file already.")
            return None
        if wanted != scheme:
            faults.append(f"{name}: {model} can only be taken over as it is, which is {scheme}.")
            return None
        if form == "coreml" and scheme == "fp32":
            faults.append(f"{name}: no way leads from a float TFLite file to Core ML. Convert the network it was made from.")
            return None
    elif module.NEEDS == "training":
        able = [s for s in registry.load("converters", form).SCHEMES if registry.load("schemes", s).NEEDS != "training"]
        what = "is trained, which needs a recipe with labelled photos (backbone: {name: local, network: {path: …}})"
        faults.append(f"{name}: {wanted} {what}. Without: {', '.join(able)}.")
        return None
    elif hasattr(module, "wrap") and whole:
        able = [s for s in registry.load("converters", form).SCHEMES if registry.load("schemes", s).NEEDS != "training"]
        able = [s for s in able if not hasattr(registry.load("schemes", s), "wrap")]
        faults.append(
            f"{name}: {model} is a SavedModel, one function without layers, so its activations cannot be quantized. Save the "
            f"network with model.save('{model}.keras'), or take one of: {', '.join(able)}."
        )
        return None
    taken = {key: value for key, value in given.items() if key in registry.load("converters", form).OPTIONS}
    if module.ACTIVATION_BITS != 8:
        taken = {key: value for key, value in taken.items() if key not in ("io", "activation")}
    if scheme is not None or module.ARITHMETIC[0] != "float32":  # the file takes what it takes; an int8 file has io
        taken.pop("normalise", None)
    used |= set(taken)
    return check(Target, {"format": form, "scheme": wanted, **taken}, lambda key: f"{name}: {key}" if key in given else name, faults)


def extra_of(wishes: Wishes) -> dict[str, Any]:
    """Say what the stage `adopt` reads of a request, as plain JSON.

    Args:
        wishes: what is asked.

    Returns:
        `Job.extra`.
    """
    asked = wishes.options
    return {
        "model": str(wishes.model),
        "px": wishes.px,
        "feed": None if wishes.feed is None else {"mean": wishes.feed[0], "std": wishes.feed[1]},
        "calibration": str(wishes.calibration) if wishes.calibration else None,
        "data": str(wishes.data) if wishes.data else None,
        "labels": wishes.labels,
        "verification_images": asked.verification_images,
        "resize_px": asked.resize_px,
        "interpolation": asked.interpolation,
        "scheme": wishes.targets[0].partition("/")[2],
    }
