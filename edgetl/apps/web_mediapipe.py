"""Web: one page that runs a .tflite in the browser with MediaPipe's ImageClassifier."""

from __future__ import annotations

import struct
from pathlib import Path

from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "A web page, served by yourself: MediaPipe tasks-vision, no other host"
FORMATS = ("tflite",)
RUNS = "@mediapipe/tasks-vision 1.1.0"


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    if app.contract.input.dtype == "int8":
        return (
            "MediaPipe's ImageClassifier takes float32 or uint8 inputs, not int8; ship a target with `io: uint8` or without `io`."
        )
    told = _metadata(app.model["model.tflite"])
    if app.contract.input.dtype == "float32" and "normalisation" not in told:
        return "MediaPipe's ImageClassifier refuses a float32 input without Tasks metadata; ship it again with this version."
    if "score_calibration" in told:
        return "MediaPipe changes its scores (`ship.score_calibration`), so golden photos cannot be compared; leave that out."
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    page = _templates.tree("_web", app, RUNS) | _templates.page_preprocessing()
    return page | _templates.tree("web_mediapipe", app, RUNS) | _templates.resources(app, "")


def _metadata(path: Path) -> dict[str, str]:
    from ai_edge_litert import schema_py_generated as schema

    from edgetl.inspection import tflite_metadata

    try:
        return tflite_metadata.read(path, schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0))
    except (struct.error, ValueError, TypeError, LookupError, AttributeError, OSError):
        return {}  # LiteRT loads it; whatever else it holds, no metadata can be read of it
