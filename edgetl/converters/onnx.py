"""ONNX: float from the network by tf2onnx; int8 written from the int8 TFLite file, integer for integer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgetl.converters._base import INPUT_NAME, OUTPUT_NAME, Converted, Source, missing, versions
from edgetl.errors import ConversionError
from edgetl.types import TensorSpec

if TYPE_CHECKING:
    from edgetl.recipe import Target

TITLE = "onnxruntime on every system."
SUFFIX = ".onnx"
SCHEMES = ("fp32", "w8", "w8a8_ptq", "w8a8_qat", "w8a8_pqat", "w8a8_cqat", "w8a8_pcqat", "sparse", "sparse_2_4", "cluster")
OPTIONS = ("io", "layout", "batch", "activation", "normalise", "runtime", "ort")
ORIGIN = dict.fromkeys(("w8a8_ptq", "w8a8_qat", "w8a8_pqat", "w8a8_cqat", "w8a8_pcqat"), "tflite")
PACKAGES = ("tf2onnx", "onnx", "onnxruntime")


def unavailable() -> str | None:
    """See `ConverterModule.unavailable`."""
    return missing("tensorflow", "tf2onnx", "onnx", "onnxruntime")


def convert(source: Source, target: Target, out: Path) -> Converted:
    """See `ConverterModule.convert`."""
    if source.origin is None:
        return _convert_float(source, target, out)
    if target.scheme not in ORIGIN:
        return _convert_tflite(source, source.origin, target, out)
    from edgetl.converters import _onnx_stamps, _ort
    from edgetl.grid import compare, fused, qdq, reader, reading_onnx
    from edgetl.grid.audit import audit
    from edgetl.grid.graph import core

    graph = reader.read(source.origin.read_bytes())
    facts = audit(graph, target.scheme, source.origin.name, source.keep_float)
    activation: Literal["uint8", "int8"] = "int8" if target.activation == "int8" else "uint8"
    form = qdq.Form(activation=activation, layout=target.layout, dynamic_batch=target.batch == "dynamic", io=target.io)
    model = qdq.write(graph, form, (INPUT_NAME, OUTPUT_NAME))
    _onnx_stamps.stamp(model, target.runtime, out.name)
    _onnx_stamps.describe(model, source, target)
    data: bytes = model.SerializeToString(deterministic=True)
    faults = compare.differences(graph, reading_onnx.read(data), real_ends=target.io == "float32")
    if faults:
        raise ConversionError(f"{out.name}: is not on the grid of {source.origin.name}: {compare.listing(faults)}.")
    notes = fused.audit(data, out.name, strict=activation == "uint8", floats=len(graph.float_layers()))
    out.write_bytes(data)
    first, last, _ = core(graph)
    step, shift = (None, 0) if target.io == "float32" else (graph.tensors, 128 if target.io == "uint8" else 0)
    return Converted(
        inputs=(
            TensorSpec(
                name=INPUT_NAME,
                shape=_shape(source, target),
                dtype=target.io,
                layout=target.layout,
                scale=step[first].step if step else None,
                zero_point=step[first].zero + shift if step else None,
            ),
        ),
        outputs=(
            TensorSpec(
                name=OUTPUT_NAME,
                shape=(-1 if target.batch == "dynamic" else 1, len(source.class_names)),
                dtype=target.io,
                layout="NC",
                scale=step[last].step if step else None,
                zero_point=step[last].zero + shift if step else None,
            ),
        ),
        converter=versions("onnx"),
        notes=(_onnx_stamps.stamps(model), f"activations {activation}", *notes),
        int8_mac_share=facts.int8_mac_share,
        companions=_ort.write(out, int8_activations=activation == "int8") if target.ort else (),
    )


def _shape(source: Source, target: Target) -> tuple[int, ...]:
    px = source.preprocess.crop_px
    return (-1 if target.batch == "dynamic" else 1, *((px, px, 3) if target.layout == "NHWC" else (3, px, px)))


def _convert_tflite(source: Source, origin: Path, target: Target, out: Path) -> Converted:
    """A float TFLite file of which there is no network, by tf2onnx; one image at a time, as the file takes it."""
    import tf2onnx

    from edgetl.grid.qdq import OPSET

    if target.batch != "fixed":
        raise ConversionError(f"{out.name}: {origin.name} takes one image at a time; leave batch at fixed.")
    if target.layout != "NHWC":
        raise ConversionError(f"{out.name}: made of a TFLite file it keeps that file's layout, NHWC.")
    if target.normalise != "app":
        raise ConversionError(f"{out.name}: made of a TFLite file it takes what that file takes; leave normalise at app.")
    model, _ = tf2onnx.convert.from_tflite(str(origin), opset=OPSET)
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1  # tf2onnx leaves it free, which the network's constants do not
    return _written(source, target, out, model)


def _convert_float(source: Source, target: Target, out: Path) -> Converted:
    import tensorflow as tf
    import tf2onnx

    from edgetl.grid.qdq import OPSET

    px, batch = source.preprocess.crop_px, None if target.batch == "dynamic" else 1
    signature = [tf.TensorSpec((batch, px, px, 3), tf.float32, name=INPUT_NAME)]
    network = source.function(batch, normalise=target.normalise)
    function = tf.function(lambda image: network(image=image)[OUTPUT_NAME], input_signature=signature)
    nchw = [INPUT_NAME] if target.layout == "NCHW" else None
    model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET, inputs_as_nchw=nchw)
    return _written(source, target, out, model)


def _written(source: Source, target: Target, out: Path, model: Any) -> Converted:
    """Settle, check and write a float model of tf2onnx."""
    import onnx

    from edgetl.converters import _onnx_stamps, _ort
    from edgetl.grid import reading_onnx, sparsity, weights_only
    from edgetl.grid.qdq import IR_VERSION

    _name_tensors(model.graph)
    _settle_constants(model.graph)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "edgetl", ""  # not that of the exporter
    if target.scheme == "w8":
        weights_only.rewrite_onnx(model)
    _onnx_stamps.stamp(model, target.runtime, out.name)
    _onnx_stamps.describe(model, source, target)
    onnx.checker.check_model(model, full_check=True)
    if target.scheme != "w8" and any(
        node.op_type in ("QuantizeLinear", "DequantizeLinear", "MatMulInteger", "ConvInteger") for node in model.graph.node
    ):
        raise ConversionError(f"{out.name}: is not what {target.scheme} says: it has integer operators.")
    data: bytes = model.SerializeToString(deterministic=True)
    if target.scheme == "w8":
        weights_only.audit_onnx(data, out.name)
    promised = sparsity.insist(target.scheme, lambda: reading_onnx.kernels(data), out.name)
    out.write_bytes(data)
    counts = Counter(node.op_type for node in model.graph.node)
    classes = len(source.class_names)
    return Converted(
        inputs=(TensorSpec(name=INPUT_NAME, shape=_shape(source, target), dtype="float32", layout=target.layout),),
        outputs=(
            TensorSpec(name=OUTPUT_NAME, shape=(-1 if target.batch == "dynamic" else 1, classes), dtype="float32", layout="NC"),
        ),
        converter=versions("tf2onnx", "onnx"),
        notes=(_onnx_stamps.stamps(model), *promised, *(f"{count} {name}" for name, count in counts.most_common())),
        int8_mac_share=0.0,
        companions=_ort.write(out, int8_activations=False) if target.ort else (),
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
