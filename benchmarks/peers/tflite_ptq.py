"""TFLiteConverter's own quantization after training, as its guide shows it; float input and output."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers._base import Clock, Material, missing

TITLE = "TFLiteConverter, int8 after training"
TRAINED = False


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tensorflow as tf

    model, images = material.network(), material.calibration()
    with clock("convert"):
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([images[i : i + 1]] for i in range(len(images)))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        path = out / "ptq.tflite"
        path.write_bytes(converter.convert())
    return path
