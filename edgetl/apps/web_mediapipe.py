"""Web: one page that runs a .tflite in the browser with MediaPipe's ImageClassifier."""

from __future__ import annotations

from pathlib import Path

from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "A web page, served by yourself: MediaPipe tasks-vision, no other host"
FORMATS = ("tflite",)
RUNS = "@mediapipe/tasks-vision 1.1.0"


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    if app.dtype == "int8":
        return "MediaPipe's ImageClassifier takes float32 or uint8 inputs, not int8; ship a target with `io: uint8` or without `io`."
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    page = _templates.tree("_web", app, RUNS) | _templates.page_preprocessing()
    return page | _templates.tree("web_mediapipe", app, RUNS) | _templates.resources(app, "")
