"""Web: one page that runs an .onnx in the browser with onnxruntime-web."""

from __future__ import annotations

from pathlib import Path

from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "A web page, served by yourself: onnxruntime-web, no other host"
FORMATS = ("onnx",)
RUNS = "onnxruntime-web 1.30.0"


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    page = _templates.tree("_web", app, RUNS) | _templates.page_preprocessing()
    return page | _templates.tree("web", app, RUNS) | _templates.resources(app, "")
