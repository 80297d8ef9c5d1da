"""Bring your own model: a trained network, without a recipe → files in other formats, proved and judged as a run's are.

Input: a `.keras`, `.h5`, SavedModel or `.tflite`, and a folder of photos. The stages are a run's own (`convert`, `verify`), begun
with `adopt` instead of training; each works in a child process. Nothing is kept between calls: all is made in a folder beside the
goal, which takes its place when it is whole.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgetl import content, devices, isolation, judging, ledger, registry
from edgetl.conversion_request import Options, Wishes, extra_of, recipe_of
from edgetl.errors import DataError, EdgetlError, InputError
from edgetl.pipeline import Results, Silent, Watcher
from edgetl.recipe import Gates, Recipe, Source
from edgetl.recipefile import LoadedRecipe
from edgetl.report import brought, flips, record
from edgetl.report.page import render
from edgetl.schemes._base import origin as starts_from
from edgetl.stages import adopt
from edgetl.stages._base import Job
from edgetl.store import Step
from edgetl.types import to_json

OUT = Path("converted")
DEFAULT_DROP = 0.02
"""Largest loss of top-1 that passes, where photos have labels and nothing else is asked."""
DEFAULT_AGREEMENT = 0.95
"""Least share of photos on which a file must name the original's class, where no photo has a label and nothing else is asked. Our
choice: nobody expects of a conversion that it changes more than one answer in twenty, and 59 photos can show that it does not."""
_PUBLISHED = ("checkpoint.json", "network.pb")


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
    recipe, made_first = recipe_of(wishes)
    profiles = [devices.load_device(name, "--device") for name in wishes.devices]
    out = wishes.out or OUT / recipe.name
    _check_photos(wishes)
    digest = content.digest(wishes.model, "MODEL")
    _check_folder(out, recipe, digest, replaced=wishes.replace)
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}_", dir=out.absolute().parent))
    try:
        results = Results()
        adopted = _step(
            Job(stage="adopt", target="", recipe=recipe, inputs={}, out="", extra=extra_of(wishes)), work, results, watcher
        )
        if adopted is None:
            raise results.failures["adopt"]
        if wishes.options.max_top1_drop is not None and not adopted["labelled"]:
            raise InputError("--set max_top1_drop: no photo has a label: put each into a folder named as its class in --labels.")
        _convert_all(recipe, made_first, adopted, work, results, watcher)
        subject = replace(recipe, gates=_gates(wishes.options, labelled=adopted["labelled"]))
        loaded = LoadedRecipe(subject, str(wishes.model), digest, ())
        places = {t.name: _folder(work, "convert", t.name) for t in subject.targets}
        known = judging.of_targets(subject.targets, results.answers, places, wishes.devices, Path(ledger.FOLDER))
        judged = record.judge(subject, profiles, results, known, str(out))
        report = brought.told(record.build(loaded, results, judged, None, profiles), adopted, work, results)
        _publish(out, work, report, results)
    finally:
        isolation.stop_all()
        shutil.rmtree(work, ignore_errors=True)
    return report


def _gates(asked: Options, *, labelled: bool) -> Gates:
    drop = asked.max_top1_drop if asked.max_top1_drop is not None else DEFAULT_DROP
    agreement = asked.min_agreement if asked.min_agreement is not None or labelled else DEFAULT_AGREEMENT
    return Gates(max_top1_drop=drop if labelled else None, min_agreement=agreement)


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
        hidden = () if job.extra.get("labelled") else ("top1",)  # without labels it is the agreement with the original
        watcher.finished(step, seconds, {key: value for key, value in answer.items() if key not in hidden})
    return answer


def _folder(work: Path, stage: str, target: str) -> Path:
    return work / "-".join(filter(None, (stage, target.replace("/", "_"))))


def _convert_all(
    recipe: Recipe, order: Sequence[str], adopted: dict[str, Any], work: Path, results: Results, watcher: Watcher
) -> None:
    """Convert all targets, and what they start from; then verify them. One that fails leaves the others."""
    taken_over = (work / "adopt" / adopt.ORIGIN).is_dir()
    extra = {key: adopted[key] for key in ("preprocess", "labelled")}
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
                _step(
                    Job(stage="convert", target=source, recipe=recipe, inputs=inputs[name], out="", extra=extra),
                    work,
                    results,
                    watcher,
                )
            if f"convert {source}" in results.failures:
                results.failures.setdefault(
                    f"convert {name}", EdgetlError(f"convert {name}: was not tried, because {source} failed.")
                )
                continue
            inputs[name]["origin"] = str(_folder(work, "convert", source))
        if f"convert {name}" not in {*results.answers, *results.failures}:
            _step(
                Job(stage="convert", target=name, recipe=recipe, inputs=inputs[name], out="", extra=extra), work, results, watcher
            )
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


def _check_photos(wishes: Wishes) -> None:
    """Refuse a folder that holds more than photos before anything runs; whether these have labels, `adopt` finds out."""
    folders = {"--calibration": wishes.calibration, "--data": wishes.data if wishes.labels is None else None}
    for option, folder in folders.items():
        if folder is not None:
            try:
                registry.load("datasets", "folder").load_unlabelled(Source(source="folder", path=str(folder)))
            except DataError as error:
                first = str(error).splitlines()[0].replace("unlabelled.path", option, 1)
                raise DataError(f"{first} Give a folder of photos alone.", error.faults) from None


def _check_folder(folder: Path, recipe: Recipe, digest: str, *, replaced: bool) -> None:
    """Refuse to publish over what no earlier call wrote, and over files that this call would not make again."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out: {folder}: is a file. Choose a folder.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        model, other = str(report["model"]["file"]), report["model"]["sha256"] != digest
        made = {str(a["path"]): (f"{a['format']}/{a['scheme']}", a["asked"]) for a in report["artifacts"] if a["path"]}
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(f"--out: {folder}: holds files that no earlier conversion wrote. Choose an empty folder.") from None
    asked = {t.name: {k: v for k, v in to_json(t).items() if k not in ("format", "scheme")} for t in recipe.targets}
    lost = [path for path, (name, how) in made.items() if other or asked.get(name) != how]
    if lost and not replaced:
        whose = f"another network, {model}" if other else "this network, other targets or settings"
        raise InputError(
            f"--out: {folder}: holds the conversion of {whose}; these files would go: {', '.join(sorted(lost))}. "
            "Choose another folder with --out, or give --replace."
        )


