"""Android: a Kotlin library module that runs a .tflite with LiteRT, and an asset pack that holds it."""

from __future__ import annotations

from pathlib import Path

from edgetl.apps import _templates
from edgetl.apps._base import App

TITLE = "Android Studio modules: Kotlin for LiteRT, and an asset pack with the .tflite and the golden photos"
FORMATS = ("tflite",)
RUNS = "LiteRT 1.4.2"
"""The newest whose interface is `org.tensorflow.lite.Interpreter`, for Android 5 and newer and for phones of 32 bits too.

The table "Supported Android Versions and APIs" of ai.google.dev/edge/litert/android has 1.4.2 (Interpreter, SDK 21) and 2.1.5
(CompiledModel, and Interpreter on the CPU, SDK 23) as current. 2.0 lacked `Interpreter` (google-ai-edge/LiteRT issue 4775), and
2.x has no library for armeabi-v7a: it ends the app there (issues 3926, 3729). Pages of 16 KB: since 1.4.0 (issue 4286); 1.4.0
itself needs Android 8 (issue 3274), which 1.4.1 mended.
"""


def unfit(app: App) -> str | None:
    """See `AppModule.unfit`."""
    return None


def files(app: App) -> dict[str, bytes | Path]:
    """See `AppModule.files`."""
    update = _templates.update_client(".kt", "edgetl_classifier/src/main/kotlin/edgetl/update/")
    return _templates.tree("android", app, RUNS) | update | _templates.resources(app, "edgetl_model/src/main/assets/edgetl/")
