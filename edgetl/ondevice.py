"""Measure a file on a device of the desk, and keep what came out in the ledger: what turns unsure into measured.

The process there is the runner that measures here too: warm-up until the times are steady, then at least as many inferences as a
statement about the 90th percentile needs.
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from edgetl import ledger
from edgetl.desk import Way
from edgetl.devices import DeviceProfile, load_device
from edgetl.errors import InputError
from edgetl.evidence import Artifact
from edgetl.ledger import Record, Source
from edgetl.reading import Reading, Statistics, checked
from edgetl.stats import MIN_VALUES
from edgetl.timing.steady import warm_up
from edgetl.types import Evidence

RUNTIMES = {"tflite": "litert", "onnx": "onnxruntime", "coreml": "coreml"}
"""What runs a format."""
MAX_VALUES = 2000


def measure(way: Way, device: str, path: Path, threads: int, seconds: float, folder: Path) -> tuple[Record, bool]:
    """Measure one file, and add the result to a ledger.

    Args:
        way: to the device.
        device: name of its profile.
        path: the file.
        threads: CPU threads.
        seconds: about how long to time it once it is steady.
        folder: of the ledger.

    Returns:
        The record, and whether it never settled.

    Raises:
        InputError: the connection gives no times, or has no runtime for the file.
        BenchmarkError: the device cannot load it.
        DeviceUnreachable: the device does not answer, or went away; the ledger is as it was.
    """
    artifact = Artifact.of(path)
    connection = way.connection
    evidence: Evidence = connection.EVIDENCE
    runtime = RUNTIMES[artifact.format]
    if evidence == "emulated":
        raise InputError(f"{way.device}: {way.via} emulates a processor: it checks numbers and never gives times.")
    if runtime not in connection.RUNTIMES:
        raise InputError(f"{way.device}: {way.via} cannot run {artifact.format}; it runs {', '.join(connection.RUNTIMES)}.")
    link = connection.open(way.settings)
    try:
        with closing(link.start(path, runtime, threads)) as session:
            warm = warm_up(session.time)
            count = max(MIN_VALUES, min(MAX_VALUES, round(seconds * 1e3 / max(warm.window_ms, 1e-3))))
            values = _values(session, count, seconds)
            facts, memory = dict(session.facts), session.peak_memory_mib()
            _check_identity(facts, load_device(device), threads, way)
    finally:
        link.close()
    reading = _reading(facts, warm.values, values, memory, threads, artifact)
    told = {
        "schema": 1,
        "device": device,
        "via": way.via,
        "facts": facts,
        "warmup_ms": list(warm.values),
        "values_ms": list(values),
    }
    source = Source(content=json.dumps(told, ensure_ascii=False, default=str).encode(), suffix="json")
    record = Record(
        device=device,
        artifact=path.name,
        artifact_sha256=artifact.sha256,
        artifact_bytes=artifact.size_bytes,
        format=artifact.format,
        reading=reading,
        how="host" if evidence == "host" else "measured",
        log=way.via,
        given=("accelerator", "threads"),
        source_file=source.file,
        source_sha256=source.sha256,
        imported_at=date.today().isoformat(),
    )
    ledger.add(folder, (record,), source)
    return record, not warm.settled


def _check_identity(facts: dict[str, Any], profile: DeviceProfile, threads: int, way: Way) -> None:
    """Refuse evidence of a machine that cannot be the device.

    Raises:
        InputError: its processor is of another family, or it has too few or too many cores.
    """
    if way.connection.EVIDENCE == "host":
        return
    machine, cores = str(facts["system"]).rpartition(" ")[2], facts.get("cores")
    arm = profile.isa is not None or (profile.cpu is not None and profile.cpu.clusters[0].core.startswith("Cortex"))
    start = f"{way.device}: what answers there"
    if arm and profile.os.family != "windows" and machine in ("x86_64", "i686", "AMD64") and not _is_x86(profile):
        raise InputError(f"{start} is a machine of {machine}, and {profile.name} is not. Check connections.yaml.")
    if isinstance(cores, int) and cores < threads:
        raise InputError(
            f"{start} gives {cores} cores to the process, fewer than the {threads} threads asked for. Use --threads."
        )
    if isinstance(cores, int) and profile.cpu is not None and cores > profile.cpu.cores:
        raise InputError(f"{start} has {cores} cores, and {profile.name} has {profile.cpu.cores}. Check connections.yaml.")


def _is_x86(profile: DeviceProfile) -> bool:
    """Whether a profile's processor is one of Intel's or AMD's."""
    return any(word in profile.soc.name for word in ("Intel", "AMD"))


def _values(session: Any, count: int, seconds: float) -> tuple[float, ...]:
    values: list[float] = []
    while len(values) < count:
        values += session.time(count - len(values), max(60.0, 4 * seconds))
        if session.facts["values_are"] != "inference" and len(values) >= 5:
            break
    return tuple(values)


def _reading(
    facts: dict[str, Any],
    warmup: tuple[float, ...],
    values: tuple[float, ...],
    memory: float | None,
    threads: int,
    artifact: Artifact,
) -> Reading:
    """Put a session's answers into the form of the ledger."""
    engine, _, version = str(facts["engine"]).partition(" ")
    each = facts["values_are"] == "inference"
    statistics = Statistics() if each else Statistics(mean=sum(values) / len(values), min=min(values), max=max(values))
    units = facts.get("compute_units")
    reading = Reading(
        values_ms=values if each else (),
        statistics_ms=statistics,
        count=len(values) if each else None,
        warmup_values_ms=warmup if each else (),
        first_inference_ms=facts["first_inference_ms"],
        load_ms=facts["load_ms"],
        peak_memory_mib=memory or None,
        runtime={"ai-edge-litert": "tflite"}.get(engine, engine),
        runtime_version=version or None,
        accelerator="cpu" if units is None else str(units),
        threads=threads,
        model=artifact.path.name,
        artifact_sha256=artifact.sha256,
        date=date.today().isoformat(),
    )
    return checked(reading, artifact.path.name)
