"""A whole run: plan, run, judge, ship, and put what came out where a person finds it (`runs/<recipe>/`)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetl import devices, pipeline
from edgetl.pipeline import Planned, Results, Silent, Watcher
from edgetl.recipefile import LoadedRecipe
from edgetl.report import markdown, record
from edgetl.stages import ship
from edgetl.store import ROOT, Step, Store
from edgetl.types import to_json

RUNS = Path("runs")


def deliver(
    loaded: LoadedRecipe,
    watcher: Watcher | None = None,
    *,
    until: str = "ship",
    only: Sequence[str] = (),
    out: Path | None = None,
    allow_failed: bool = False,
    store_root: Path = ROOT,
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

    Returns:
        The content of report.json. `failed` is empty when everything passed.

    Raises:
        EdgetlError: a step that everything needs failed.
    """
    recipe = loaded.recipe
    watcher = watcher or Silent()
    store = Store(store_root, recipe.name)
    profiles = [devices.load_device(name) for name in recipe.devices]
    steps = pipeline.plan(loaded, "benchmark" if until == "ship" else until, only)
    folder = out or RUNS / recipe.name
    with store.locked():
        results = pipeline.run(loaded, steps, store, watcher)
        judged = record.judge(recipe, profiles, results)
        bundle = None
        if until == "ship" and not only and not results.failures and (allow_failed or not judged.failed):
            shipped = _ship(loaded, steps, store, watcher, results, judged)
            bundle = {"path": "bundle.zip", "sha256": results.answers["ship"]["sha256"]}
        report = record.build(loaded, results, judged, bundle)
        _publish(folder, store, steps, results, report, store.path(shipped) if bundle else None)
    return report


def _ship(
    loaded: LoadedRecipe,
    steps: Sequence[Planned],
    store: Store,
    watcher: Watcher,
    results: Results,
    judged: record.Judged,
) -> Step:
    """Plan and run the last step, which needs all others and the verdicts."""
    recipe = loaded.recipe
    needs = {p.step.label: p.step for p in steps if p.step.stage in ("prepare", "convert", "verify")}
    accuracy = {
        t.name: {k: v for k, v in results.answers[f"verify {t.name}"].items() if k not in ("counts", "seconds")}
        for t in recipe.targets
    }
    extra = {"verdicts": to_json(judged.verdicts), "failed": list(judged.failed), "accuracy": accuracy}
    step = Step(
        stage="ship",
        target="",
        decides={
            "stage version": ship.VERSION,
            **ship.decides(recipe, ""),
            "verdicts": json.dumps(extra, sort_keys=True),
            **{f"from {label}": need.key for label, need in needs.items()},
        },
    )
    pipeline.run(loaded, [Planned(step=step, needs=needs, extra=extra)], store, watcher, results)
    return step


def _publish(
    folder: Path, store: Store, steps: Sequence[Planned], results: Results, report: dict[str, Any], shipped: Path | None
) -> None:
    """Copy artifacts and bundle out of the store and write the reports; each file or folder whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / ".writing"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    (fresh / "artifacts").mkdir()
    wanted = {a["path"] for a in report["artifacts"]}
    for item in steps:
        answer = results.answers.get(item.step.label)
        if item.step.stage == "convert" and answer is not None and f"artifacts/{answer['path']}" in wanted:
            source = store.path(item.step) / answer["path"]
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, fresh / "artifacts" / answer["path"])
    if shipped is not None:
        shutil.copytree(shipped / "bundle", fresh / "bundle")
        shutil.copy2(shipped / "bundle.zip", fresh / "bundle.zip")
    (fresh / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (fresh / "report.md").write_text(markdown.text(report), encoding="utf-8")
    for name in ("artifacts", "bundle", "bundle.zip", "report.json", "report.md"):
        old, new = folder / name, fresh / name
        if old.is_dir():
            old.rename(fresh / f"old_{name}")
        elif not new.exists():
            old.unlink(missing_ok=True)  # a bundle of an earlier run must not outlive it
        if new.exists():
            new.rename(old)
    shutil.rmtree(fresh)
