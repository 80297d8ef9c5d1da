"""TFLite (LiteRT): float and int8, straight from a concrete function."""

from __future__ import annotations

from pathlib import Path

from edgetl.converters._base import Converted, Source, missing, versions
from edgetl.errors import ConversionError

TITLE = "LiteRT on Android, iOS and Linux."
SUFFIX = ".tflite"
SCHEMES = ("fp32", "fp16", "w8a8_ptq", "w8a8_qat")
ORIGIN: dict[str, str] = {}
PACKAGES = ("tensorflow", "ai-edge-litert")


def unavailable() -> str | None:
    """See `ConverterModule.unavailable`."""
    return missing("tensorflow", "ai_edge_litert")


def convert(source: Source, scheme: str, out: Path) -> Converted:
    """See `ConverterModule.convert`. Input and output are float32 in every scheme."""
    import tensorflow as tf

    from edgetl.converters import _flatbuffer

    converter = tf.lite.TFLiteConverter.from_concrete_functions([source.function], source.model)
    converter.experimental_lower_to_saved_model = False  # the detour takes 13 s instead of 1 s, for names that are given below
    if scheme != "fp32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme == "w8a8_ptq":
        if source.calibration is None:
            raise ConversionError("tflite/w8a8_ptq needs calibration images.")
        calibration = source.calibration
        converter.representative_dataset = lambda: ([image] for image in calibration())
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    data = _flatbuffer.name_tensors(converter.convert())
    inputs, outputs, notes = _flatbuffer.audit(data, scheme, out)
    out.write_bytes(data)
    return Converted(inputs=inputs, outputs=outputs, converter=versions("tensorflow"), notes=notes)
