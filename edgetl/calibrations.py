"""The machine-written part of a device profile: what its published or own measurements say about its speed.

It is the last section of the profile's YAML file, `calibrations:`, after all that people write. `load_device` does not read it (a
plan needs no costs and starts faster without); `load_calibrations` does. Every figure in it is computed from the rows named in
it by `edgetl device calibrate`, and a test computes them anew.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from edgetl.devices import Words, profile_path
from edgetl.errors import DeviceProfileError, InputError
from edgetl.schema import Bound, MinItems, check
from edgetl.types import to_json
from edgetl.yamlfile import read_yaml

KEY = "calibrations"
"""The section, and the line that it begins with."""

Positive = Annotated[float, Bound(gt=0.0, le=1e9)]
Share = Annotated[float, Bound(ge=0.0, le=1.0)]
Whole = Annotated[int, Bound(ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Cost of each kind of work; units in `edgetl.estimator.terms.TERMS`: milliseconds, else nanoseconds."""

    fixed: Positive
    layers: Positive
    pointwise: Positive
    spatial: Positive
    grouped: Positive
    stem: Positive
    depthwise: Positive
    depthwise_wide: Positive
    dense: Positive
    matmul: Positive
    traffic: Positive
    passes: Positive
    weights: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Widen:
    """Standard deviations that hold 90 % of what was left out, by how much was known of a network's family."""

    near: Positive
    """The family was measured on this setting."""
    elsewhere: Positive
    """It was measured on others of the pool only."""
    unseen: Positive
    """It was measured nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How far predictions of left-out rows were off."""

    rows: Whole
    median: Positive
    """Median of |predicted / measured - 1|."""
    p90: Positive
    within_10: Share
    within_20: Share
    rank: Annotated[float, Bound(ge=-1.0, le=1.0)]
    """Spearman's correlation of predicted and measured."""
    covered: Share | None = None
    """Share of rows in their 90 % interval; None for a predictor that gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The estimator and the two baselines, asked for the same rows."""

    estimator: Figures
    ns_per_mac: Figures | None = None
    log_linear: Figures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What the rows show; outside of it an estimate says so."""

    kinds: tuple[Words, ...]
    """Kinds of layers."""
    macs_m: tuple[Positive, Positive]
    """Least and most multiply-accumulates, in millions."""
    input_px: tuple[Positive, Positive]
    """Least and greatest side of the input, in pixels."""
    families: tuple[Words, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """One setting."""

    measured_as: Words
    """Name of the device in the rows; one of the profile's `measured_as`."""
    runtime: Words
    runtime_version: str = ""
    """Empty where the sources do not tell versions apart."""
    accelerator: Words
    threads: Whole
    """0 where the sources do not say."""
    precision: Words
    rows: Whole
    networks: Whole
    """Different networks among the rows."""
    sources: Annotated[tuple[Words, ...], MinItems(1)]
    costs: Costs
    noise: Positive
    """Standard deviation of a row's logarithm about what is expected."""
    widen: Widen
    models_left_out: LeftOut | None = None
    """Each network left out of all devices; None with too few rows."""
    families_left_out: LeftOut | None = None
    domain: Domain
    misses: tuple[Words, ...] = ()
    """What this calibration does not reach, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    calibrations: tuple[Calibrated, ...] = ()


def load_calibrations(name_or_path: str) -> tuple[Calibrated, ...]:
    """Read the calibrations of a profile.

    Args:
        name_or_path: as `edgetl.devices.load_device`.

    Returns:
        In the order of the file; empty where it has none.

    Raises:
        UnknownName: no profile of that name comes with edgetl.
        DeviceProfileError: the section does not hold; with every fault found.
    """
    try:
        file = read_yaml(profile_path(name_or_path))
    except InputError as error:
        raise DeviceProfileError(str(error).splitlines()[0], error.faults) from error
    faults: list[str] = []
    value = {KEY: file.value[KEY]} if isinstance(file.value, dict) and KEY in file.value else {}
    section = check(_Section, value, file.where, faults)
    if section is None or faults:
        raise DeviceProfileError(f"{file.path}: {len(faults)} fault(s) in its calibrations.", faults)
    return section.calibrations


def write_calibrations(path: Path, found: tuple[Calibrated, ...]) -> None:
    """Replace the calibrations of a profile; what people wrote stays as it is, byte for byte.

    Args:
        path: of the profile.
        found: the new ones; none removes the section.
    """
    import yaml

    kept = text_before(path.read_text(encoding="utf-8"), KEY).rstrip("\n") + "\n"
    if found:
        plain = [_rounded({k: v for k, v in to_json(one).items() if v not in ([], "", None)}) for one in found]
        body = yaml.safe_dump({KEY: plain}, sort_keys=False, width=130, default_flow_style=None, allow_unicode=True)
        kept += f"\n# Written by `edgetl device calibrate` from the rows in devices/measurements; not by hand.\n{body}"
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(kept)
    Path(draft).chmod(0o644)
    os.replace(draft, path)


def text_before(text: str, key: str) -> str:
    """What stands before the top-level section `key`, the comment of machines above it left out."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith(f"{key}:"):
            end = number
            while end and lines[end - 1].startswith("# Written by `edgetl"):
                end -= 1
            return "".join(lines[:end])
    return text


def _rounded(value: Any) -> Any:
    """Four significant digits, and no empty parts: what a person can read, and a hundred times finer than any doubt."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items() if item is not None}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
