"""A whole run: plan, run, judge, ship, and put what came out where a person finds it (`runs/<recipe>/`)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetl import content, devices, judging, ledger, pipeline, places, shipping, tracking
from edgetl.errors import InputError
from edgetl.pipeline import Silent, Watcher
from edgetl.recipefile import LoadedRecipe
from edgetl.report import device_plots, flips, markdown, plots, record
from edgetl.signing import SecretKey
from edgetl.store import ROOT, Store
from edgetl.types import Verdict, from_json

RUNS = Path("runs")
CHECKPOINT = ("checkpoint.json", "network.pb", "backbone.npz")
"""What another recipe needs of a checkpoint, as a teacher or as the weights it starts from."""
_FRESH = ".writing"


def deliver(
    loaded: LoadedRecipe,
    watcher: Watcher | None = None,
    *,
    until: str = "ship",
    only: Sequence[str] = (),
    out: Path | None = None,
    allow_failed: bool = False,
    store_root: Path = ROOT,
    sign_with: SecretKey | None = None,
) -> dict[str, Any]:
    """Run a recipe as far as asked and publish the report.

    Args:
        loaded: the recipe.
        watcher: is told what happens; None = nobody.
        until: last stage: `convert`, `verify`, `benchmark` or `ship`.
        only: `format/scheme` of the targets wanted; empty = all. A bundle needs all.
        out: folder for the report; `runs/<recipe>` when None.
        allow_failed: make the bundle although a gate failed; its manifest says so.
        store_root: where results of steps are kept.
        sign_with: key that the published bundle is signed with; None = it is not signed.

    Returns:
        The content of report.json. `failed` is empty when everything passed.

    Raises:
        EdgetlError: a step that everything needs failed.
    """
    loaded = pipeline.restrict(loaded, only)
    recipe = loaded.recipe
    watcher = watcher or Silent()
    store = Store(store_root, recipe.name)
    profiles = [devices.load_device(name) for name in recipe.devices]
    steps = pipeline.plan(loaded, "benchmark" if until == "ship" else until)
    folder = out or RUNS / recipe.name
    _check_folder(folder)
    with store.locked():
        results = pipeline.run(loaded, steps, store, watcher)
        places = {p.step.target: store.path(p.step) for p in steps if p.step.stage == "convert"}
        known = judging.of_targets(recipe.targets, results.answers, places, recipe.devices, evidence_folder(loaded.path))
        judged = record.judge(recipe, profiles, results, known, str(folder))
        bundle = None
        if until == "ship" and not only and not results.failures and (allow_failed or not judged.failed):
            shipped = shipping.make(loaded, steps, store, watcher, results, profiles, known)
            bundle = {"path": shipping.ARCHIVE, "sha256": results.answers["ship"]["sha256"], "signed_by": None}
        report = record.build(loaded, results, judged, bundle, profiles)
        files = {a["path"]: a for a in report["artifacts"]}
        made = [p for p in steps if p.step.stage == "convert" and p.step.label in results.answers]
        sources = [store.path(p.step) / results.answers[p.step.label]["path"] for p in made]
        wanted = [path for path in sources if f"artifacts/{path.name}" in files]
        wanted += [store.path(p.step) / c["path"] for p in made for c in results.answers[p.step.label]["companions"]]
        whole = until == "ship" and not only
        learned = {p.step.label: store.path(p.step) for p in steps if p.step.label in ("finetune", "evaluate")}
        learned |= {p.step.label: store.path(p.step) for p in steps if p.step.stage in ("prepare", "quantize")}
        _publish(folder, wanted, report, store.path(shipped) if bundle else None, learned, whole=whole, sign_with=sign_with)
        told = tracking.log(recipe, report, folder)
        if told is not None:
            watcher.note(told)
    return report


def evidence_folder(recipe: str) -> Path:
    """Folder of the ledger of a recipe: beside its file; in the working folder for one that comes with edgetl.

    Args:
        recipe: the recipe's file.
    """
    parent = Path(recipe).parent
    return Path(ledger.FOLDER) if parent.resolve() == places.shipped("recipes").resolve() else parent / ledger.FOLDER


def _check_folder(folder: Path) -> None:
    """Refuse to publish where something lies that a run did not write: publishing replaces `artifacts` and `bundle`."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out: {folder}: is a file. Choose a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "report.json").is_file() and not (folder / _FRESH).is_dir():
        raise InputError(f"--out: {folder}: holds files, and no report.json of an earlier run. Choose an empty folder.")


