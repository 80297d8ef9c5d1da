"""Planted faults are found and named; sound files have no finding that is an error."""

import math

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgetl.inspection import Asked, claims, inspect

OPTIONS = {"io": "float32", "layout": "NHWC", "batch": "fixed", "activation": "auto"}
SOUND = [
    ("tflite/fp32", {}), ("tflite/fp16", {}), ("tflite/w8", {}), ("tflite/w8a8_qat", {}), ("tflite/w8a8_qat", {"io": "uint8"}),
    ("onnx/fp32", {}), ("onnx/fp32", {"batch": "dynamic"}), ("onnx/w8a8_qat", {}), ("onnx/w8a8_qat", {"layout": "NCHW"}),
    ("onnx/w8a8_qat", {"activation": "int8"}), ("onnx/w8a8_qat", {"io": "uint8", "batch": "dynamic"}),
    ("coreml/fp16", {}), ("coreml/w8a8_qat", {}),
]  # fmt: skip


def _errors(path, asked):
    return {finding.rule: finding for finding in inspect(path, asked).errors}


@pytest.mark.parametrize(("target", "options"), SOUND)
def test_a_sound_file_is_what_was_asked(made, target, options):
    form, _, scheme = target.partition("/")
    assert inspect(made(target, **options), claims.of_target(form, scheme, {**OPTIONS, **options})).errors == ()


@pytest.mark.parametrize("form", ["tflite", "onnx", "coreml"])
def test_a_float_file_under_an_int8_name(made, form):
    path = made(f"{form}/{'fp16' if form == 'coreml' else 'fp32'}")
    (finding,) = [f for f in inspect(path, claims.of_name("net_w8a8_qat")).errors if f.rule == "weights"]
    assert "are stored as float" in finding.message
    assert "w8a8_qat (its name)" in finding.message
    (finding,) = inspect(path, claims.of_name("net_int8")).errors
    assert finding.message == "all weights are stored as real numbers; it claims integers (its name)."


@pytest.mark.parametrize("form", ["tflite", "onnx", "coreml"])
def test_an_int8_file_under_a_float_name(made, form):
    assert "weights" in _errors(made(f"{form}/w8a8_qat"), Asked(scheme="fp32"))


def test_one_layer_with_float_weights_in_an_int8_onnx(made, tmp_path):
    model = onnx.load(made("onnx/w8a8_qat"))
    conv = [node for node in model.graph.node if node.op_type == "Conv"][1]
    maker = next(node for node in model.graph.node if conv.input[1] in node.output)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == maker.input[0])
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float32), conv.input[1]))
    model.graph.node.remove(maker)
    onnx.save(model, tmp_path / "x.onnx")
    found = _errors(tmp_path / "x.onnx", Asked(scheme="w8a8_qat"))
    assert found["weights"].where == conv.name
    assert found["unfused"].message.startswith("onnxruntime runs 1 Conv in float")
    total = inspect(made("onnx/w8a8_qat")).facts.graph.int8_mac_share
    assert inspect(tmp_path / "x.onnx").facts.graph.int8_mac_share < total == 1.0


@pytest.mark.parametrize("form", ["tflite", "onnx", "coreml"])
def test_what_stays_in_float_when_asked_is_no_fault(kept, form):
    path = kept.paths[form]
    found = inspect(path, claims.of_target(form, "w8a8_ptq", OPTIONS, keep_float=kept.layers))
    assert found.errors == ()
    (told,) = [f for f in found.findings if f.rule == "kept-float"]
    assert told.message.startswith("1 layers stay in float, as asked: ")
    assert "weights" in _errors(path, claims.of_target(form, "w8a8_ptq", OPTIONS))


def test_another_layer_than_was_asked_is_in_float(kept):
    assert "stem" in _errors(kept.paths["tflite"], Asked(scheme="w8a8_ptq", keep_float=("dense",)))["weights"].where
    for form in ("onnx", "coreml"):  # their operators are numbered: only how many can be told
        assert not _errors(kept.paths[form], Asked(scheme="w8a8_ptq", keep_float=("dense",)))


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_float_ends_where_uint8_was_asked(made, form):
    errors = inspect(made(f"{form}/w8a8_qat"), Asked(scheme="w8a8_qat", io="uint8")).errors
    assert [(f.rule, f.where) for f in errors] == [("io", "image"), ("io", "probabilities")]
    assert errors[0].message == "the input is float32; uint8 was asked."


def test_a_batch_that_is_fixed_where_a_free_one_was_asked(made):
    found = _errors(made("onnx/w8a8_qat"), Asked(scheme="w8a8_qat", batch="dynamic"))
    assert found["batch"].message == "the batch is fixed to 1; dynamic was asked."
    assert _errors(made("onnx/fp32", batch="dynamic"), Asked(batch="fixed"))["batch"].message.startswith("the batch is free")


