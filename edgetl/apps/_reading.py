"""A bundle → what the code for one of its artifacts is written from, read strictly: a bundle may come from anyone."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from edgetl import content
from edgetl.apps._base import App
from edgetl.bundle import contracts
from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError
from edgetl.golden.expected import expected, opening, paths

_MOST_TITLE = 512


def read(bundle: OpenBundle, artifact: str | None, formats: Container[str], package: str) -> App:
    """Read what an app needs.

    Args:
        bundle: opened.
        artifact: `format/scheme`; None = the only one of `formats`.
        formats: that the platform runs.
        package: name of the code's package.

    Returns:
        The facts, held against the artifact's own file.

    Raises:
        InputError: the bundle does not hold, or the artifact is not one for this platform.
    """
    contract = expected(bundle, _chosen(artifact, paths(bundle), formats), "--artifact")
    opening(bundle, contract)  # holds it against the file
    title = bundle.manifest.get("title") or contract.name
    if not isinstance(title, str) or not title.isprintable() or len(title) > _MOST_TITLE:
        raise InputError(f"manifest.json: title: must be one line of at most {_MOST_TITLE} characters.")
    return App(
        title=title,
        package=package,
        contract=contract,
        contract_file=bundle.folder / contracts.place(contract.path),
        model=_files(bundle, contract.path),
        manifest_sha256=content.digest(bundle.folder / "manifest.json", "manifest.json"),
        golden={photo.file: bundle.folder / "golden" / photo.file for photo in contract.golden},
    )


def _chosen(artifact: str | None, names: dict[str, str], formats: Container[str]) -> str:
    able = [name for name in names if name.partition("/")[0] in formats]
    if artifact is None:
        if len(able) != 1:
            what = f"must name one of: {', '.join(able)}." if able else f"the bundle has none; it has: {', '.join(names)}."
            raise InputError(f"--artifact: {what}")
        return able[0]
    if artifact in names and artifact not in able:
        raise InputError(f"--artifact: {artifact} does not run there. Those of the bundle that do: {', '.join(able) or 'none'}.")
    return artifact


def _files(bundle: OpenBundle, path: str) -> dict[str, Path]:
    """The artifact's files as the manifest names them; of a package, by their path inside it."""
    named = {str(name).removeprefix(path): bundle.folder / name for name in bundle.manifest["files"]}
    suffix = Path(path).suffix
    return {f"model{suffix}{rest}": file for rest, file in named.items() if file.is_relative_to(bundle.folder / path)}
