"""What an app logged (`APP.json`): read strictly, as any program may have written it, with every fault at once.

Schema history: 1 = first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from edgetl.bundle import plain
from edgetl.errors import InputError
from edgetl.schema import Bound, MinItems, Pattern, check
from edgetl.tensors import SAMPLES

MAX_BYTES = 64_000_000
"""Largest log that is read: a thousand photos of a thousand classes take about 20 million."""
_SHOWN = 50

Name = Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{1,512}", "one line of at most 512 printable characters")]
_LEAST = -0.01
Share = Annotated[float, Bound(ge=_LEAST, le=1.0 - _LEAST)]
"""A probability; fp16 arithmetic may leave 0 and 1 by a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTensor:
    """The values of the network's input, as the app filled it."""

    sha256: Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")] | None = None
    """Of its bytes: little-endian, in the order in which they lie in the buffer."""
    samples: tuple[float, ...] | None = None
    """The values at the places `sample_at`."""

    def faults(self) -> tuple[tuple[str, str], ...]:
        """Something is logged, and as many values as are compared."""
        if self.sha256 is None and self.samples is None:
            return (("", "needs sha256, samples or both."),)
        if self.samples is not None and len(self.samples) != SAMPLES:
            return (("samples", f"must be {SAMPLES} values, those at sample_at of golden.json; has {len(self.samples)}."),)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedName:
    """One of the classes that the app named for a photo."""

    label: Name
    probability: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedImage:
    """What the app logged of one photo."""

    file: Name
    """As golden.json names it, or relative to the data folder, with forward slashes."""
    tensor: LoggedTensor | None = None
    probabilities: tuple[Share, ...] | None = None
    """Of all classes, in the order in which the file gives them."""
    top: Annotated[tuple[LoggedName, ...], MinItems(1)] | None = None
    """The likeliest classes, by the names that the app shows."""

    def faults(self) -> tuple[tuple[str, str], ...]:
        """It says something, and names each class once."""
        found = []
        if self.tensor is None and self.probabilities is None and self.top is None:
            found.append(("", "needs tensor, probabilities or top."))
        if self.top is not None and len({entry.label for entry in self.top}) < len(self.top):
            found.append(("top", "names a class twice."))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppLog:
    """One run of an app over some photos."""

    schema: Annotated[int, Bound(ge=1, le=1)]
    images: Annotated[tuple[LoggedImage, ...], MinItems(1)]
    artifact: Name | None = None
    """Which file the app loads: `format/scheme`."""

    def faults(self) -> tuple[tuple[str, str], ...]:
        """Each photo stands there once."""
        names = [image.file for image in self.images]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        return (("images", f"logs {', '.join(twice[:5])} more than once."),) if twice else ()


def read(path: Path, class_names: Sequence[str]) -> AppLog:
    """Read an app's log.

    Args:
        path: the JSON file.
        class_names: of the network, in index order.

    Returns:
        The log.

    Raises:
        InputError: it cannot be read, or does not hold: with every fault found.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                f"{path}: is larger than {MAX_BYTES // 10**6} MB. Log fewer photos, or `top` instead of probabilities."
            )
        value = plain.read(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f'{path}: is no JSON that can be read ({error}). README, "Golden photos", shows what to log.') from error
    faults: list[str] = []
    log = check(AppLog, value, lambda key: f"{path.name}: {key}" if key else path.name, faults)
    if (other := _no_shares(value)) is not None:  # said once, not of every value
        faults = [f"{path.name}: {other}", *(f for f in faults if ".probabilities[" not in f)]
    known = set(class_names)
    for number, image in enumerate(log.images if log is not None else ()):
        if image.probabilities is not None and len(image.probabilities) != len(class_names):
            have, wanted = len(image.probabilities), len(class_names)
            faults.append(f"{path.name}: images[{number}].probabilities: has {have} values, the network {wanted}.")
        strange = [entry.label for entry in image.top or () if entry.label not in known]
        if strange:
            faults.append(f"{path.name}: images[{number}].top: the network has no class {strange[0]!r}.")
    if log is None or faults:
        more = [f"… and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        raise InputError(f"{path}: is not what an app should log: {len(faults)} fault(s).", [*faults[:_SHOWN], *more])
    return log


def _no_shares(value: Any) -> str | None:
    """Say what was logged instead of probabilities; None where that is not plain."""
    images = value.get("images") if isinstance(value, dict) else None
    logged = [image.get("probabilities") for image in images if isinstance(image, dict)] if isinstance(images, list) else []
    rows: list[list[float]] = [
        row for row in logged if isinstance(row, list) and row and all(type(v) in (int, float) and abs(v) < 1e6 for v in row)
    ]
    lowest, highest = min((min(row) for row in rows), default=0.0), max((max(row) for row in rows), default=1.0)
    if lowest >= _LEAST and highest <= 1.0 - _LEAST:
        return None
    if lowest >= _LEAST and highest <= 101.0 and all(abs(sum(row) - 100.0) < 1.0 for row in rows):
        return f"probabilities look like per cent (up to {highest:.3g}): divide them by 100."
    if sum(min(row) < _LEAST or max(row) > 1.0 - _LEAST for row in rows) > len(rows) / 2:
        return (
            f"probabilities look like logits (from {lowest:.3g} to {highest:.3g}): "
            "log what the file gives after softmax (or sigmoid), from 0 to 1."
        )
    return None
