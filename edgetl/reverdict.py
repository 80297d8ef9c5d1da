"""Judge a run again: what its report says of accuracy, and what is known by now of its files on the devices.

Input: the folder of a run. Output: verdicts, each with its evidence. Nothing is trained, converted or timed; files whose content
is no longer what the report names are refused. `against` holds a run against an earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import delivery, devices, judging, verdicts
from edgetl.content import digest
from edgetl.errors import InputError
from edgetl.report import reading
from edgetl.report.record import settling
from edgetl.stats import wilson_interval
from edgetl.types import Outcome, Verdict, from_json

GROWTH = 0.01
"""Share by which a file may grow before that counts as a regression. Our choice: a compiler's or converter's new version moves
less."""

WORST_FLOOR = 1.05
"""Noise floor above which "no difference was seen" says too little, so that the verdict is unsure. Our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run's folder, read."""

    folder: Path
    report: dict[str, Any]

    def artifacts(self) -> dict[str, dict[str, Any]]:
        """What the report says of each converted file, by `format/scheme`."""
        return {f"{a['format']}/{a['scheme']}": a for a in self.report["artifacts"] if a["path"]}


def load_run(folder: Path) -> Run:
    """Read the folder of a run.

    Args:
        folder: as `edgetl run` wrote it.

    Returns:
        The run.

    Raises:
        InputError: there is no report, it cannot be read, or an artifact is missing or another.
    """
    report = reading.read(folder)
    run = Run(folder=folder, report=report)
    if not run.artifacts():
        raise InputError(f"{folder / 'report.json'}: names no artifact, so there is nothing to judge. Run the recipe again.")
    faults = []
    for name, artifact in run.artifacts().items():
        file = folder / artifact["path"]
        if not file.resolve().is_relative_to(folder.resolve()):
            faults.append(f"{name}: {artifact['path']} lies outside of the folder.")
        elif not file.exists():
            faults.append(f"{name}: {file} is missing.")
        elif digest(file, name) != artifact["sha256"]:
            faults.append(f"{name}: {file} is another file than the report speaks of (sha256 differs).")
    if faults:
        raise InputError(f"{folder}: the artifacts are not those of its report. Run the recipe again.", faults)
    return run


def judge_again(run: Run, ledger: Path | None, names: Sequence[str] | None = None) -> tuple[Verdict, ...]:
    """Judge every artifact against every device with all that is known by now.

    Args:
        run: the run.
        ledger: folder of the ledger; None = beside the run's recipe.
        names: devices; None = those of the run.

    Returns:
        The report's verdicts on accuracy as they stand, then one for each artifact, device and figure of its budget.

    Raises:
        InputError: a device profile or the ledger does not hold.
    """
    if ledger is not None and not ledger.is_dir():
        raise InputError(f"--ledger: {ledger}: no such folder.")
    folder = ledger if ledger is not None else delivery.evidence_folder(str(run.report["recipe"].get("file") or ""))
    if names is None:
        names, where = run.report["devices"], f"{run.folder}/report.json"
    else:
        where = "--devices"
    profiles = [devices.load_device(name, where) for name in names]
    artifacts = run.artifacts()
    files = [
        judging.File(path=run.folder / a["path"], format=a["format"], scheme=a["scheme"], sha256=a["sha256"])
        for a in artifacts.values()
    ]
    found = [from_json(Verdict, v) for v in run.report["verdicts"] if v["device"] is None]
    for artifact, known in zip(artifacts.values(), judging.gather(files, names, folder), strict=True):
        commands = settling(str(run.folder / artifact["path"]), ledger)
        subject = verdicts.Subject(
            format=artifact["format"],
            scheme=artifact["scheme"],
            size_bytes=artifact["size_bytes"],
            latency=known.measured,
            known=known.known,
            settle=commands["settle"],
            settle_by_log=commands["settle_by_log"],
        )
        for profile in profiles:
            found += verdicts.judge_device(subject, profile)
    return tuple(found)


