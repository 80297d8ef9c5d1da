"""Layers that stay in float: the same ones in every format, with the same answers, and nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from edgetl.converters import tflite
from edgetl.errors import ConversionError, InputError
from edgetl.grid import compare, fused, mil_reference, reader, reading_mil, reading_onnx
from edgetl.grid.audit import audit
from edgetl.recipe import Target

KEPT = {
    "a convolution": ("proj",),
    "the first": ("stem",),
    "a depthwise one behind a padding": ("dw",),
    "a hard-swish and an addition": ("swish", "add"),
    "a gate and its product": ("excite", "scale"),
    "a chain over a padding": ("stem", "dw", "proj"),
    "an addition between integers": ("add",),
    "means": ("pool", "mean", "both"),
    "the head": ("dense", "logits"),
}
FAST = "the first"
SETS = [pytest.param(keep, id=name, marks=[] if name == FAST else [pytest.mark.slow]) for name, keep in KEPT.items()]


@pytest.fixture(scope="module")
def make(network, images, preprocess, tmp_path_factory):
    """Quantize the network with some layers in float and write it in three formats."""
    from edgetl import registry
    from edgetl.converters._base import Source
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise

    quantized = fake_quant.quantize_model(network, preprocess.input_range)
    start, made = quantized.get_weights(), {}

    def build(keep, *formats):
        if keep not in made:
            folder = tmp_path_factory.mktemp("float")
            quantized.set_weights(start)
            part = fake_quant.keep(quantized, network, keep)
            ranges = fake_quant.calibrate(quantized, network, [normalise(images, preprocess)], keep_float=keep)
            logits = quantized(normalise(images, preprocess)).numpy()
            frozen.freeze(quantized, 32, folder / frozen.NETWORK)
            source = Source(
                network=folder, preprocess=preprocess, class_names=("a", "b", "c", "d", "e"), calibration=None, origin=None,
                keep_float=tuple(sorted(part.layers)),
            )  # fmt: skip
            made[keep] = SimpleNamespace(part=part, ranges=ranges, logits=logits, source=source, paths={}, converted={})
        entry = made[keep]
        for form in ("tflite", *formats):
            if form not in entry.paths:
                converter = registry.load("converters", form)
                path = entry.source.network / f"net{converter.SUFFIX}"
                source = entry.source if form == "tflite" else replace(entry.source, origin=entry.paths["tflite"])
                entry.converted[form] = converter.convert(source, Target(format=form, scheme="w8a8_ptq"), path)
                entry.paths[form] = path
        entry.graph = reader.read(entry.paths["tflite"].read_bytes())
        return entry

    return build


@pytest.mark.parametrize("keep", SETS)
def test_two_formats_agree_and_only_these_layers_are_float(make, keep, answers):
    entry = make(keep, "onnx")
    weighted = {"stem", "dw", "proj", "other", "excite", "dense", "logits"} & set(keep)
    assert len(entry.graph.float_layers()) == len(weighted)
    assert not any("float_border" in tensor.name for tensor in entry.graph.tensors)
    assert not any(operator.kind == "FLOOR" for operator in entry.graph.operators)
    tflite, onnx = answers(entry.paths["tflite"]), answers(entry.paths["onnx"])
    assert np.mean(tflite == onnx) >= 0.99, "sums in another order may now and then round to another integer"
    simulated = np.exp(entry.logits) / np.exp(entry.logits).sum(1, keepdims=True)
    assert np.abs(tflite - simulated).mean() < 0.025
    total = sum(map(entry.graph.macs, entry.graph.operators))
    kept = [o for i, o in enumerate(entry.graph.operators) if entry.graph.stem(i) in entry.graph.float_layers()]
    share = 1.0 - sum(map(entry.graph.macs, kept)) / total
    assert {round(c.int8_mac_share, 9) for c in entry.converted.values()} == {round(share, 9)}
    assert share < 1.0 or not weighted


@pytest.mark.parametrize("keep", [pytest.param(("stem",), marks=pytest.mark.slow), ("dense", "logits")])
def test_core_ml_is_the_same_network(make, keep, answers, images):
    """What is stored (half-precision scales and all) differs as an int8 package does; its layers in float are float32."""

    entry = make(keep, "coreml")
    reference = mil_reference.open_package(entry.paths["coreml"], arithmetic="float32")
    found = np.array([reference.run(pixels) for pixels in images])
    tflite = answers(entry.paths["tflite"])
    assert np.abs(found - tflite).mean() < 0.015
    assert (found.argmax(1) == tflite.argmax(1)).mean() >= 0.8
    operations = {o.name: o for o in reading_mil.program(entry.paths["coreml"]).functions["main"].operations}
    for stem in entry.graph.float_layers():
        assert operations[stem].inputs["weight"].val.dtype == np.float32
        assert operations[stem].inputs["weight"].op.op_type == "const"


def test_only_what_was_asked_for_may_be_float(make, graph):
    entry = make(KEPT[FAST])
    with pytest.raises(ConversionError, match=r"x: is not what w8a8_ptq says: conv_2d_\d+ computes float32 × float32"):
        audit(entry.graph, "w8a8_ptq", "x")
    with pytest.raises(ConversionError, match=r"conv_2d_\d+ computes int8 × int8, and was to stay in float"):
        audit(graph, "w8a8_ptq", "x", ("proj", "proj_bn"))
    assert audit(entry.graph, "w8a8_ptq", "x", entry.source.keep_float).int8_mac_share < 1.0


def test_a_changed_float_weight_is_found(make):
    from onnx import numpy_helper

    entry = make(KEPT[FAST], "onnx")
    model = onnx.load(entry.paths["onnx"])
    assert compare.differences(entry.graph, reading_onnx.read(model.SerializeToString())) == []
    (stem,) = entry.graph.float_layers()
    weight = next(constant for constant in model.graph.initializer if constant.name == f"{stem}_weight")
    values = numpy_helper.to_array(weight).copy()
    values[0, 0, 0, 0] += 1e-3
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    found = compare.differences(entry.graph, reading_onnx.read(model.SerializeToString()))
    assert found == [f"{stem} weight: 1 of {values.size} values differ"]


def test_a_float_layer_that_onnxruntime_makes_int8_is_found(make):
    """With one scale before it, as in any int8 layer, onnxruntime rounds its float weights, per tensor, and says nothing."""
    from onnx import numpy_helper

    entry = make(KEPT[FAST], "onnx")
    model = onnx.load(entry.paths["onnx"])
    (stem,) = entry.graph.float_layers()
    notes = fused.audit(model.SerializeToString(), "x", strict=True, floats=1)
    assert any(note in ("runs 1 Conv", "runs 1 FusedConv") for note in notes)
    for constant in model.graph.initializer:
        if constant.name in (f"{stem}_input_scale", f"{stem}_input_zero_point"):
            constant.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(constant)[0].reshape(()), constant.name))
    with pytest.raises(ConversionError, match="onnxruntime runs no layer in float; 1 were to stay so"):
        fused.audit(model.SerializeToString(), "x", strict=True, floats=1)


@pytest.mark.parametrize("io", ["uint8", "int8"])
@pytest.mark.slow
def test_input_and_output_may_be_integers(make, io, tmp_path):
    entry = make(("stem", "logits"))
    converted = tflite.convert(entry.source, Target(format="tflite", scheme="w8a8_ptq", io=io), tmp_path / "a.tflite")
    assert converted.inputs[0].dtype == io == converted.outputs[0].dtype
    assert len(reader.read((tmp_path / "a.tflite").read_bytes()).float_layers()) == 2


def test_unknown_layers_are_told_with_the_nearest(network, preprocess):
    from edgetl.nn import fake_quant

    with pytest.raises(InputError) as caught:
        fake_quant.quantize_model(network, preprocess.input_range, ("sten", "dw", "image", "nothing_like_it", "pad"))
    assert fake_quant.quantize_model(network, preprocess.input_range, ("stem", "pad", "dw"))
    told = str(caught.value)
    assert (
        "no layer named 'sten' to keep. Did you mean 'stem'?" in told
        and "'image'" in told
        and "'pad'" in told
        and "'nothing_like_it'" in told
    )
    assert "Layers that can be kept: add, both, dense, dw," in told
