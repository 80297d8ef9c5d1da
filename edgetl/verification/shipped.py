"""Run the artifacts of a bundle on its golden photos and hold what they answer against their contracts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgetl import isolation, registry
from edgetl.bundle import contracts
from edgetl.bundle.contracts import Contract
from edgetl.bundle.opening import Whole
from edgetl.errors import InputError, StageError, VerificationError
from edgetl.replay import network

_ROUNDED = 1e-6
"""Most that a probability may be off because a contract writes seven digits."""
_LIMIT_S = 900.0
"""Longest time for one artifact; packages of Core ML that are evaluated in software take the longest, seconds a photo."""
Told = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One artifact, run here."""

    artifact: str
    path: str
    outcome: Literal["same", "differs", "not run"]
    runtime: str | None
    """That ran it; None where none did."""
    off: float | None
    """Most that a probability is off."""
    allowed: float | None
    """Tolerance of that photo."""
    says: str
    """What differs or was not run and why, in finished sentences; "" where there is nothing to say."""


def run(bundle: Whole, told: Told = lambda share, what: None) -> tuple[Trial, ...]:
    """Run each artifact that a runtime here can run, each in a process of its own: what is loaded may be hostile.

    Args:
        bundle: checked (`verifying.verified`), and open.
        told: is called with the share that is done, 0 to 1, and what runs now.

    Returns:
        One for each artifact, and for each companion of it, in the order of the manifest.

    Raises:
        BundleFault: a contract is not what edgetl writes.
    """
    rows = bundle.manifest["artifacts"]
    found = []
    for number, row in enumerate(rows):
        told(number / len(rows), f"{row['format']}/{row['scheme']} on the golden photos")
        found.append(_one(bundle, row["path"]))
        found += [_companion(found[-1], companion["path"]) for companion in row["companions"]]
    return tuple(found)


def _one(bundle: Whole, path: str) -> Trial:
    contract = contracts.read(bundle, path, bundle.folder)
    names = network.runtimes(bundle.folder / path)
    unable = _unable(network.format_of(bundle.folder / path))
    if not names:
        return _trial(contract, "not run", None, says=f"Nothing here runs it. {unable}")
    arguments = {"bundle": str(bundle.folder), "artifact": contract.artifact}
    handle, log = tempfile.mkstemp(prefix="edgetl-", suffix=".log")
    os.close(handle)
    try:
        logged = isolation.call("edgetl.golden.log", arguments, f"{path} in {names[0]}", Path(log), lambda event: None, _LIMIT_S)
    except (InputError, StageError, VerificationError) as error:
        return _trial(contract, "differs", names[0], says=f"Does not run: {error}")
    reference = f"Evaluated in software. {unable}" if registry.load("runtimes", names[0]).REFERENCE else ""
    return _held(contract, names[0], logged["images"], reference)


def _companion(of: Trial, path: str) -> Trial:
    """A file beside an artifact, such as its `.ort`: said to be not run, so that nobody takes it for checked."""
    says = f"{path} was made of the artifact's file; only its sha256 is checked."
    return Trial(artifact=of.artifact, path=path, outcome="not run", runtime=None, off=None, allowed=None, says=says)


def _unable(form: str) -> str:
    """Why the runtimes that phones have for a format do not run here."""
    modules = [registry.load("runtimes", name) for name in registry.names("runtimes")]
    whys = [m.unavailable() for m in modules if form in m.FORMATS and not m.REFERENCE]
    return " ".join(dict.fromkeys(why for why in whys if why is not None))


def _held(contract: Contract, runtime: str, images: list[dict[str, Any]], note: str) -> Trial:
    """Compare inputs and answers, photo by photo; the photo that is worst by its tolerance speaks for all."""
    level = contract.input.std if contract.input.dtype == "float32" else 1.0
    worst: tuple[float, float] | None = None
    for photo, image in zip(contract.golden, images, strict=True):
        tensor = image["tensor"]
        if tensor["sha256"] != photo.tensor_sha256:
            away = max(abs(a - b) for a, b in zip(tensor["samples"], photo.samples, strict=True)) * level
            if away > photo.levels + 1e-3:
                says = f"golden/{photo.file}: the input that the file takes is off by up to {away:.3g} levels."
                return _trial(contract, "differs", runtime, says=says)
        if photo.probabilities is None or photo.tolerance is None:
            return _trial(contract, "not run", runtime, says="Nothing ran it where the bundle was made; no answers to compare.")
        off = max(abs(a - b) for a, b in zip(image["probabilities"], photo.probabilities, strict=True))
        if worst is None or off - photo.tolerance > worst[0] - worst[1]:
            worst = off, photo.tolerance
        if off > photo.tolerance + _ROUNDED:
            where = f"on golden/{photo.file} by up to {off:.3g}, allowed {photo.tolerance:.3g}"
            says = f"Answers otherwise than its contract: {where}."
            return _trial(contract, "differs", runtime, (off, photo.tolerance), says)
    return _trial(contract, "same", runtime, worst, note)


def _trial(
    contract: Contract,
    outcome: Literal["same", "differs", "not run"],
    runtime: str | None,
    worst: tuple[float, float] | None = None,
    says: str = "",
) -> Trial:
    off, allowed = worst or (None, None)
    return Trial(
        artifact=contract.artifact,
        path=contract.path,
        outcome=outcome,
        runtime=runtime,
        off=None if off is None else round(off, 6),
        allowed=allowed,
        says=says,
    )
