"""Bring your own model: a trained network, without a recipe → files in other formats, proved and judged as a run's are.

Input: a `.keras`, `.h5`, SavedModel or `.tflite`, and a folder of photos. The stages are a run's own (`convert`, `verify`), started from
`adopt` instead of from training; each works in a child process. Nothing is kept between calls: all is made in a folder beside the
goal, which takes its place when it is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from edgetl import content, devices, isolation, judging, ledger, registry
from edgetl.errors import EdgetlError, InputError, UnknownName
from edgetl.pipeline import Results, Silent, Watcher
from edgetl.recipe import Backbone, Data, Gates, Network, Phase, Quantize, Recipe, Target
from edgetl.recipefile import LoadedRecipe
from edgetl.report import brought, record
from edgetl.schema import Bound, check
from edgetl.schemes._base import origin as starts_from
from edgetl.stages import adopt
from edgetl.stages._base import Job
from edgetl.store import Step
from edgetl.types import to_json

ENDINGS = (".keras", ".h5", ".hdf5", ".tflite")
"""Of files that can be brought; a SavedModel is a folder."""
OUT = Path("converted")
DEFAULT_DROP = 0.02
"""Largest loss of top-1 that passes, where photos have labels and nothing else is asked."""
_PUBLISHED = ("checkpoint.json", "network.pb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be chosen with `--set`; the first four go to the files that have the choice."""

    io: Literal["float32", "uint8", "int8"] | None = None
    layout: Literal["NHWC", "NCHW"] | None = None
    batch: Literal["fixed", "dynamic"] | None = None
    activation: Literal["auto", "uint8", "int8"] | None = None
    ranges: Literal["minmax", "percentile", "mse"] = "minmax"
    bias_correction: bool = True
    calibration_images: Annotated[int, Bound(ge=1, le=100_000)] = 128
    verification_images: Annotated[int, Bound(ge=1, le=20_000)] = 500
    resize_px: Annotated[int, Bound(ge=8, le=4096)] | None = None
    """Length of a photo's shorter side before the centre is cut out; absent = the side of the network's input."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] | None = None
    max_top1_drop: Annotated[float, Bound(ge=0.0, le=1.0)] | None = None
    min_agreement: Annotated[float, Bound(ge=0.0, le=1.0)] | None = None


_OF_TARGETS = ("io", "layout", "batch", "activation")


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
            values[key] = yaml.safe_load(raw) if equals else None
        except yaml.YAMLError:
            faults.append(f"--set {text}: the value is not YAML.")
        if not equals:
            faults.append(f"--set {text}: must be key=value.")
    found = check(Options, values, lambda key: f"--set {key}", faults) if not faults else None
    if found is None:
        raise InputError("convert: this cannot be done.", faults)
    return found


def convert(wishes: Wishes, watcher: Watcher | None = None) -> dict[str, Any]:
    """Convert a network and prove the files.

    Args:
        wishes: what is asked.
        watcher: is told what happens; None = nobody.

    Returns:
        The content of report.json. `failed` is empty when everything passed.

    Raises:
        EdgetlError: the network cannot be used, or the request does not hold.
    """
    watcher = watcher or Silent()
    recipe, made_first = _recipe(wishes)
    profiles = [devices.load_device(name, "--device") for name in wishes.devices]
    out = wishes.out or OUT / recipe.name
    _check_folder(out)
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    digest = content.digest(wishes.model, "MODEL")
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}_", dir=out.absolute().parent))
    try:
        results = Results()
        adopted = _step(Job(stage="adopt", target="", recipe=recipe, inputs={}, out="", extra=_extra(wishes)), work, results, watcher)
        if adopted is None:
            raise results.failures["adopt"]
        _convert_all(recipe, made_first, adopted, work, results, watcher)
        subject = replace(recipe, gates=_gates(wishes.options, labelled=adopted["labelled"]))
        loaded = LoadedRecipe(subject, str(wishes.model), digest, ())
        known = _known(subject, wishes, results, work)
        judged = record.judge(subject, profiles, results, known, str(out))
        report = brought.told(record.build(loaded, results, judged, None), adopted, work, results)
        _publish(out, work, report, results)
    finally:
        isolation.stop_all()
        shutil.rmtree(work, ignore_errors=True)
    return report


def _recipe(wishes: Wishes) -> tuple[Recipe, tuple[str, ...]]:
    """Put the request into the form that stages read, and list the targets in the order in which they are made.

    Raises:
        InputError: with all faults of the request.
    """
    faults = [f"{where}: no such file or folder." for where in (wishes.model, wishes.calibration, wishes.data) if where and not where.exists()]
    foreign = wishes.model.suffix == ".tflite"
    if wishes.model.is_file() and wishes.model.suffix not in ENDINGS:
        faults.append(f"{wishes.model}: must end in {', '.join(ENDINGS)}, or be a SavedModel's folder.")
    scheme = None
    if foreign and not faults:
        from edgetl.grid import foreign as foreign_files

        scheme = foreign_files.look(wishes.model.read_bytes(), wishes.model.name).scheme
    given = {key: getattr(wishes.options, key) for key in _OF_TARGETS if getattr(wishes.options, key) is not None}
    targets, used = [], set[str]()
    for name in dict.fromkeys(wishes.targets):
        target = _target(name, given, scheme, wishes.model.name, used, faults)
        targets += [target] if target is not None else []
    faults += [f"--set {key}: none of the files asked for has the choice." for key in given if key not in used]
    needs = {target.scheme for target in targets if registry.load("schemes", target.scheme).NEEDS == "calibration"}
    if wishes.calibration is None and wishes.data is None:
        faults.append("--calibration FOLDER: is missing. Photos like those of the app prove the files, and give int8 its ranges.")
    elif needs and wishes.calibration is None and not foreign:
        faults.append(f"--calibration FOLDER: is missing; {', '.join(sorted(needs))} takes its ranges from photos.")
    if wishes.options.max_top1_drop is not None and (wishes.labels is None or wishes.data is None):
        faults.append("--set max_top1_drop: needs photos with labels: --data FOLDER --labels FILE.")
    if faults or not targets:
        raise InputError("convert: this cannot be done.", faults or ["nothing is asked for: --to tflite --scheme w8a8_ptq."])
    ordered = [t.name for t in sorted(targets, key=lambda t: t.scheme in registry.load("converters", t.format).ORIGIN)]
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", wishes.model.stem).lstrip("._-") or "network"
    section = Quantize(
        scheme="w8a8_ptq", calibration_images=wishes.options.calibration_images, ranges=wishes.options.ranges,
        bias_correction=wishes.options.bias_correction,
    )  # fmt: skip
    recipe = Recipe(
        schema=1, name=name[:60], data=Data(source="folder", path=str(wishes.data or wishes.calibration)),
        backbone=Backbone(name="local", network=Network(path=str(wishes.model)), expects="bytes"),
        train=(Phase(phase="none", epochs=1, learning_rate=1e-5),), quantize=section, targets=tuple(targets), devices=wishes.devices,
    )  # fmt: skip
    return recipe, tuple(ordered)


def _target(
    name: str, given: Mapping[str, Any], scheme: str | None, model: str, used: set[str], faults: list[str]
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
    taken = {key: value for key, value in given.items() if key in registry.load("converters", form).OPTIONS}
    if module.ACTIVATION_BITS != 8:
        taken = {key: value for key, value in taken.items() if key not in ("io", "activation")}
    used |= set(taken)
    target = Target(format=form, scheme=wanted, **taken)
    faults += [f"{name}: {what}" for _, what in target.faults()]
    return target


def _extra(wishes: Wishes) -> dict[str, Any]:
    """What the stage `adopt` reads."""
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


def _gates(asked: Options, *, labelled: bool) -> Gates:
    drop = asked.max_top1_drop if asked.max_top1_drop is not None else DEFAULT_DROP
    return Gates(max_top1_drop=drop if labelled else None, min_agreement=asked.min_agreement)


def _step(
    job: Job, work: Path, results: Results, watcher: Watcher, wishes: Mapping[str, str | None] = MappingProxyType({})
) -> dict[str, Any] | None:
    """Run one stage in a child process; None when it failed, which is then noted."""
    step = Step(stage=job.stage, target=job.target)
    out = _folder(work, job.stage, job.target)
    out.mkdir(parents=True)
    watcher.started(step, ())
    begun = time.monotonic()
    log = Path(tempfile.gettempdir()) / f"edgetl-{os.getpid()}-{out.name}.log"
    wanted = wishes or (adopt.ENVIRONMENT if job.stage == "adopt" else {})
    status = "ran"
    try:
        answer: dict[str, Any] | None = isolation.run_job(
            replace(job, out=str(out)), log, lambda event: watcher.event(step, event), wanted
        )
    except EdgetlError as error:
        answer, status, results.failures[step.label] = None, "failed", error
        watcher.failed(step, error)
    seconds = time.monotonic() - begun
    results.stages.append({"name": job.stage, "target": job.target, "status": status, "seconds": round(seconds, 3)})
    if answer is not None:
        results.answers[step.label] = answer
        watcher.finished(step, seconds, answer)
    return answer


def _folder(work: Path, stage: str, target: str) -> Path:
    return work / "-".join(filter(None, (stage, target.replace("/", "_"))))


def _convert_all(
    recipe: Recipe, order: Sequence[str], adopted: dict[str, Any], work: Path, results: Results, watcher: Watcher
) -> None:
    """Convert all targets, and what they start from; then verify them. One that fails leaves the others."""
    taken_over = (work / "adopt" / adopt.ORIGIN).is_dir()
    extra = {"preprocess": adopted["preprocess"]}
    inputs = dict[str, dict[str, str]]()
    for name in order:
        form, _, scheme = name.partition("/")
        inputs[name] = _inputs(work, scheme, taken_over=taken_over)
        first = registry.load("converters", form).ORIGIN.get(scheme)
        if taken_over:
            inputs[name]["origin"] = str(work / "adopt" / adopt.ORIGIN)
        elif first is not None:
            source = f"{first}/{scheme}"
            if f"convert {source}" not in {*results.answers, *results.failures}:
                _step(Job(stage="convert", target=source, recipe=recipe, inputs=inputs[name], out="", extra=extra), work, results, watcher)
            if f"convert {source}" in results.failures:
                results.failures.setdefault(f"convert {name}", EdgetlError(f"convert {name}: was not tried, because {source} failed."))
                continue
            inputs[name]["origin"] = str(_folder(work, "convert", source))
        if f"convert {name}" not in {*results.answers, *results.failures}:
            _step(Job(stage="convert", target=name, recipe=recipe, inputs=inputs[name], out="", extra=extra), work, results, watcher)
    for name in order:
        if f"convert {name}" in results.answers:
            given = {**inputs[name], "convert": str(_folder(work, "convert", name))}
            if name.endswith("/fp32"):
                given.pop("origin", None)  # a float file is held against answers, not against integers
            _step(Job(stage="verify", target=name, recipe=recipe, inputs=given, out="", extra=extra), work, results, watcher)


def _inputs(work: Path, scheme: str, *, taken_over: bool) -> dict[str, str]:
    """Folders that stages start from, by the role that a run's steps have there."""
    home = work / "adopt"
    roles = {"prepare": str(home), "finetune": str(home / adopt.CHECKPOINT)}
    module = registry.load("schemes", scheme)
    if module.NEEDS == "calibration":
        roles["quantize"] = str(home / (adopt.CHECKPOINT if taken_over else scheme))
    assert starts_from(module) in roles
    return roles


