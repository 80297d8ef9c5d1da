"""What golden.json expects of one artifact, read strictly: a bundle may come from anyone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edgetl.bundle.contracts import GoldenPhoto, photo_of
from edgetl.bundle.form import Line, Path_
from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError, UnknownName
from edgetl.mistakes._base import Given
from edgetl.replay import network
from edgetl.schema import MinItems, check
from edgetl.tensors import SAMPLES, sample_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The contract of one artifact."""

    artifact: Line
    path: Path_
    sample_at: tuple[int, ...]
    """Places of the input buffer that apps log."""
    images: Annotated[tuple[GoldenPhoto, ...], MinItems(1)]

    def faults(self) -> tuple[tuple[str, str], ...]:
        """As many values as are compared."""
        bad = [image.file for image in self.images if len(image.samples) != SAMPLES]
        return (("images", f"{bad[0]}: must have {SAMPLES} samples."),) if bad else ()


def expected(bundle: OpenBundle, artifact: str | None, where: Literal["--artifact", "the log"]) -> Expected:
    """Read what is expected of one artifact.

    Args:
        bundle: opened.
        artifact: `format/scheme`; None = the only one.
        where: the name was read from.

    Returns:
        The contract.

    Raises:
        InputError: golden.json does not hold, the artifact is not in it, or there are several and none is named.
    """
    golden = bundle.golden
    names = golden.get("artifacts")
    if not isinstance(names, dict) or not isinstance(golden.get("images"), list):
        raise InputError("golden.json: was made by an earlier version, without tensors; run the recipe again.")
    if artifact is None:
        if len(names) != 1:
            raise InputError(f"{where}: must name the artifact that the app loads, one of: {', '.join(map(str, names))}.")
        artifact = next(iter(names))
    if artifact not in names:
        raise UnknownName("artifact", artifact, map(str, names), where)
    faults: list[str] = []
    try:
        plain = {
            "artifact": artifact,
            "path": names[artifact]["path"],
            "sample_at": names[artifact]["sample_at"],
            "images": [photo_of(image, artifact) for image in golden["images"]],
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"golden.json: is not what edgetl writes ({error!r}).") from error
    found = check(Expected, plain, lambda key: f"golden.json: {key}", faults)
    if found is None:
        raise InputError("golden.json: is not what edgetl writes.", faults[:20])
    files = bundle.manifest["files"]
    packed = any(str(name).startswith(f"{found.path}/") for name in files)  # a Core ML package is a folder
    missing = [n for n in (found.path, *(f"golden/{i.file}" for i in found.images)) if n not in files]
    if packed:
        missing = [name for name in missing if name != found.path]
    if missing:
        raise InputError(f"golden.json: names files that manifest.json does not: {', '.join(missing[:5])}.")
    count = len(bundle.class_names)
    if any(image.probabilities is not None and len(image.probabilities) != count for image in found.images):
        raise InputError(f"golden.json: must have {count} probabilities an image, one a class of the manifest.")
    return found


def opening(bundle: OpenBundle, found: Expected) -> tuple[Path, Given]:
    """Give the artifact's file, now, and what its input takes.

    Args:
        bundle: opened.
        found: the contract of the artifact.

    Returns:
        Its path; its input.

    Raises:
        InputError: golden.json samples another layout than the input has.
    """
    path = bundle.folder / found.path
    given = network.given(path, bundle.preprocess, bundle.class_names)
    if found.sample_at != sample_at(bundle.preprocess.crop_px, given.layout):
        raise InputError(
            f"golden.json: {found.artifact}: its sample_at are not places of a buffer that is {given.layout}; "
            "the bundle was made by an earlier version: run the recipe again."
        )
    return path, given
