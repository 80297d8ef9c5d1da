"""iOS: a Swift package for onnxruntime-objc."""

from __future__ import annotations

from pathlib import Path

from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "A Swift package for onnxruntime-objc, with the model and the golden photos as resources"
FORMATS = ("onnx",)
RUNS = "onnxruntime-objc 1.24.2"


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    package = _templates.tree("_swift", app, RUNS) | _templates.tree("ios_onnxruntime", app, RUNS)
    package |= _templates.update_client(".swift", f"Sources/{app.module}/")
    return package | _templates.resources(app, f"Sources/{app.module}/Model/")
