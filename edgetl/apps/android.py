"""Android: a Kotlin library module that runs a .tflite with LiteRT, and an asset pack that holds it."""

from __future__ import annotations

from pathlib import Path

from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "Android Studio modules: Kotlin for LiteRT, and an asset pack with the .tflite and the golden photos"
FORMATS = ("tflite",)
RUNS = "LiteRT 2.1.5"


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    update = _templates.update_client(".kt", "edgetl_classifier/src/main/kotlin/edgetl/update/")
    return _templates.tree("android", app, RUNS) | update | _templates.resources(app, "edgetl_model/src/main/assets/edgetl/")
