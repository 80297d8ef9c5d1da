"""LiteRT's quantizer on a float TFLite file, with its static int8 recipe; it turns input and output into int8."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers._base import Clock, Material, missing

TITLE = "TFLiteConverter float, litert-quantizer static_wi8_ai8"
TRAINED = False


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras", "litert_quantizer")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tensorflow as tf
    from litert_quantizer import quantizer, recipe

    model, images = material.network(), material.calibration()
    with clock("convert"):
        floating, path = out / "float.tflite", out / "litert_quantizer.tflite"
        floating.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
        with clock("quantize"):
            (signature,) = (interpreter := tf.lite.Interpreter(str(floating))).get_signature_list().items()
            name = signature[1]["inputs"][0]
            del interpreter
            job = quantizer.Quantizer(str(floating), recipe.static_wi8_ai8())
            ranges = job.calibrate({signature[0]: [{name: images[i : i + 1]} for i in range(len(images))]})
            job.quantize(ranges).export_model(str(path))
    return path
