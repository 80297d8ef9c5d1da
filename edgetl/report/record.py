"""Build the report: answers of the steps → verdicts → one plain JSON record. Pure.

History of report.json: schema 1 = first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgetl import stats, verdicts
from edgetl.devices import DeviceProfile
from edgetl.judging import Found
from edgetl.pipeline import Planned, Results
from edgetl.recipe import Gates, Recipe, Target
from edgetl.recipefile import LoadedRecipe
from edgetl.report import coverage, provenance
from edgetl.types import SCHEMA, Measurement, Outcome, Verdict, from_json, to_json


@dataclass(frozen=True, slots=True)
class Judged:
    """All verdicts of a run and what they come to."""

    verdicts: tuple[Verdict, ...]
    failed: tuple[str, ...]
    """Every reason for which the run as a whole does not pass, one line each."""


def judge(
    recipe: Recipe,
    profiles: Sequence[DeviceProfile],
    results: Results,
    known: Mapping[str, Found] = MappingProxyType({}),
    folder: str = "",
) -> Judged:
    """Judge every artifact against the recipe's gates and against the budget of every device.

    A gate must hold for every artifact. A device is served when at least one artifact that it can load is not over budget:
    a float file may be too large for a phone that the int8 file suits.

    Args:
        recipe: the recipe.
        profiles: its devices.
        results: answers of the steps.
        known: what is known of each target's costs on the devices, by its name.
        folder: where the report goes; named in the commands that would settle what is unsure.

    Returns:
        The verdicts and the failures.
    """
    limits = {name: getattr(recipe.gates, name) for name in verdicts.GATES}
    found: list[Verdict] = []
    failed: list[str] = [_told(label, error) for label, error in results.failures.items()]
    bad = ("fail", "unsure") if recipe.gates.on_unsure == "fail" else ("fail",)
    subjects = [
        s
        for s in (_subject(recipe, t.name, results, known.get(t.name, Found()), folder) for t in recipe.targets)
        if s is not None
    ]
    for subject in subjects:
        gates = verdicts.judge_gates(subject, limits)
        failed += [f"{v.format}/{v.scheme}: {v.gate}: {v.reason}" for v in gates if v.outcome in bad]
        found += gates
    for profile in profiles:
        outcomes: list[Outcome] = []
        for subject in subjects:
            judged = verdicts.judge_device(subject, profile)
            outcomes.append(verdicts.worst(v.outcome for v in judged))
            found += judged
        loadable = [o for o in outcomes if o != "skipped"]
        if loadable and all(o == "fail" for o in loadable):
            failed.append(f"{profile.name}: every artifact it can load is over its budget")
    return Judged(tuple(found), tuple(failed))


def _told(label: str, error: Exception) -> str:
    """The error, with the step's name in front where it does not say it itself."""
    return str(error) if str(error).startswith(label.split(" ")[0]) else f"{label}: {error}"


def _subject(recipe: Recipe, target: str, results: Results, found: Found, folder: str) -> verdicts.Subject | None:
    artifact = results.answers.get(f"convert {target}")
    if artifact is None:
        return None
    verified = results.answers.get(f"verify {target}", {"status": "failed", "reason": "was not verified"})
    timings = _timings(target, results)
    counts = verified.get("counts")
    commands = settling(f"{folder}/artifacts/{artifact['path']}")
    return verdicts.Subject(
        format=artifact["format"],
        scheme=artifact["scheme"],
        size_bytes=artifact["size_bytes"],
        accuracy=from_json(verdicts.Accuracy, counts) if counts else None,
        accuracy_evidence=verified.get("evidence", "measured"),
        accuracy_missing=verified.get("reason", ""),
        latency=(*(from_json(Measurement, t["latency"]) for t in timings), *found.measured),
        peak_memory=tuple(from_json(Measurement, t["peak_memory"]) for t in timings),
        known=found.known,
        settle=commands["settle"],
        settle_by_log=commands["settle_by_log"],
    )


def settling(path: str, ledger: Path | None = None) -> dict[str, str]:
    """Commands that would settle a verdict on a device, as `Subject` takes them.

    Args:
        path: of the artifact.
        ledger: folder of the ledger where it is not the usual one.
    """
    more = f" --ledger {ledger}" if ledger is not None else ""
    log = f"edgetl evidence add LOG --device {{device}} --artifact {path}{more}"
    there = f"edgetl bench {path} --device {{device}} --threads {{threads}}{more}"
    return {"settle": f"settle it: {there}, or {log}", "settle_by_log": f"settle it: {log}"}


def _timings(target: str, results: Results) -> list[dict[str, Any]]:
    return [answer for label, answer in results.answers.items() if label.startswith(f"benchmark {target} ")]


