"""iOS and macOS: a Swift package for Core ML."""

from __future__ import annotations

from pathlib import Path

from edgetl import versions
from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "A Swift package for Core ML, with the model and the golden photos as resources"
FORMATS = ("coreml",)
RUNS = "Core ML"
_LEAST = 6
"""Oldest specification version of edgetl's packages."""


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    if _specification(app) not in versions.COREML:
        return "its specification version is not known, so neither is the iOS that loads it; ship it again with this version."
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    ios, macos = (system.partition(".")[0] for system in versions.COREML[max(_LEAST, _specification(app))])
    runs = f"{RUNS} on iOS {ios} or newer"
    package = _templates.tree("_swift", app, runs) | _templates.tree("ios", app, runs, ios=ios, macos=macos)
    package |= _templates.update_client(".swift", f"Sources/{app.module}/")
    return package | _templates.resources(app, f"Sources/{app.module}/Model/")


def _specification(app: App) -> int:
    """First field of Model.proto, a number of one byte; 0 where it is not there."""
    heads = [path.read_bytes()[:2] for name, path in app.model.items() if name.endswith("/model.mlmodel")]
    return heads[0][1] if len(heads) == 1 and heads[0][:1] == b"\x08" else 0
