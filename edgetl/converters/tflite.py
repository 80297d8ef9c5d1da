"""TFLite (LiteRT), float and int8, from a concrete function; its int8 file is the source of truth for the other formats."""

from __future__ import annotations

from pathlib import Path

from edgetl.converters._base import Converted, Source, missing, versions
from edgetl.recipe import Target

TITLE = "LiteRT on Android, iOS and Linux."
SUFFIX = ".tflite"
SCHEMES = ("fp32", "fp16", "w8a8_ptq", "w8a8_qat", "w8a8_pqat", "w8a8_cqat", "w8a8_pcqat", "sparse", "sparse_2_4", "cluster")
OPTIONS = ("io",)
ORIGIN: dict[str, str] = {}
PACKAGES = ("tensorflow", "ai-edge-litert")


def unavailable() -> str | None:
    """See `ConverterModule.unavailable`."""
    return missing("tensorflow", "ai_edge_litert")


def convert(source: Source, target: Target, out: Path) -> Converted:
    """See `ConverterModule.convert`. An int8 network carries its ranges as fake quantization; nothing is calibrated here."""
    import tensorflow as tf

    from edgetl.converters import _flatbuffer
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    converter = tf.lite.TFLiteConverter.from_concrete_functions([source.function()], tf.Module())
    converter.experimental_lower_to_saved_model = False  # the detour takes 13 s instead of 1 s, for names that are given below
    if target.scheme not in ("fp32", "sparse", "sparse_2_4", "cluster"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if target.scheme == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if target.io != "float32":
        converter.inference_input_type = converter.inference_output_type = getattr(tf, target.io)
    data = _flatbuffer.name_tensors(converter.convert())
    graph = reader.read(data)
    facts = audit(graph, target.scheme, out.name)
    out.write_bytes(data)
    return Converted(
        inputs=(_flatbuffer.spec(graph.tensors[graph.input], "NHWC"),),
        outputs=(_flatbuffer.spec(graph.tensors[graph.output], "NC"),),
        converter=versions("tensorflow"),
        notes=facts.notes,
        int8_mac_share=facts.int8_mac_share,
    )
