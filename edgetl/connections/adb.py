"""An Android device over adb: LiteRT's benchmark_model runs there. It gives times only, one figure a run, and no outputs.

What is read of its report is one line, which it prints since 2020: "Inference timings in us: Init: …, First inference: …,
Warmup (avg): …, Inference (avg): …" (tensorflow/lite/tools/benchmark/benchmark_model.cc). It times its own inferences, so a value
is a run's mean.
"""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from edgetl.connections._child import Done, printable, run
from edgetl.errors import BenchmarkError, DeviceUnreachable
from edgetl.schema import Pattern
from edgetl.types import Evidence

if TYPE_CHECKING:
    import numpy as np

TITLE = "An Android phone over adb: LiteRT's benchmark_model, times only."
EVIDENCE: Evidence = "measured"
RUNTIMES = ("litert",)
FOLDER = "/data/local/tmp/edgetl"
"""Where files are copied: what lies in /data/local/tmp may be run by adb's user."""
ANSWER_S = 20.0
LOAD_S = 120.0
COPY_BYTES_A_SECOND = 500_000.0
_FIGURE = r"([0-9]{1,12}(?:\.[0-9]{1,6})?(?:e\+[0-9]{1,2})?)"
_TIMINGS = (
    rf"Inference timings in us: Init: {_FIGURE}, First inference: {_FIGURE}, Warmup \(avg\): {_FIGURE}, "
    rf"Inference \(avg\): {_FIGURE}\s*$"
)
_PEAK = rf"Overall peak memory footprint \(MB\) via periodic monitoring: {_FIGURE}\s*$"
_GONE = ("error: device", "error: no devices", "error: closed", "device offline", "device unauthorized", "no permissions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See `ConnectionModule.Settings`."""

    PATHS: ClassVar = ("benchmark_model",)

    benchmark_model: Annotated[str, Pattern(r"[^-\s][^\x00-\x1f\x7f]{0,1023}", "a path")]
    """The program for the device's processor: a path on this host, or one there that begins with /data/local/tmp/."""
    serial: Annotated[str, Pattern(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}", "a serial number as 'adb devices' lists it")] | None = (
        None
    )
    """Which device; without it, the only one attached."""
    cpus: Annotated[str, Pattern(r"[0-9a-f]{1,16}", "a mask of cores in hexadecimal digits, such as f0")] | None = None
    """Cores that it may run on, as taskset(1) takes them there; without it, all."""


def unavailable() -> str | None:
    """See `ConnectionModule.unavailable`."""
    return None if shutil.which("adb") else "adb is not installed. Install your system's package adb (Android platform tools)."


def unreachable(settings: Settings) -> str | None:
    """See `ConnectionModule.unreachable`."""
    try:
        probe(settings)
    except (DeviceUnreachable, BenchmarkError) as error:
        return str(error)
    return None


def probe(settings: Settings) -> dict[str, Any]:
    """See `ConnectionModule.probe`. benchmark_model does not tell its version, so its sha256 stands for it."""
    device = _Device(settings)
    path = settings.benchmark_model
    if _is_there(path):
        sha256 = device.sha256(path)
        where = f"{device.serial}: {path}: no such file there."
    else:
        sha256, where = _sha256(Path(path).expanduser()), f"{path}: no such file."
    if sha256 is None:
        raise BenchmarkError(f"{where} Set 'benchmark_model' to LiteRT's tool for {device.facts()['system']}.")
    return {**device.facts(), "runtimes": {"litert": f"benchmark_model {sha256[:12]}"}}


class _Device:
    """One attached device, and what runs there."""

    def __init__(self, settings: Settings) -> None:
        if (reason := unavailable()) is not None:
            raise DeviceUnreachable(f"adb: {reason}")
        attached = _attached()
        usable = [serial for serial, state in attached.items() if state == "device"]
        listing = ", ".join(f"{serial} ({state})" for serial, state in attached.items()) or "none"
        if settings.serial is None and len(usable) > 1:
            raise DeviceUnreachable(f"adb: several devices are attached: {listing}. Name one with 'serial' in connections.yaml.")
        wanted = settings.serial or (usable[0] if usable else None)
        if wanted not in usable:
            state = attached.get(wanted or next(iter(attached), ""), "")
            remedy = {
                "unauthorized": "Unlock it and allow USB debugging for this computer.",
                "offline": "Unplug it and plug it in again.",
            }.get(state, "Plug it in, and turn on USB debugging in its developer options.")
            raise DeviceUnreachable(f"adb: {wanted or 'a device'} is not ready; attached: {listing}. {remedy}")
        assert wanted is not None
        self.serial = wanted

    def adb(self, *words: str, seconds: float = ANSWER_S) -> Done:
        """Run adb for this device; raises when the device is gone."""
        done = run(["adb", "-s", self.serial, *words], seconds)
        said = f"{done.last_words}\n{done.out[-500:].decode('utf-8', errors='replace')}"
        if done.code is None:
            raise DeviceUnreachable(
                f"{self.serial}: no answer to adb {words[0]} for {seconds:.0f} s. Unlock it; check the cable."
            )
        if done.code and any(word in said for word in _GONE):
            raise DeviceUnreachable(f"{self.serial}: adb {words[0]} lost it. Check the cable, and: adb devices{done.last_words}")
        return done

    def shell(self, argv: list[str], seconds: float = ANSWER_S) -> Done:
        """Run a command there; the device's shell gets it quoted."""
        return self.adb("shell", shlex.join(argv), seconds=seconds)

    def sha256(self, path: str) -> str | None:
        """sha256 of a file there; None when there is none."""
        done = self.shell(["sha256sum", path], seconds=60)
        found = re.match(rb"([0-9a-f]{64})\s", done.out)
        return found[1].decode() if found and done.code == 0 else None

    def push(self, path: Path, name: str) -> str:
        """Copy a file there and have it hashed there; returns its path there."""
        there, sha256 = f"{FOLDER}/{name}", _sha256(path)
        if sha256 is None:
            raise BenchmarkError(f"{path}: no such file. Check 'benchmark_model' and the artifact.")
        if self.sha256(there) == sha256:
            return there
        self.shell(["mkdir", "-p", FOLDER])
        done = self.adb("push", str(path.absolute()), there, seconds=ANSWER_S + path.stat().st_size / COPY_BYTES_A_SECOND)
        if self.sha256(there) != sha256:
            self.shell(["rm", "-f", there])
            raise BenchmarkError(f"{self.serial}: {path.name} did not arrive whole. Check the room there.{done.last_words}")
        return there

    def facts(self) -> dict[str, Any]:
        """What the device says of itself."""
        names = ("ro.soc.model", "ro.product.model", "ro.build.version.release", "ro.product.cpu.abi")
        soc, model, release, abi = (printable(self.shell(["getprop", n]).out.decode(errors="replace").strip(), 80) for n in names)
        return {"cpu": soc or model or "unknown", "system": f"android {release} {abi}", "model": model}


class _Session:
    """See `edgetl.connections._base.Session`."""

    def __init__(self, device: _Device, program: list[str], name: str) -> None:
        self._device, self._program, self._name, self._slowest_s = device, program, name, 0.0
        report = self._run(1, 0.0, "--report_peak_memory_footprint=true")
        init, first, _, _ = self._timings(report)
        peak = re.search(_PEAK, report, re.M)
        self._peak_mib = float(peak[1]) if peak else None
        self._slowest_s = (init + first) / 1e3
        self.facts: dict[str, Any] = {
            "engine": "LiteRT benchmark_model",
            "load_ms": init,
            "first_inference_ms": first,
            "values_are": "mean of a run",
            "cores": None,
            **device.facts(),
        }

    def time(self, count: int, seconds: float) -> tuple[float, ...]:
        return (self._timings(self._run(count, seconds))[3],)

    def outputs(self, images: tuple[np.ndarray, ...]) -> tuple[tuple[np.ndarray, ...], ...]:
        raise BenchmarkError(f"{self._name}: benchmark_model gives no outputs, only times. Compare numbers over ssh or emulated.")

    def peak_memory_mib(self) -> float | None:
        return self._peak_mib

    def close(self) -> None:
        return

    def _run(self, count: int, seconds: float, *flags: str) -> str:
        """Run the program once; its report."""
        limits = [f"--num_runs={count}", "--min_secs=0", f"--max_secs={max(seconds, 1.0):g}", "--warmup_runs=1"]
        patience = LOAD_S + seconds + 10 * self._slowest_s
        done = self._device.shell([*self._program, *limits, *flags], seconds=patience)
        report = done.out.decode("utf-8", errors="replace") + done.last_words  # it reports to either, by version
        if done.code:
            said = "".join(f"\n  {printable(line, 200)}" for line in report.strip().splitlines()[-4:])
            raise BenchmarkError(f"{self._name}: benchmark_model ended with {done.code}.{said}")
        return report

    def _timings(self, report: str) -> tuple[float, ...]:
        """Load, first inference, mean of the warm-up, mean of the run; in milliseconds."""
        found = re.findall(_TIMINGS, report, re.M)
        figures = tuple(float(figure) / 1e3 for figure in found[0]) if len(found) == 1 else ()
        if not figures or not 0 < figures[3] < 1e9:
            raise BenchmarkError(
                f"{self._name}: {len(found)} lines 'Inference timings in us' where one with times above zero was due. "
                "Check that 'benchmark_model' is LiteRT's or TensorFlow's, of 2020 or later."
            )
        return figures


class _Link:
    def __init__(self, settings: Settings) -> None:
        self._settings, self._pushed = settings, set[str]()
        self._device = _Device(settings)

    def start(self, artifact: Path, runtime: str, threads: int) -> _Session:
        if runtime not in RUNTIMES:
            raise BenchmarkError(f"{artifact.name}: over adb only {', '.join(RUNTIMES)} runs, not {runtime}.")
        program = self._settings.benchmark_model
        if not _is_there(program):
            program = self._push(Path(program).expanduser())
            self._device.shell(["chmod", "755", program])
        pinned = ["taskset", self._settings.cpus] if self._settings.cpus else []
        argv = [*pinned, program, f"--graph={self._push(artifact)}", f"--num_threads={threads}"]
        return _Session(self._device, argv, f"{self._device.serial}: {artifact.name}")

    def _push(self, path: Path) -> str:
        there = self._device.push(path, f"{_sha256(path)}{'.tflite' if path.suffix == '.tflite' else ''}")
        self._pushed.add(there)
        return there

    def close(self) -> None:
        try:
            if self._pushed:
                self._device.shell(["rm", "-f", *sorted(self._pushed)])
        except DeviceUnreachable:
            return
        finally:
            self._pushed.clear()


def open(settings: Settings) -> _Link:
    """See `ConnectionModule.open`."""
    return _Link(settings)


def _attached() -> dict[str, str]:
    """Serial number → state of each device that adb knows."""
    done = run(["adb", "devices"], ANSWER_S)
    if done.code != 0:
        raise DeviceUnreachable(f"adb: its server does not answer. Try: adb kill-server, then adb devices{done.last_words}")
    found = {}
    for line in done.out.decode("utf-8", errors="replace").splitlines()[:200]:
        serial, tab, state = line.partition("\t")
        if tab:
            found[printable(serial, 128)] = printable(state.strip(), 40)
    return found


def _is_there(path: str) -> bool:
    return re.fullmatch(r"/data/local/tmp/[A-Za-z0-9_./-]{1,200}", path) is not None and "/../" not in path


def _sha256(path: Path) -> str | None:
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
