"""TFLite without quantization: what every TFLite row's time is compared with."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers._base import Clock, Material, missing

TITLE = "TFLiteConverter, float"
TRAINED = False


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tensorflow as tf

    model = material.network()
    with clock("convert"):
        path = out / "float.tflite"
        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return path
