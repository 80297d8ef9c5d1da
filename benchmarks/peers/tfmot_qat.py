"""Stock quantization-aware training, then TFLiteConverter."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers._base import Clock, Material, missing

TITLE = "tfmot quantize_model + fit, TFLiteConverter"
TRAINED = True


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras", "tensorflow_model_optimization")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tensorflow as tf

    from benchmarks.peers._stock_qat import trained

    model = trained(material)
    with clock("convert"):
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        path = out / "qat.tflite"
        path.write_bytes(converter.convert())
    return path
