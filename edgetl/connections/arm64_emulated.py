"""ARM64 on a computer that is not: QEMU runs an ARM64 Python with the ARM64 builds of the runtimes.

What it shows are the numbers that ARM kernels compute, and their crashes. What it can never show is time: an emulator's is not a
device's, so asking for it is refused.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from edgetl.connections._child import run
from edgetl.connections._served import RUNNER, ServedSession, checked_probe
from edgetl.errors import BenchmarkError, DeviceUnreachable
from edgetl.schema import Pattern
from edgetl.types import Evidence

TITLE = "An emulated ARM64 processor on this computer: numbers and crashes of ARM kernels, no times."
EVIDENCE: Evidence = "emulated"
RUNTIMES = ("litert", "onnxruntime")
PATIENCE_S = 900.0
"""Longest time for one answer; an emulated inference takes tens to hundreds of times as long as one here."""
_DEPOT = Path(__file__).with_name("_depot.py")
_MAKE = "edgetl device prepare arm64_emulated"
_BOOT = """import runpy, sys
site, program = sys.argv[1:3]
sys.path.append(site)
sys.argv = sys.argv[2:]
runpy.run_path(program, run_name="__main__")
"""
_MOUNT = 'mount --bind "$1" /proc/cpuinfo && shift && exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See `ConnectionModule.Settings`."""

    PATHS: ClassVar = ("root",)

    cpu: Literal["cortex-a72", "cortex-a76"] = "cortex-a76"
    """Processor: cortex-a76 has dot products (Raspberry Pi 5, phones from 2019 on), cortex-a72 has none (Raspberry Pi 4)."""
    root: Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{1,1024}", "a path")] = "~/.cache/edgetl/arm64"
    """Folder with the ARM64 Python; `prepare` makes it."""

    @property
    def folder(self) -> Path:
        """The same, absolute."""
        return Path(self.root).expanduser().absolute()


def unavailable() -> str | None:
    """See `ConnectionModule.unavailable`."""
    if platform.system() != "Linux":
        return f"QEMU runs programs of another processor on Linux only; this is {platform.system()}."
    if _qemu() is None:
        return "qemu-aarch64 is not installed. Install your system's package qemu-user."
    return None if shutil.which("unshare") else "unshare is not installed. Install your system's package util-linux."


def unreachable(settings: Settings) -> str | None:
    """See `ConnectionModule.unreachable`."""
    try:
        probe(settings)
    except (DeviceUnreachable, BenchmarkError) as error:
        return str(error)
    return None


def probe(settings: Settings) -> dict[str, Any]:
    """See `ConnectionModule.probe`."""
    return _probe(settings, settings.folder)


def prepare(settings: Settings, tell: Callable[[str], None]) -> str:
    """See `ConnectionModule.prepare`: make the folder with the ARM64 Python."""
    from edgetl.connections import _arm64_root

    if (reason := unavailable()) is not None:
        raise DeviceUnreachable(f"arm64_emulated: {reason}")
    record = _arm64_root.make(settings.folder, tell, lambda folder: _probe(settings, folder))
    kept = {entry["name"]: entry["version"] for entry in record["packages"]}
    versions = ", ".join(f"{name} {kept.get(name, '?')}" for name in ("ai-edge-litert", "onnxruntime", "numpy"))
    return f"{settings.folder}: Python {record['python']}, {versions}."


def _probe(settings: Settings, root: Path) -> dict[str, Any]:
    done = run([*_argv(settings, root), str(_DEPOT), "probe"], 60)
    try:
        found = json.loads(done.out)
        if not isinstance(found, dict):
            raise ValueError
    except (ValueError, RecursionError) as error:
        how = "took too long" if done.code is None else f"ended with {done.code}"
        raise DeviceUnreachable(
            f"arm64_emulated: the ARM64 Python in {root} {how}. Check that this user may make mount namespaces "
            f"(unshare -r -m true), or make the folder anew with: {_MAKE}{done.last_words}"
        ) from error
    return checked_probe(found, "arm64_emulated")


def _qemu() -> str | None:
    return shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")


def _argv(settings: Settings, root: Path) -> list[str]:
    """Return what runs a Python program on the emulated processor; the program's path and arguments follow."""
    from edgetl.connections import _arm64_root

    reason, record = unavailable(), _arm64_root.made(root)
    if reason is None and record is None:
        reason = f"{root} has not been made. Make it once with: {_MAKE}"
    if reason is not None or record is None:
        raise DeviceUnreachable(f"arm64_emulated: {reason}")
    space = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    system = root / "system"
    emulator = [str(_qemu()), "-cpu", settings.cpu, "-L", str(system), str(system / "usr" / "bin" / f"python{record['python']}")]
    mounted = ["sh", "-c", _MOUNT, "sh", str(root / "cpuinfo" / settings.cpu)]
    return [*space, "--", *mounted, *emulator, "-I", "-S", "-B", "-c", _BOOT, str(root / "site")]


class _Session(ServedSession):
    def time(self, count: int, seconds: float) -> tuple[float, ...]:
        raise self._timeless()

    def counters(self) -> dict[str, float | None]:
        raise self._timeless()

    def profile(self, count: int) -> tuple[dict[str, Any], ...]:
        raise self._timeless()

    def _timeless(self) -> BenchmarkError:
        where = "Measure on the device, over ssh or adb."
        return BenchmarkError(f"{self._name}: an emulated processor has no times of its own. {where}")


class _Link:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._argv = _argv(settings, settings.folder)

    def start(self, artifact: Path, runtime: str, threads: int) -> _Session:
        job = {"model": str(artifact.absolute()), "runtime": runtime, "threads": threads, "cpus": None, "seed": 0}
        name = f"{artifact.name} on an emulated {self._settings.cpu}"
        advice = "Emulated by QEMU: an illegal instruction there is one that this processor lacks."
        argv = [*self._argv, str(RUNNER)]
        session = _Session(argv, job, name=name, load_s=PATIENCE_S, grace_s=PATIENCE_S, advice=advice)
        session.facts |= {"load_ms": None, "first_inference_ms": None, "import_ms": None, "cpu": f"emulated {self._settings.cpu}"}
        return session

    def close(self) -> None:
        return


def open(settings: Settings) -> _Link:
    """See `ConnectionModule.open`."""
    return _Link(settings)
