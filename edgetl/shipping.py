"""The last step of a run: gather what only the whole run knows, make the bundle, and sign what is published of it."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgetl import packages, pipeline
from edgetl.bundle import archive, provenance, sbom, signature
from edgetl.bundle.plain import digest
from edgetl.devices import DeviceProfile
from edgetl.judging import Found
from edgetl.pipeline import Planned, Results, Watcher
from edgetl.recipefile import LoadedRecipe
from edgetl.report import record
from edgetl.signing import SecretKey
from edgetl.stages import ship
from edgetl.stages._host import host_fingerprint
from edgetl.stats import wilson_interval
from edgetl.store import Step, Store
from edgetl.types import to_json

FOLDER, ARCHIVE = "bundle", "bundle.zip"


def make(
    loaded: LoadedRecipe,
    steps: Sequence[Planned],
    store: Store,
    watcher: Watcher,
    results: Results,
    profiles: Sequence[DeviceProfile],
    known: Mapping[str, Found],
) -> Step:
    """Plan and run the last step, which needs all others and the verdicts.

    This host's timings are left out: they decide about no device, and no two runs of them are alike.

    Args:
        loaded: the recipe.
        steps: all others.
        store: where results are kept.
        watcher: is told what happens.
        results: answers of the others; the bundle's is added.
        profiles: the recipe's devices.
        known: see `record.judge`.

    Returns:
        The step; its folder in the store holds `bundle` and `bundle.zip`.
    """
    recipe = loaded.recipe
    behind = [p.step for p in steps if p.step.stage != "benchmark"]
    needs = {step.label: step for step in behind if step.stage in ("prepare", "convert", "verify")}
    untimed = dataclasses.replace(results, answers={k: v for k, v in results.answers.items() if not k.startswith("benchmark ")})
    judged = record.judge(recipe, profiles, untimed, known, FOLDER)
    facts, text = provenance.of_recipe(loaded)
    evaluated = results.answers.get("evaluate")
    extra = {
        "verdicts": to_json(judged.verdicts),
        "failed": list(judged.failed),
        "accuracy": {t.name: _accuracy(results.answers[f"verify {t.name}"]) for t in recipe.targets},
        "evaluation": {k: v for k, v in evaluated.items() if k != "seconds"} if evaluated else None,
        "recipe": {"facts": facts, "text": text},
        "made_by": provenance.of_steps(behind),
        "host": _host(),
    }
    made_by = {name: package.version for name, package in sbom.installed(extra["made_by"]["tools"]).items()}
    step = Step(
        stage="ship",
        target="",
        decides={
            "stage version": ship.VERSION,
            **{f"package {name}": packages.version(name) for name in ship.packages(recipe, "")},
            **ship.decides(recipe, ""),
            "verdicts": json.dumps([extra["verdicts"], extra["failed"]], sort_keys=True),
            "evaluation, provenance": digest(json.dumps(extra, sort_keys=True).encode()),
            "packages that made the files": digest(json.dumps(made_by, sort_keys=True).encode()),
            **{f"from {label}": need.key for label, need in needs.items()},
        },
    )
    pipeline.run(loaded, [Planned(step=step, needs=needs, extra=extra)], store, watcher, results)
    return step


def sign(folder: Path, key: SecretKey, root: str) -> None:
    """Sign a bundle where it is published, outside the store: what is kept there belongs to no key.

    Args:
        folder: holds `bundle` and `bundle.zip`; the zip is packed anew.
        key: of who answers for it.
        root: folder inside the zip.
    """
    signature.sign(folder / FOLDER, key)
    archive.pack(folder / FOLDER, folder / ARCHIVE, root)


def _accuracy(verified: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest tells of a file's accuracy."""
    names = ("evidence", "reason", "runtime", "n", "top1", "top1_drop", "agreement", "source_agreement", "max_abs_err")
    counts, pairs = verified.get("counts"), verified.get("paired")
    return {
        "status": verified["status"],
        **{name: verified.get(name) for name in names},
        "top1_interval": list(wilson_interval(counts["correct"], counts["n"])) if counts else [],
        "top1_drop_interval": [pairs["drop"]["low"], pairs["drop"]["high"]] if pairs else [],
    }


def _host() -> dict[str, str]:
    """What this host is, as far as it may change what is made; nothing names it."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu": host_fingerprint()["cpu"],
        "python": platform.python_version(),
    }
