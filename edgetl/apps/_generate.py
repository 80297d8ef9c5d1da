"""`edgetl ship app`: open a bundle, read one artifact's facts, write a platform's folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.apps import _reading, _writing
from edgetl.bundle.opening import OpenBundle, opened
from edgetl.errors import InputError

_PACKAGE = re.compile(r"(?=.{3,128}$)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        "abstract as assert boolean break byte case catch char class const continue default do double else enum extends "
        "false final finally float for fun goto if implements import in instanceof int interface is long native new "
        "null object package private protected public return short static super switch synchronized this throw throws "
        "transient true try typealias typeof val var void volatile when while ",
    )
)
"""Words that no part of a package may be: Java's and Kotlin's."""


def generate(bundle: Path, name: str, artifact: str | None, out: Path, package: str | None) -> dict[str, Any]:
    """Write the code of an app.

    Args:
        bundle: a bundle's folder or zip.
        name: of the platform, a plug-in.
        artifact: `format/scheme`; None = the only one that runs there.
        out: folder to write.
        package: of the code; None = `com.example.` and the bundle's name.

    Returns:
        What was written: `schema`, `app`, `artifact`, `package`, `manifest_sha256`, `files` (path → sha256).

    Raises:
        InputError: the bundle does not hold, the artifact does not run there, or the folder holds something else.
    """
    module = registry.load("apps", name)
    if package is not None:
        _check(package)
    with opened(bundle) as found:
        app = _reading.read(found, artifact, module.FORMATS, package or _default(found))
        if (why := module.unfit(app)) is not None:
            raise InputError(f"{bundle}: {app.artifact}: {why}")
        facts = {"app": name, "artifact": app.artifact, "package": app.package, "manifest_sha256": app.manifest_sha256}
        return {"schema": 1, **facts, "files": _writing.write(out, module.files(app), facts)}


def _check(package: str) -> None:
    if not _PACKAGE.fullmatch(package) or _RESERVED & set(package.split(".")):
        raise InputError(
            f"--package: {package!r} must be two or more words of small letters, digits and '_' with dots between them, none of "
            "them a word of Java or Kotlin: com.example.fruit."
        )


def _default(bundle: OpenBundle) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", str(bundle.manifest.get("name", "")).lower()).strip("_")[:40]
    return f"com.example.{word if re.match('[a-z]', word) and word not in _RESERVED else 'edgetl_model'}"