def against(run: Run, old: Run, *, seconds: float) -> tuple[Verdict, ...]:
    """Hold a run against an earlier one: accuracy, size, and speed here, measured now and in turns.

    Args:
        run: the new one.
        old: the earlier one.
        seconds: of turns for each pair of files.

    Returns:
        One verdict for each file of both and each of `top1_against`, `size_against`, `latency_against`; skipped for files that
        the earlier run lacks.
    """
    found, before = [], old.artifacts()
    for name, artifact in run.artifacts().items():
        other = before.get(name)
        if other is None:
            found.append(_verdict(artifact, "against", "skipped", None, None, None, f"{old.folder} has no {name}."))
            continue
        found.append(_top1(artifact, other, run, old))
        grown = artifact["size_bytes"] / other["size_bytes"] - 1.0
        outcome: Outcome = "fail" if grown > GROWTH else "pass"
        why = f"{artifact['size_bytes']:,} bytes, {grown:+.1%} of {other['size_bytes']:,}; may grow by {GROWTH:.0%}."
        found.append(_verdict(artifact, "size_against", outcome, 1.0 + grown, None, 1.0 + GROWTH, why))
        found.append(_latency(artifact, other, run, old, seconds))
    return tuple(found)


def _top1(artifact: dict[str, Any], other: dict[str, Any], run: Run, old: Run) -> Verdict:
    """Two proportions on test sets that need not be the same images: their Wilson intervals must not lie apart."""
    images = (run.report["checkpoint"].get("n"), old.report["checkpoint"].get("n"))
    rates = (artifact.get("top1"), other.get("top1"))
    if None in (*images, *rates):
        return _verdict(artifact, "top1_against", "skipped", None, None, None, "one of the runs did not test the file.")
    new_interval, old_interval = (wilson_interval(rate * n, n) for rate, n in zip(rates, images, strict=True))
    lost = new_interval[1] < old_interval[0]
    told = f"{'beyond' if lost else 'within'} what {images[0]} and {images[1]} images can tell"
    why = f"top-1 {rates[0]:.3f} against {rates[1]:.3f}, {told}."
    return _verdict(artifact, "top1_against", "fail" if lost else "pass", rates[0], new_interval, rates[1], why)


def _latency(artifact: dict[str, Any], other: dict[str, Any], run: Run, old: Run, seconds: float) -> Verdict:
    from edgetl.timing import cores
    from edgetl.timing.files import runtime_of
    from edgetl.timing.ratio import sentence
    from edgetl.timing.turns import Runnable, take_turns

    paths = (old.folder / other["path"], run.folder / artifact["path"])
    if other["sha256"] == artifact["sha256"]:
        return _verdict(artifact, "latency_against", "pass", 1.0, None, 1.0, "the very same file.")
    if artifact["format"] == "coreml":
        return _verdict(artifact, "latency_against", "skipped", None, None, None, "Core ML runs on a Mac only.")
    a, b = (Runnable(path=path, runtime=runtime_of(path)) for path in paths)
    duel = take_turns(a, b, threads=1, cores=cores.choose(1), seconds=seconds)
    compared = duel.comparison
    told = sentence(compared, "the earlier file", "the new one")
    interval = (compared.low, compared.high)
    if compared.resolvable:
        outcome: Outcome = "fail" if compared.ratio > 1.0 else "pass"
    else:
        outcome = "unsure" if compared.floor > WORST_FLOOR or compared.strain.reasons() else "pass"
    return _verdict(artifact, "latency_against", outcome, compared.ratio, interval, 1.0, f"on this host, in turns: {told}")


def _verdict(
    artifact: dict[str, Any],
    gate: str,
    outcome: Outcome,
    value: float | None,
    interval: tuple[float, float] | None,
    limit: float | None,
    reason: str,
) -> Verdict:
    return Verdict(
        format=artifact["format"],
        scheme=artifact["scheme"],
        device=None,
        gate=gate,
        outcome=outcome,
        value=value,
        interval=interval,
        limit=limit,
        evidence="host" if gate == "latency_against" else None,
        reason=reason,
    )
