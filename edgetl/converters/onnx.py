"""ONNX: float from the network by tf2onnx; int8 from the int8 TFLite file, so that both hold the same integers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from edgetl.converters._base import INPUT_NAME, OUTPUT_NAME, Converted, Source, missing, versions
from edgetl.errors import ConversionError
from edgetl.types import TensorSpec

TITLE = "onnxruntime on every system."
SUFFIX = ".onnx"
SCHEMES = ("fp32", "w8a8_ptq", "w8a8_qat")
ORIGIN = {"w8a8_ptq": "tflite", "w8a8_qat": "tflite"}
PACKAGES = ("tf2onnx", "onnx")

OPSET = 17
"""Understood by onnxruntime since 1.12 (2022), so by every phone build in use."""
IR_VERSION = 8
"""What belongs to opset 17; newer stamps are refused by older phone builds ("Unsupported model IR version")."""


def unavailable() -> str | None:
    """See `ConverterModule.unavailable`."""
    return missing("tensorflow", "tf2onnx", "onnx")


def convert(source: Source, scheme: str, out: Path) -> Converted:
    """See `ConverterModule.convert`. Input and output are float32, NHWC, in every scheme."""
    import onnx
    import tensorflow as tf
    import tf2onnx

    px, classes = source.preprocess.crop_px, len(source.class_names)
    if scheme == "fp32":
        signature = [tf.TensorSpec((1, px, px, 3), tf.float32, name=INPUT_NAME)]
        function = tf.function(lambda image: source.function(image=image)[OUTPUT_NAME], input_signature=signature)
        model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    else:
        model, _ = tf2onnx.convert.from_tflite(str(source.origin), opset=OPSET)
    _name_tensors(model.graph)
    _settle_constants(model.graph)
    model.ir_version = IR_VERSION
    model.producer_name = "edgetl"
    onnx.checker.check_model(model, full_check=True)
    notes = _audit(model, scheme, out)
    out.write_bytes(model.SerializeToString(deterministic=True))
    return Converted(
        inputs=(TensorSpec(name=INPUT_NAME, shape=(1, px, px, 3), dtype="float32", layout="NHWC"),),
        outputs=(TensorSpec(name=OUTPUT_NAME, shape=(1, classes), dtype="float32", layout="NC"),),
        converter=versions("tf2onnx", "onnx"),
        notes=notes,
    )


def _name_tensors(graph: Any) -> None:
    """Call the input `image` and the output `probabilities` everywhere."""
    names = {graph.input[0].name: INPUT_NAME, graph.output[0].name: OUTPUT_NAME}
    graph.input[0].name, graph.output[0].name = INPUT_NAME, OUTPUT_NAME
    for node in graph.node:
        node.input[:] = [names.get(n, n) for n in node.input]
        node.output[:] = [names.get(n, n) for n in node.output]


def _settle_constants(graph: Any) -> None:
    """Name and order constants by their first use, so that the same network gives the same file.

    tf2onnx merges equal constants and keeps the name that a set of objects happens to yield first.
    """
    constants = {constant.name: constant for constant in graph.initializer}
    names: dict[str, str] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in constants:
                node.input[place] = names.setdefault(name, f"constant_{len(names)}")
    settled = []
    for old, new in names.items():
        constants[old].name = new
        settled.append(constants[old])
    del graph.initializer[:]
    graph.initializer.extend(settled)


def _audit(model: Any, scheme: str, path: Path) -> tuple[str, ...]:
    """Check that weights are stored in what the scheme says and, for int8, that every layer's input is quantized too."""
    import onnx

    graph = model.graph
    stored = {i.name: i.data_type for i in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    wrong: list[str] = []
    weighted = [n for n in graph.node if n.op_type in ("Conv", "MatMul", "Gemm")]
    for node in weighted:
        for name, what in zip(node.input[:2], ("activation", "weight"), strict=True):
            while name in makers and makers[name].op_type in ("Reshape", "Transpose", "Squeeze", "Pad", "Unsqueeze"):
                name = makers[name].input[0]
            integer = name in makers and makers[name].op_type == "DequantizeLinear"
            if what == "weight" and integer:
                integer = stored.get(makers[name].input[0]) in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
            if integer != scheme.startswith("w8a8"):
                wrong.append(f"{what} of {node.op_type} {node.name} is {'int8' if integer else 'float'}")
    if wrong or not weighted:
        listing = "; ".join(wrong[:4]) or "it has no layer with weights"
        raise ConversionError(f"{path.name}: is not what {scheme} says: {listing}{' …' if len(wrong) > 4 else ''}.")
    counts = Counter(node.op_type for node in graph.node)
    return (f"opset {OPSET}, IR {model.ir_version}", *(f"{count} {name}" for name, count in counts.most_common()))
