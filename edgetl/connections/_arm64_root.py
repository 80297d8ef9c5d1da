"""A folder with an ARM64 Python, LiteRT, onnxruntime and numpy, made on a computer that is not ARM, for the emulator to run.

Input: a folder to make. Output: `system/` (Debian's arm64 packages, unpacked), `site/` (ARM64 wheels in the versions that this
Python uses), `cpuinfo/` (what Linux would say of each processor), `made.json` (every package with its version and sha256).
apt checks the signatures and pip the hashes of what they fetch; neither needs root rights, and nothing is installed on this host.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetl.errors import BenchmarkError, MissingDependency

DEBIAN_PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
WHEELS = ("ai-edge-litert", "onnxruntime", "numpy")
_BASE = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
_NEWER = "atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
CPUS = {"cortex-a72": ("0xd08", "0x0", _BASE), "cortex-a76": ("0xd0b", "0x4", f"{_BASE} {_NEWER}")}
"""Processor, in QEMU's spelling → part, variant and features of /proc/cpuinfo on a Raspberry Pi 4 and 5, where Linux runs on it.

Source: Arm, Technical Reference Manuals of Cortex-A72 and Cortex-A76, MIDR_EL1; Linux, Documentation/arch/arm64/elf_hwcaps.rst.
"""
STEP_S = 1800.0


def cpuinfo(cpu: str, cores: int = 4) -> str:
    """Write what /proc/cpuinfo says on an ARM64 Linux; the runtimes' library cpuinfo dies of an x86 one.

    Args:
        cpu: a key of `CPUS`.
        cores: how many to list.

    Returns:
        The text.
    """
    part, variant, features = CPUS[cpu]
    one = (
        f"BogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: {variant}\nCPU part\t: {part}\nCPU revision\t: 1\n\n"
    )
    return "".join(f"processor\t: {number}\n{one}" for number in range(cores))


def made(root: Path) -> dict[str, Any] | None:
    """Read what a folder was made of; None when it was not made, or not by this."""
    try:
        with (root / "made.json").open("rb") as file:
            found = json.loads(file.read(2**20))
    except (OSError, ValueError, RecursionError):
        return None
    known = isinstance(found, dict) and found.get("schema") == 1 and isinstance(found.get("python"), str)
    return found if known and re.fullmatch(r"3\.[0-9]{1,2}", found["python"]) else None


def wanted() -> list[str]:
    """Wheels as pip takes them, in the versions that this Python has: the same code, on another processor."""
    from edgetl import packages

    return [f"{name}=={version}" if (version := packages.version(name)) else name for name in WHEELS]


def make(root: Path, tell: Callable[[str], None], check: Callable[[Path], object]) -> dict[str, Any]:
    """Make the folder; it appears under its name only when whole.

    Args:
        root: folder; replaced when there already.
        tell: called with what is being done, in some words.
        check: called with the folder before it gets its name; raises when it is of no use.

    Returns:
        What `made` reads.

    Raises:
        MissingDependency: apt-get, dpkg-deb or pip is not there.
        BenchmarkError: something could not be fetched.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            where = "a system of the Debian family, whose packages it unpacks"
            raise MissingDependency(program, "edgetl device prepare arm64_emulated", where)
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = root.with_name(f"{root.name}.{os.getpid()}.partial")
    for left in root.parent.glob(f"{root.name}.*.partial"):  # of a run that was killed
        if left == partial or not Path(f"/proc/{left.name.split('.')[-2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    try:
        partial.mkdir()
        tell("fetching an ARM64 Python (Debian packages, about 15 MB)")
        debs = _fetch_debs(partial / "apt")
        tell("unpacking it")
        system = partial / "system"
        system.mkdir()
        for deb in debs:
            _run(["dpkg-deb", "-x", str(deb), str(system)])
        if not (system / "lib" / "ld-linux-aarch64.so.1").exists():  # Debian 13 keeps it in usr/lib, and links to that
            (system / "lib").symlink_to("usr/lib")
        python = _python_of(system)
        found = [_deb_entry(deb) for deb in debs]
        tell("fetching ARM64 wheels (about 50 MB)")
        glibc = next(int(e["version"].split(".")[1].split("-")[0]) for e in found if e["name"] == "libc6")
        found += _fetch_wheels(partial, python, glibc)
        (partial / "cpuinfo").mkdir()
        for cpu in CPUS:
            (partial / "cpuinfo" / cpu).write_text(cpuinfo(cpu), encoding="ascii")
        shutil.rmtree(partial / "apt")
        record = {"schema": 1, "python": python, "packages": found}
        (partial / "made.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        tell("trying it")
        check(partial)
        old = root.with_name(f"{root.name}.{os.getpid()}.old")
        if root.exists():
            os.replace(root, old)
        os.replace(partial, root)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return record


def _fetch_debs(apt: Path) -> list[Path]:
    """Let apt find what the packages need on an empty ARM64 system, from this host's sources, and fetch it."""
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    settings = (
        f"Dir::State={apt}",
        f"Dir::State::lists={apt}/lists",
        f"Dir::State::status={apt}/status",
        f"Dir::Cache={apt}",
        f"Dir::Cache::archives={apt}/archives",
        "APT::Architecture=arm64",
        "APT::Architectures=arm64",
        "APT::Sandbox::User=",
        "Acquire::Languages=none",
        "Debug::NoLocking=true",
    )
    options = [word for setting in settings for word in ("-o", setting)]
    _run(["apt-get", *options, "update", "-qq"])
    command = ["install", "-y", "-qq", "--download-only", "--no-install-recommends", *DEBIAN_PACKAGES]
    _run(["apt-get", *options, *command], "This host's apt sources must offer arm64 (Debian's do).")
    return sorted((apt / "archives").glob("*.deb"))


def _fetch_wheels(partial: Path, python: str, glibc: int) -> list[dict[str, str]]:
    platforms = [word for minor in range(17, glibc + 1) for word in ("--platform", f"manylinux_2_{minor}_aarch64")]
    report = partial / "wheels.json"
    target = ["--target", str(partial / "site"), "--python-version", python, "--implementation", "cp"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--no-compile", "--report", str(report)]
    _run([*command, *target, "--platform", "manylinux2014_aarch64", *platforms, *wanted()])
    entries = json.loads(report.read_text(encoding="utf-8"))["install"]
    report.unlink()
    return [
        {
            "name": entry["metadata"]["name"],
            "version": entry["metadata"]["version"],
            "sha256": entry["download_info"]["archive_info"]["hashes"]["sha256"],
        }
        for entry in entries
    ]


def _python_of(system: Path) -> str:
    found = sorted(path.name.removeprefix("python") for path in (system / "usr" / "bin").glob("python3.*"))
    if len(found) != 1:
        raise BenchmarkError(f"{system}: {len(found)} Pythons where one was expected. This is a fault of edgetl; report it.")
    return found[0]


def _deb_entry(deb: Path) -> dict[str, str]:
    with deb.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    name, version, _ = deb.stem.split("_")
    return {"name": name, "version": version.replace("%3a", ":"), "sha256": sha256}


def _run(argv: list[str], hint: str = "Check the network and its proxy settings.") -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        subprocess.run(argv, check=True, capture_output=True, timeout=STEP_S, env=environment, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{argv[0]} took more than {STEP_S:.0f} s. {hint}") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", errors="replace").strip().splitlines()[-4:]
        said = "".join(f"\n  {line[:300]}" for line in lines)
        raise BenchmarkError(f"{Path(argv[0]).name} failed with {error.returncode}. {hint}{said}") from error