def test_another_layout_and_other_activations(made):
    found = _errors(made("onnx/w8a8_qat"), Asked(scheme="w8a8_qat", layout="NCHW", activation="int8"))
    assert set(found) == {"layout", "activation"}


def test_a_flex_operator(flex):
    (finding,) = inspect(flex, Asked()).errors
    assert (finding.rule, finding.where) == ("flex", "FlexSoftmax")


def test_a_float_island_without_weights(made, tflite, tmp_path):
    def edit(model, tools):
        graph = model.subgraphs[0]
        (add,) = [
            o for o in graph.operators if model.operatorCodes[o.opcodeIndex].builtinCode == tools.schema.BuiltinOperator.ADD
        ]
        for place in (*add.inputs, *add.outputs):
            graph.tensors[place].type, graph.tensors[place].quantization = tools.schema.TensorType.FLOAT32, None

    path = tflite(made("tflite/w8a8_qat"), tmp_path / "x.tflite", edit)
    found = _errors(path, Asked(scheme="w8a8_qat"))
    assert "ADD" in found["island"].message


def test_a_step_that_is_zero(made, tflite, tmp_path):
    def edit(model, tools):
        graph = model.subgraphs[0]
        tensor = graph.tensors[graph.operators[2].outputs[0]]
        tensor.quantization.scale = np.zeros(1, np.float32)

    assert "scale" in _errors(tflite(made("tflite/w8a8_qat"), tmp_path / "x.tflite", edit), Asked())


def test_one_step_for_a_whole_kernel(material):
    path = material / "models" / "tflite-support" / "mobilenet_v1_0.25_224_quant.tflite"
    (finding,) = [f for f in inspect(path).findings if f.level == "warning"]
    assert (finding.rule, finding.message[:8]) == ("per-tensor", "28 of 28")


def test_a_constant_stored_twice(made, tmp_path):
    model = onnx.load(made("onnx/fp32"))
    kernel = max(model.graph.initializer, key=lambda tensor: math.prod(tensor.dims))
    copy = onnx.TensorProto.FromString(kernel.SerializeToString())
    copy.name = "again"
    model.graph.initializer.append(copy)
    onnx.save(model, tmp_path / "x.onnx")
    found = inspect(tmp_path / "x.onnx")
    assert found.facts.duplicate_bytes == 4 * math.prod(kernel.dims)
    assert [f.level for f in found.findings if f.rule == "duplicates"] == ["warning"]


@pytest.mark.parametrize(
    ("target", "runtime", "wrong"),
    [
        ("onnx/fp32", "onnxruntime==1.12", ""),
        ("onnx/fp32", "onnxruntime==1.11.1", "opset 17; onnxruntime 1.11.1 is known to load up to 16."),
        ("tflite/w8a8_qat", "tflite==1.13", "needs TFLite 1.14"),
        ("tflite/w8a8_qat", "litert==1.0", ""),
        ("coreml/w8a8_qat", "ios==16", "needs iOS 17; ios 16 was asked."),
        ("coreml/fp16", "macos==12", ""),
        ("coreml/fp16", "litert==1.0", "litert does not load coreml files."),
    ],
)
def test_a_runtime_that_is_too_old(made, target, runtime, wrong):
    errors = inspect(made(target), Asked(runtime=runtime)).errors
    assert [e.rule for e in errors] == (["runtime"] if wrong else [])
    assert not wrong or wrong in errors[0].message


def test_the_least_tflite_version_is_the_converters_own(made):
    """The table against the stamp that TensorFlow's converter writes."""
    from ai_edge_litert import schema_py_generated as schema

    from edgetl import versions

    for target in ("tflite/fp32", "tflite/w8a8_qat"):
        model = schema.ModelT.InitFromPackedBuf(made(target).read_bytes(), 0)
        names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
        least = versions.tflite_least((names[code.builtinCode], code.version) for code in model.operatorCodes)
        assert versions.number(least) == versions.number(inspect(made(target)).facts.versions["min_runtime_version"])


@pytest.mark.parametrize(
    ("stem", "scheme"),
    [("fruit_w8a8_qat", "w8a8_qat"), ("net-int8", "integers"), ("a.quant", "integers"), ("w8a8", None), ("print8", None),
     ("sparse_int8", "integers"), ("fruit_fp16", "fp16"), ("quantum", None), ("net_w8a8", "w8a8_ptq")],
)  # fmt: skip
def test_what_a_name_claims(stem, scheme):
    assert claims.of_name(stem).scheme == (scheme or {"w8a8": "w8a8_ptq"}.get(stem))