def build(
    loaded: LoadedRecipe,
    results: Results,
    judged: Judged,
    bundle: dict[str, Any] | None,
    profiles: Sequence[DeviceProfile] = (),
    steps: Sequence[Planned] = (),
) -> dict[str, Any]:
    """Put everything into one record.

    Args:
        loaded: the recipe.
        results: answers of the steps.
        judged: the verdicts.
        bundle: `{path, sha256, signed_by}`, or None when none was made.
        profiles: the recipe's devices.
        steps: the plan.

    Returns:
        The content of report.json; paths are relative to its folder.
    """
    recipe, answers = loaded.recipe, results.answers
    prepared, tuned = answers.get("prepare", {}), answers.get("finetune", {})
    return {
        "schema": SCHEMA,
        "recipe": {"name": recipe.name, "file": loaded.path, "sha256": loaded.sha256, "overrides": list(loaded.overrides)},
        "devices": list(recipe.devices),
        "preprocess": to_json(recipe.preprocess),
        "answers": {"labels_per_image": "one" if recipe.data.separator is None else "several"},
        "data": {
            "classes": prepared.get("classes", []),
            "images": prepared.get("images", {}),
            "skipped": prepared.get("skipped", []),
            "warnings": prepared.get("warnings", []),
        },
        "checkpoint": {
            "backbone": recipe.backbone.name,
            "weights": tuned.get("weights"),
            "top1": tuned.get("top1"),
            "n": tuned.get("n"),
        },
        "training": tuned.get("history", []),
        "evaluation": {k: v for k, v in answers["evaluate"].items() if k != "seconds"} if "evaluate" in answers else None,
        "kept_in_float": {
            scheme: answers[label]["keep_float"]
            for scheme in dict.fromkeys(target.scheme for target in recipe.targets)
            if "keep_float" in answers.get(label := f"quantize {scheme}", {})
        },
        "artifacts": [_artifact(target, results, recipe.gates) for target in recipe.targets],
        "coverage": coverage.of_devices(profiles, answers),
        "verdicts": to_json(judged.verdicts),
        "failed": list(judged.failed),
        "bundle": bundle,
        "stages": results.stages,
        "provenance": provenance.of_run(loaded, steps),
    }


def _paired(found: dict[str, Any] | None, gates: Gates) -> dict[str, Any] | None:
    """What the pairs say, and how many images it takes to resolve the drop that the recipe allows (None where it allows none)."""
    if found is None:
        return None
    needed = None
    if gates.max_top1_drop is not None:
        lost, won, changed, n = (found[key] for key in ("lost", "won", "changed", "n"))
        needed = verdicts.images_to_resolve(lost, won, changed, n, gates.max_top1_drop)
    return {**found, "images_to_resolve": needed}


def _artifact(wanted: Target, results: Results, gates: Gates) -> dict[str, Any]:
    target, scheme = wanted.name, wanted.scheme
    artifact = results.answers.get(f"convert {target}")
    verified = results.answers.get(f"verify {target}", {})
    failure = next((str(e) for label, e in results.failures.items() if label.split(" ")[1:2] == [target]), None)
    status = "failed" if failure else verified.get("status", "converted" if artifact else "missing")
    return {
        "format": wanted.format,
        "scheme": scheme,
        "asked": {k: v for k, v in to_json(wanted).items() if k not in ("format", "scheme")},
        "path": f"artifacts/{artifact['path']}" if artifact else None,
        "sha256": artifact["sha256"] if artifact else None,
        **{name: artifact[name] if artifact else None for name in ("size_bytes", "delivered_bytes", "int8_mac_share")},
        "status": status,
        "evidence": None if failure else verified.get("evidence"),
        "reason": failure or verified.get("reason"),
        **{
            name: verified.get(name)
            for name in ("top1", "top1_drop", "agreement", "source_agreement", "max_abs_err", "against_origin")
        },
        "paired": _paired(verified.get("paired"), gates),
        "flips": verified.get("flips", []),
        "converter": artifact["converter"] if artifact else None,
        "notes": artifact["notes"] if artifact else [],
        "keep_float": artifact.get("keep_float", []) if artifact else [],
        "normalise": artifact["normalise"] if artifact else wanted.normalise,
        "companions": _companions(artifact, verified) if artifact else [],
        "benchmark": [_benchmark(t) for t in _timings(target, results)],
    }


def _companions(artifact: dict[str, Any], verified: dict[str, Any]) -> list[dict[str, Any]]:
    """Files beside an artifact, and how those that are networks answered."""
    held = {row["path"]: row for row in verified.get("companions", [])}
    return [{**companion, **held.get(companion["path"], {})} for companion in artifact["companions"]]


def _benchmark(timing: dict[str, Any]) -> dict[str, Any]:
    measurement = from_json(Measurement, timing["latency"])
    restless = ["the times never came to a steady state"] if measurement.environment.get("steady") == "no" else []
    return {
        "runtime": timing["runtime"],
        "threads": timing["threads"],
        "evidence": measurement.evidence,
        "environment": measurement.environment,
        "latency_ms": {**stats.summarise(measurement.values), "values": list(measurement.values)},
        "unstable": [*stats.unstable(measurement.values), *restless],
        "load_ms": timing["load_ms"],
        "first_inference_ms": timing["first_inference_ms"],
        "peak_memory_mib": timing["peak_memory"]["values"][0],
    }