def _publish(out: Path, work: Path, report: dict[str, Any], results: Results) -> None:
    """Put everything in place at once."""
    fresh = work / "published"
    (fresh / "artifacts").mkdir(parents=True)
    for artifact in report["artifacts"]:
        if artifact["path"] is not None:
            name = f"{artifact['format']}/{artifact['scheme']}"
            source = _folder(work, "convert", name) / results.answers[f"convert {name}"]["path"]
            source.rename(fresh / artifact["path"])
            for companion in artifact["companions"]:
                source.with_name(companion["path"]).rename((fresh / artifact["path"]).with_name(companion["path"]))
    home = work / "adopt"
    for folder in (home / adopt.CHECKPOINT, *sorted({home / t["scheme"] for t in report["artifacts"]})):
        goal = fresh / "checkpoint" if folder.name == adopt.CHECKPOINT else fresh / "checkpoint" / folder.name
        for name in _PUBLISHED:
            if (folder / name).is_file() and (folder / "network.pb").is_file():
                goal.mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / name, goal / name)
    flips.draw_all(report, home, fresh)
    (fresh / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (fresh / "report.md").write_text(brought.text(report), encoding="utf-8")
    render.write(report, fresh)
    if out.is_dir():
        out.rename(work / "before")
    fresh.rename(out)
