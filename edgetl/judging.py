"""Gather what is known of artifacts on devices: the ledger of evidence, and estimates from published measurements.

Input: converted files, device profiles, a ledger. Output: for each file its `KnownCost`s and raw `Measurement`s, as verdicts take
them. A record counts for a file only when it is of that very file, by sha256.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import ledger, registry
from edgetl.costs import KnownCost, p90_of, p90_of_estimate
from edgetl.devices import DeviceProfile, load_device
from edgetl.errors import EdgetlError
from edgetl.ledger import Record
from edgetl.recipe import Target
from edgetl.types import Measurement

PEAK_SPREAD = 0.15
"""How far another process's peak memory may lie from one that was measured. Our choice: processes on one host differ by 2 to 8
%."""
RUNTIME_MIB, COPIES = 64, 4
"""Most that a runtime itself needs, and how many copies of weights and of the widest layer's activations it may hold: packed, in
float32, beside the file. Our choice: on this project's hosts LiteRT and onnxruntime need 15 to 30 MiB and 1.2 to 2.5 copies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One converted file of a run."""

    path: Path
    """File, or the folder of an .mlpackage."""
    format: str
    scheme: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of one file."""

    known: tuple[KnownCost, ...] = ()
    measured: tuple[Measurement, ...] = ()
    """Raw latencies that edgetl took on a device."""


def of_targets(
    targets: Sequence[Target],
    answers: Mapping[str, Mapping[str, Any]],
    places: Mapping[str, Path],
    devices: Sequence[str],
    folder: Path,
) -> dict[str, Found]:
    """Do as `gather` for the files that a run has converted.

    Args:
        targets: of the run.
        answers: what its steps answered, by their labels.
        places: target's name → folder of its `convert` step.
        devices: see `gather`.
        folder: see `gather`.

    Returns:
        Target's name → what is known; without those that were not converted.
    """
    made = {t.name: (t, answers[f"convert {t.name}"]) for t in targets if f"convert {t.name}" in answers}
    files = [
        File(path=places[name] / answer["path"], format=target.format, scheme=target.scheme, sha256=answer["sha256"])
        for name, (target, answer) in made.items()
    ]
    return dict(zip(made, gather(files, devices, folder), strict=True))


def gather(files: Sequence[File], devices: Sequence[str], folder: Path) -> tuple[Found, ...]:
    """Look every file up in the ledger, and estimate what it does not know.

    Args:
        files: of one run.
        devices: that are judged: names, or files of profiles.
        folder: of the ledger; need not be there.

    Returns:
        One entry for each file, in order.

    Raises:
        InputError: a profile or the ledger does not hold.
    """
    records = ledger.read(folder)
    profiles = {device: load_device(device) for device in devices}
    return tuple(_of_file(file, profiles, [r for r in records if r.artifact_sha256 == file.sha256]) for file in files)


def _of_file(file: File, profiles: Mapping[str, DeviceProfile], records: list[Record]) -> Found:
    raw = [r for r in records if r.how == "measured" and r.reading.values_ms]
    told = [r for r in records if r.how in ("measured", "imported") and r not in raw]
    known = [_imported(r) for r in told]
    for device, profile in profiles.items():
        fitting = [r for r in (*raw, *told) if r.device == profile.name and _means(r, profile)]
        if file.format not in profile.format_names or any(r in raw or p90_of(r.reading)[1] for r in fitting):
            continue
        estimated = _estimated(file, device, profile)
        if estimated is not None:
            known.append(estimated)
    peaks = [r for r in records if r.how in ("measured", "imported") and r.reading.peak_memory_mib is not None]
    known += [_imported_memory(r) for r in peaks]
    for profile in profiles.values():
        if file.format in profile.format_names and not any(r.device == profile.name for r in peaks):
            bounded = _bounded_memory(file, profile)
            known += [bounded] if bounded is not None else []
    return Found(known=tuple(known), measured=tuple(map(_latency, raw)))


def _means(record: Record, profile: DeviceProfile) -> bool:
    """Whether a record was taken as the profile's budget means: on another processor than the CPU, or with its threads."""
    return record.reading.accelerator != "cpu" or record.reading.threads == profile.threads


