"""Which contract an app's file has to keep, read strictly and held against the file: a bundle may come from anyone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgetl.bundle import contracts
from edgetl.bundle.contracts import Contract
from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError, UnknownName
from edgetl.mistakes._base import Given
from edgetl.replay import network


def paths(bundle: OpenBundle) -> dict[str, str]:
    """Find the artifacts of a bundle; `format/scheme` → path in it. Raises InputError where the manifest does not say."""
    try:
        return {f"{row['format']}/{row['scheme']}": str(row["path"]) for row in bundle.manifest["artifacts"]}
    except (KeyError, TypeError) as error:
        raise InputError(f"manifest.json: artifacts: are not what edgetl writes ({error!r}).") from error


def expected(bundle: OpenBundle, artifact: str | None, where: Literal["--artifact", "the log"]) -> Contract:
    """Read the contract of one artifact.

    Args:
        bundle: opened.
        artifact: `format/scheme`; None = the only one.
        where: the name was read from.

    Returns:
        The contract.

    Raises:
        InputError: it does not hold, the artifact is not in the bundle, or there are several and none is named.
    """
    names = paths(bundle)
    if artifact is None:
        if len(names) != 1:
            raise InputError(f"{where}: must name the artifact that the app loads, one of: {', '.join(names)}.")
        artifact = next(iter(names))
    if artifact not in names:
        raise UnknownName("artifact", artifact, names, where)
    found = contracts.read(bundle, names[artifact], bundle.named)
    if found.artifact != artifact:
        raise InputError(f"{contracts.place(found.path)}: is of {found.artifact}, not of {artifact}.")
    return found


def opening(bundle: OpenBundle, contract: Contract) -> tuple[Path, Given]:
    """Give the artifact's file, now, and what its input takes.

    Args:
        bundle: opened.
        contract: of the artifact.

    Returns:
        Its path; its input.

    Raises:
        InputError: it is no file with such an input, or the contract speaks of other photos or labels than the bundle holds.
    """
    files, where, told = bundle.manifest["files"], contracts.place(contract.path), contract.input
    for photo in contract.golden:
        if files.get(f"golden/{photo.file}", {}).get("sha256") != photo.sha256:
            raise InputError(f"{where}: its golden photo {photo.file} is not in the bundle.")
    if contract.labels != bundle.class_names:
        raise InputError(f"{where}: names other labels than manifest.json.")
    given = network.given(bundle.folder / contract.path, bundle.preprocess, bundle.class_names)
    wanted = {"dtype": given.dtype, "layout": given.layout, "mean": 0.0, "std": 1.0}
    read = ("resize_px", "crop_px", "interpolation", *(("mean", "std") if given.dtype == "float32" else ()))
    wanted |= {key: getattr(given.preprocess, key) for key in read}
    for key, value in wanted.items():
        if getattr(told, key) != value:
            raise InputError(f"{where}: input.{key}: is {getattr(told, key)!r}; the file takes {value!r}.")
    return bundle.folder / contract.path, given