def _known(recipe: Recipe, wishes: Wishes, results: Results, work: Path) -> dict[str, judging.Found]:
    """Gather what is known of the files on the devices."""
    made = [t for t in recipe.targets if f"convert {t.name}" in results.answers]
    files = []
    for target in made:
        answer = results.answers[f"convert {target.name}"]
        path = _folder(work, "convert", target.name) / answer["path"]
        files.append(judging.File(path=path, format=target.format, scheme=target.scheme, sha256=answer["sha256"]))
    found = judging.gather(files, wishes.devices, Path(ledger.FOLDER))
    return dict(zip((t.name for t in made), found, strict=True))


def _check_folder(folder: Path) -> None:
    """Refuse to publish where something lies that an earlier call did not write."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out: {folder}: is a file. Choose a folder.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    try:
        own = "model" in json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        own = False
    if not own:
        raise InputError(f"--out: {folder}: holds files that no earlier conversion wrote. Choose an empty folder.")


def _publish(out: Path, work: Path, report: dict[str, Any], results: Results) -> None:
    """Put everything in place at once."""
    fresh = work / "published"
    (fresh / "artifacts").mkdir(parents=True)
    for artifact in report["artifacts"]:
        if artifact["path"] is not None:
            name = f"{artifact['format']}/{artifact['scheme']}"
            source = _folder(work, "convert", name) / results.answers[f"convert {name}"]["path"]
            source.rename(fresh / artifact["path"])
    home = work / "adopt"
    for folder in (home / adopt.CHECKPOINT, *sorted({home / t["scheme"] for t in report["artifacts"]})):
        goal = fresh / "checkpoint" if folder.name == adopt.CHECKPOINT else fresh / "checkpoint" / folder.name
        for name in _PUBLISHED:
            if (folder / name).is_file() and (folder / "network.pb").is_file():
                goal.mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / name, goal / name)
    (fresh / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (fresh / "report.md").write_text(brought.text(report), encoding="utf-8")
    if out.is_dir():
        out.rename(work / "before")
    fresh.rename(out)
