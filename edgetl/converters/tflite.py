"""TFLite (LiteRT), float and int8, from a concrete function; its int8 file is the source of truth for the other formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetl import registry
from edgetl.converters._base import Converted, Source, missing, versions
from edgetl.errors import ConversionError

if TYPE_CHECKING:
    from edgetl.recipe import Target

TITLE = "LiteRT on Android, iOS and Linux."
SUFFIX = ".tflite"
SCHEMES = (
    "fp32",
    "fp16",
    "w8",
    "w8a8_dynamic",
    "w8a16",
    "w8a8_ptq",
    "w8a8_qat",
    "w8a8_pqat",
    "w8a8_cqat",
    "w8a8_pcqat",
    "sparse",
    "sparse_2_4",
    "cluster",
)
OPTIONS = ("io", "client", "normalise")
ORIGIN: dict[str, str] = {}
PACKAGES = ("tensorflow", "ai-edge-litert")


def unavailable() -> str | None:
    """See `ConverterModule.unavailable`."""
    return missing("tensorflow", "ai_edge_litert")


def convert(source: Source, target: Target, out: Path) -> Converted:
    """See `ConverterModule.convert`. A w8a8 network carries its ranges as fake quantization; only w8a16 is calibrated here."""
    import tensorflow as tf

    from edgetl.converters import _flatbuffer, _tasks_metadata
    from edgetl.grid import float_borders, reader, weights_only
    from edgetl.grid.audit import audit

    scheme = registry.load("schemes", target.scheme)
    kept = source.keep_float
    change = (lambda graph: float_borders.mark(graph, kept)) if kept else None
    network = source.function(change=change, normalise=target.normalise)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network], tf.Module())
    converter.experimental_lower_to_saved_model = False  # the detour takes 13 s instead of 1 s, for names that are given below
    if target.scheme != "w8" and scheme.WEIGHT_BITS < 32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if target.scheme == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if target.scheme == "w8a16":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
        calibration = source.calibration
        if calibration is None:
            raise ConversionError("tflite/w8a16 needs calibration images.")
        converter.representative_dataset = lambda: ([image] for image in calibration())
    if target.io != "float32":
        converter.inference_input_type = converter.inference_output_type = getattr(tf, target.io)
    data = converter.convert()
    data = _flatbuffer.name_tensors(float_borders.remove(data) if kept else data)
    if target.scheme == "w8":
        data = weights_only.rewrite_tflite(data)
    graph = reader.read(data)
    facts = audit(graph, target.scheme, out.name, kept)
    out.write_bytes(_tasks_metadata.describe(data, source, target, graph.tensors[graph.input].dtype))
    return Converted(
        inputs=(_flatbuffer.spec(graph.tensors[graph.input], "NHWC"),),
        outputs=(_flatbuffer.spec(graph.tensors[graph.output], "NC"),),
        converter=versions("tensorflow"),
        notes=facts.notes,
        int8_mac_share=facts.int8_mac_share,
    )
