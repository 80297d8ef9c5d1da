"""iOS and macOS: a Swift package for Core ML."""

from __future__ import annotations

from pathlib import Path

from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "A Swift package for Core ML, with the model and the golden photos as resources"
FORMATS = ("coreml",)
RUNS = "Core ML 15"


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    package = _templates.tree("_swift", app, RUNS) | _templates.tree("ios", app, RUNS)
    return package | _templates.resources(app, f"Sources/{app.module}/Model/")
