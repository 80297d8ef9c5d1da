"""A bundle → what the code for one of its artifacts is written from, read strictly: a bundle may come from anyone."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from edgetl import content
from edgetl.apps._base import App
from edgetl.bundle import contracts
from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError, UnknownName
from edgetl.replay import network

_MOST_TITLE = 512


def read(bundle: OpenBundle, artifact: str | None, formats: Container[str], package: str, named: Path) -> App:
    """Read what an app needs.

    Args:
        bundle: opened.
        artifact: `format/scheme`; None = the only one of `formats`.
        formats: that the platform runs.
        package: name of the code's package.
        named: the bundle as the user gave it, for messages.

    Returns:
        The facts, held against the artifact's own file.

    Raises:
        InputError: the bundle does not hold, or the artifact is not one for this platform.
    """
    paths = _paths(bundle.manifest)
    path = paths[_chosen(artifact, paths, formats)]
    contract = contracts.read(bundle, path, named)
    _hold(bundle, contract, path)
    title = bundle.manifest.get("title") or contract.name
    if not isinstance(title, str) or not title.isprintable() or len(title) > _MOST_TITLE:
        raise InputError(f"manifest.json: title: must be one line of at most {_MOST_TITLE} characters.")
    return App(
        title=title,
        package=package,
        contract=contract,
        contract_file=bundle.folder / contracts.place(path),
        model=_files(bundle, path),
        manifest_sha256=content.digest(bundle.folder / "manifest.json", "manifest.json"),
        golden={photo.file: bundle.folder / "golden" / photo.file for photo in contract.golden},
    )


def _paths(manifest: dict[str, Any]) -> dict[str, str]:
    """Artifact → its path in the bundle."""
    try:
        return {f"{row['format']}/{row['scheme']}": str(row["path"]) for row in manifest["artifacts"]}
    except (KeyError, TypeError) as error:
        raise InputError(f"manifest.json: artifacts: are not what edgetl writes ({error!r}).") from error


def _chosen(artifact: str | None, names: dict[str, str], formats: Container[str]) -> str:
    able = [name for name in names if name.partition("/")[0] in formats]
    if artifact is None:
        if len(able) != 1:
            what = f"must name one of: {', '.join(able)}." if able else f"the bundle has none; it has: {', '.join(names)}."
            raise InputError(f"--artifact: {what}")
        return able[0]
    if artifact not in names:
        raise UnknownName("artifact", artifact, names, "--artifact")
    if artifact not in able:
        raise InputError(f"--artifact: {artifact} does not run there. Those of the bundle that do: {', '.join(able) or 'none'}.")
    return artifact


def _hold(bundle: OpenBundle, contract: contracts.Contract, path: str) -> None:
    """The contract is of this file, of photos that are in the bundle, and says of the input what the file itself says."""
    files, where = bundle.manifest["files"], contracts.place(path)
    if contract.path != path:
        raise InputError(f"{where}: is of {contract.path}, not of {path}.")
    for photo in contract.golden:
        if files.get(f"golden/{photo.file}", {}).get("sha256") != photo.sha256:
            raise InputError(f"{where}: its golden photo {photo.file} is not in the bundle.")
    if contract.labels != bundle.class_names:
        raise InputError(f"{where}: names other labels than manifest.json.")
    given = network.given(bundle.folder / path, bundle.preprocess, bundle.class_names)
    told = contract.input
    wanted: dict[str, Any] = {"dtype": given.dtype, "layout": given.layout, "mean": 0.0, "std": 1.0}
    read = ("resize_px", "crop_px", "interpolation", *(("mean", "std") if given.dtype == "float32" else ()))
    wanted |= {key: getattr(given.preprocess, key) for key in read}
    for key, value in wanted.items():
        if getattr(told, key) != value:
            raise InputError(f"{where}: input.{key}: is {getattr(told, key)!r}; the file takes {value!r}.")


def _files(bundle: OpenBundle, path: str) -> dict[str, Path]:
    """The artifact's files as the manifest names them; of a package, by their path inside it."""
    named = {str(name).removeprefix(path): bundle.folder / name for name in bundle.manifest["files"]}
    suffix = Path(path).suffix
    return {f"model{suffix}{rest}": file for rest, file in named.items() if file.is_relative_to(bundle.folder / path)}