def _imported(record: Record) -> KnownCost:
    reading = record.reading
    value, interval, missing = p90_of(reading)
    version = f" {reading.runtime_version}" if reading.runtime_version else ""
    return KnownCost(
        gate="latency_p90_ms",
        device=record.device,
        value=value,
        interval=interval,
        evidence="measured" if record.how == "measured" else "imported",
        accelerator=reading.accelerator or "cpu",
        threads=reading.threads if reading.accelerator == "cpu" else None,
        source=f"{record.log} log of {reading.date or record.imported_at}, {reading.runtime}{version}",
        why_unsure=missing,
    )


def _environment(record: Record) -> dict[str, str]:
    reading = record.reading
    threads = {"threads": str(reading.threads)} if reading.accelerator == "cpu" and reading.threads else {}
    return {"device": record.device, "runtime": reading.runtime or "", **threads}


def _latency(record: Record) -> Measurement:
    reading = record.reading
    return Measurement(
        name="latency_ms",
        values=reading.values_ms,
        warmup_values=reading.warmup_values_ms,
        evidence="measured",
        environment=_environment(record),
    )


def _imported_memory(record: Record) -> KnownCost:
    peak = record.reading.peak_memory_mib or 0.0
    return KnownCost(
        gate="peak_memory_mib",
        device=record.device,
        value=peak,
        interval=(peak / (1 + PEAK_SPREAD), peak * (1 + PEAK_SPREAD)),
        evidence="measured" if record.how == "measured" else "imported",
        accelerator=record.reading.accelerator or "cpu",
        threads=None,
        source=f"{record.log} log of {record.reading.date or record.imported_at}, one process",
    )


def _bounded_memory(file: File, profile: DeviceProfile) -> KnownCost | None:
    """Bound what a process needs by what the file holds: weights at least; copies, activations and the runtime at most."""
    by_suffix = {registry.load("graphs", name).SUFFIX: name for name in registry.names("graphs")}
    try:
        facts = registry.load("graphs", by_suffix[file.path.suffix]).read(file.path)
    except (EdgetlError, KeyError):
        return None
    weights = sum(operator.weight_bytes for operator in facts.operators) / 2**20
    widest = max((operator.input_bytes + operator.output_bytes for operator in facts.operators), default=0) / 2**20
    high = RUNTIME_MIB + COPIES * (weights + widest)
    return KnownCost(
        gate="peak_memory_mib",
        device=profile.name,
        value=(weights + high) / 2,
        interval=(weights, high),
        evidence="estimated",
        accelerator="cpu",
        threads=None,
        source=f"bounded by the file: its weights at least, {RUNTIME_MIB} MiB and {COPIES} x weights and widest layer at most",
    )


def _estimated(file: File, device: str, profile: DeviceProfile) -> KnownCost | None:
    """Estimate a file on a device; None where nothing speaks for it."""
    from edgetl.estimator.one import estimate_one

    accelerator = "all (mainly ANE)" if file.format == "coreml" else "cpu"
    try:
        found = estimate_one(device, file.path, scheme=file.scheme, accelerator=accelerator)
    except EdgetlError:
        return None  # a profile of the user's own without rows, or operators that no table counts: nothing is known
    if found.latency_ms is None or found.interval is None:
        return None
    value, interval = p90_of_estimate(found.latency_ms, found.interval)
    return KnownCost(
        gate="latency_p90_ms",
        device=profile.name,
        value=value,
        interval=interval,
        evidence="estimated",
        accelerator=accelerator,
        threads=profile.threads if accelerator == "cpu" else None,
        source=found.reason.rstrip("."),
    )
