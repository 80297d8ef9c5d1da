"""A device profile: one YAML file that says what a phone, board or laptop is and what an artifact may cost on it.

Input: the name of a profile that comes with edgetl, or a path. Output: a frozen `DeviceProfile`, or every fault of the
file at once as `file:line: key: what`. Each fact names its source, so that a reader can check it; what is not known is
left out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edgetl import places, registry
from edgetl.errors import DeviceProfileError, InputError, UnknownName
from edgetl.schema import Bound, MinItems, OneOf, Pattern, check
from edgetl.yamlfile import read_yaml

Faults = tuple[tuple[str, str], ...]
"""(key relative to the section, what is wrong) of the rules that a single field cannot express."""

Name = Annotated[str, Pattern("[a-z0-9][a-z0-9_.-]{0,63}", "a name of lower-case letters, digits, '_', '-' and '.'")]
Words = Annotated[str, Pattern(r"\s*\S[\s\S]*", "a text that says something")]
Source = Annotated[str, Pattern(r"\s*\S[\s\S]*", "a source: name the document that states it")]
Format = Annotated[str, OneOf("format", lambda: registry.names("converters"))]
Limit = Annotated[float, Bound(gt=0.0, le=1e6)]
Count = Annotated[int, Bound(ge=1, le=256)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingSystem:
    """What the device runs."""

    family: Literal["android", "ios", "linux", "macos", "windows"]
    released: Words
    """Version that the device was first sold with; text, so in quotes where it looks like a number. "not stated" where no
    document that we know says it; `source` then names the one that says what the device runs."""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Soc:
    """The system on a chip."""

    name: Words
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """CPU cores of one kind."""

    cores: Count
    core: Words
    """Name of the core's design."""
    max_ghz: Annotated[float, Bound(gt=0.0, le=10.0)] | None = None
    """Highest clock in 10^9 Hz, where the vendor states it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """All CPU cores, fastest cluster first."""

    clusters: Annotated[tuple[Cluster, ...], MinItems(1)]
    source: Source

    @property
    def cores(self) -> int:
        """Cores of all clusters together."""
        return sum(cluster.cores for cluster in self.clusters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """A GPU or neural processing unit."""

    kind: Literal["gpu", "npu"]
    name: Words
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Main memory, shared by all processors."""

    gib: Annotated[float, Bound(gt=0.0, le=1024.0)]
    """In 2^30 bytes (vendors write GB and mean this)."""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Isa:
    """CPU instructions that decide how fast small number formats run."""

    features: tuple[Literal["fp16", "dotprod", "i8mm"], ...]
    """Present on every core: half precision arithmetic, int8 dot product, int8 matrix product (Arm's FEAT_FP16,
    FEAT_DotProd, FEAT_I8MM). An empty list says that there is none."""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSupport:
    """A format that the device can load, and what loads it."""

    format: Format
    runtime: Words
    """Package that an app links, or "part of the system"."""
    min_os: Words | None = None
    """Least version of the device's operating system, where it is known."""
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an artifact may cost on a device; a figure that is left out is not judged."""

    latency_p90_ms: Limit | None = None
    """90th percentile of the time of one inference on one image, in milliseconds, with the profile's `threads`."""
    size_mb: Limit | None = None
    """Size of the file in 10^6 bytes."""
    peak_memory_mib: Limit | None = None
    """Largest resident memory of the process that runs it, in 2^20 bytes."""
    reason: str = ""
    """Why these figures, for a person who doubts them; a budget's source."""

    def faults(self) -> Faults:
        """A figure has a reason."""
        given = [n for n in ("latency_p90_ms", "size_mb", "peak_memory_mib") if getattr(self, n) is not None]
        if given and not self.reason.strip():
            return (("reason", f"is missing: say why {', '.join(given)} should be just so."),)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """One phone, board or laptop."""

    schema: Literal[1]
    name: Name
    """Equals the name of the file."""
    title: Words
    """As a person calls it; starts verdicts."""
    measured_as: tuple[Words, ...] = ()
    """Names of the device in published tables (devices/measurements/), whose rows calibrate this profile."""
    os: OperatingSystem
    soc: Soc
    cpu: Cpu | None = None
    accelerators: tuple[Accelerator, ...] = ()
    memory: Memory | None = None
    isa: Isa | None = None
    formats: Annotated[tuple[FormatSupport, ...], MinItems(1)]
    threads: Count
    """CPU threads that the latency budget assumes."""
    budget: Budget

    @property
    def format_names(self) -> tuple[str, ...]:
        """Formats that the device can load, in the order of the file."""
        return tuple(support.format for support in self.formats)

    def faults(self) -> Faults:
        """Rules across sections."""
        found: list[tuple[str, str]] = []
        for index, name in enumerate(self.format_names):
            if name in self.format_names[:index]:
                found.append((f"formats[{index}].format", f"{name!r} is given twice."))
        if self.cpu is not None and self.threads > self.cpu.cores:
            found.append(("threads", f"{self.threads} threads on {self.cpu.cores} cores; give at most one each."))
        return tuple(found)


def device_names() -> tuple[str, ...]:
    """List the profiles that come with edgetl, by file name; nothing is parsed.

    Returns:
        Names in alphabetical order.
    """
    return tuple(file.stem for file in _files())


def load_device(name_or_path: str, where: str = "") -> DeviceProfile:
    """Read a device profile and check all of it.

    Args:
        name_or_path: a name of `device_names()`, or the path of a `.yaml` or `.yml` file.
        where: file, line or option that the name was read from; starts the error.

    Returns:
        The profile.

    Raises:
        UnknownName: no profile of that name comes with edgetl.
        DeviceProfileError: the file cannot be read, or does not hold; with every fault found.
    """
    start = f"{where}: " if where else ""
    path = profile_path(name_or_path, where)
    try:
        file = read_yaml(path, stop="calibrations")
    except InputError as error:
        message, *_ = str(error).splitlines()
        raise DeviceProfileError(start + message, error.faults) from error
    faults: list[str] = []
    profile = check(DeviceProfile, file.value, file.where, faults)
    given = file.value.get("name") if isinstance(file.value, dict) else None
    place = file.where("name")
    if isinstance(given, str) and given != path.stem and not any(f.startswith(f"{place}: ") for f in faults):
        faults.append(f"{place}: is {given!r}, but the file is named {path.name!r}; make them equal.")
    if profile is None or faults:
        raise DeviceProfileError(f"{start}{file.path}: {len(faults)} fault(s). Nothing was run.", faults)
    return profile


def profile_path(name_or_path: str, where: str = "") -> Path:
    """File of a profile.

    Args:
        name_or_path: see `load_device`.
        where: see `load_device`.

    Returns:
        The file; a path that was given need not exist.

    Raises:
        UnknownName: no profile of that name comes with edgetl.
    """
    name = os.fspath(name_or_path)
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    known = {file.stem: file for file in _files()}
    if name not in known:
        raise UnknownName("device", name, known, where)
    return known[name]


def _files() -> tuple[Path, ...]:
    return tuple(sorted(places.shipped("devices").glob("*.yaml"), key=lambda file: file.stem))