def _publish(
    folder: Path,
    artifacts: Sequence[Path],
    report: dict[str, Any],
    shipped: Path | None,
    learned: dict[str, Path],
    *,
    whole: bool,
    sign_with: SecretKey | None = None,
) -> None:
    """Copy artifacts and bundle out of the store and write the reports; each file or folder whole or not at all.

    Args:
        folder: where to.
        artifacts: files and packages in the store.
        report: content of report.json.
        shipped: the `ship` step's result, or None.
        learned: results of `prepare`, `finetune`, `evaluate` and `quantize SCHEME`.
        whole: this was a run of everything: what an earlier one left must not outlive it. A partial run leaves the bundle and
            the other artifacts of an earlier one as they are.
        sign_with: see `deliver`.
    """
    fresh = folder / _FRESH
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if not whole and (folder / "artifacts").is_dir():
        shutil.copytree(folder / "artifacts", fresh / "artifacts")
    (fresh / "artifacts").mkdir(exist_ok=True)
    for source in artifacts:
        goal = fresh / "artifacts" / source.name
        if goal.is_dir():
            shutil.rmtree(goal)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, goal)
    if shipped is not None:
        shutil.copytree(shipped / shipping.FOLDER, fresh / shipping.FOLDER)
        shutil.copy2(shipped / shipping.ARCHIVE, fresh / shipping.ARCHIVE)
        if sign_with is not None:
            shipping.sign(fresh, sign_with, report["recipe"]["name"])
            digest = content.digest(fresh / shipping.ARCHIVE, shipping.ARCHIVE)
            report["bundle"] |= {"sha256": digest, "signed_by": sign_with.public.id}
    _copy_learned(fresh, report, learned)
    _draw_devices(fresh, report)
    flips.draw_all(report, learned["prepare"], fresh)
    (fresh / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (fresh / "report.md").write_text(markdown.text(report), encoding="utf-8")
    for name in (
        "artifacts",
        "checkpoint",
        "training",
        "devices",
        flips.FOLDER,
        *((shipping.FOLDER, shipping.ARCHIVE) if whole else ()),
        "report.md",
        "report.json",
    ):
        old, new = folder / name, fresh / name
        if old.is_dir():
            old.rename(fresh / f"old_{name}")
        elif not new.exists():
            old.unlink(missing_ok=True)
        if new.exists():
            new.rename(old)
    shutil.rmtree(fresh)


def _draw_devices(fresh: Path, report: dict[str, Any]) -> None:
    """One picture for each device of which anything is known."""
    judged = [from_json(Verdict, v) for v in report["verdicts"]]
    for name in dict.fromkeys(v.device for v in judged if v.device):
        picture = device_plots.latency(name, judged)
        if picture is not None:
            (fresh / "devices").mkdir(exist_ok=True)
            (fresh / "devices" / f"{name}.svg").write_text(picture, encoding="utf-8")


def _copy_learned(fresh: Path, report: dict[str, Any], learned: dict[str, Path]) -> None:
    """Put the checkpoint where other recipes find it, and what there is to see of the training beside it."""
    (fresh / "checkpoint").mkdir()
    for name in CHECKPOINT:
        shutil.copy2(learned["finetune"] / name, fresh / "checkpoint" / name)
    for label, folder in learned.items():
        if label.startswith("quantize ") and (folder / "network.pb").is_file():  # the network with fake quantization
            goal = fresh / "checkpoint" / label.partition(" ")[2]
            goal.mkdir()
            for name in ("checkpoint.json", "network.pb"):
                shutil.copy2(folder / name, goal / name)
    shutil.copytree(learned["finetune"] / "tensorboard", fresh / "training" / "tensorboard")
    shutil.copy2(learned["evaluate"] / "predictions.csv", fresh / "training")
    pictures = {
        "curves": plots.curves(report["training"]),
        "reliability": plots.reliability(report["evaluation"]),
        "confusion": plots.confusion(report["evaluation"]),
    }
    for name, picture in pictures.items():
        if picture is not None:
            (fresh / "training" / f"{name}.svg").write_text(picture, encoding="utf-8")
