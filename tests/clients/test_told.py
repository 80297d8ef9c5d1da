"""What files say of themselves, as a person or a program reads it: the same inputs give the same bytes, nothing is lost on the way."""

import json
import zipfile

import numpy as np
import pytest

from edgetl import declared
from edgetl.errors import ConversionError, InputError
from edgetl.inspection import Asked, claims, inspect
from edgetl.recipe import Target
from edgetl.stages.convert import measure
from edgetl.types import Preprocess


def test_a_tflite_file_says_all_of_it(classifier):
    made = classifier.make("tflite/fp32", scores=((1.0, 0.5),) * 6)
    assert inspect(made.path).facts.metadata == {
        "name": "Fruit", "description": "Tells fruit apart.", "version": "1.4.0", "author": "A. Grower", "licence": "Apache-2.0",
        "normalisation": "mean 128, std 127.5", "labels": "6 in labels.txt",
        "score_calibration": "a slope and an offset for each class",
    }  # fmt: skip
    with zipfile.ZipFile(made.path) as archive:
        assert archive.read("labels.txt").decode() == "".join(f"{name}\n" for name in classifier.names)
        assert archive.read("score_calibration.csv").decode().split("\n") == ["1,1,0.5"] * 6
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}, "MediaPipe maps them"


@pytest.mark.parametrize(
    ("name", "options"),
    [("tflite/fp32", {}), ("tflite/w8a8_ptq", {"io": "uint8"}), ("onnx/w8a8_ptq", {}), ("coreml/fp16", {})],
)
def test_the_same_inputs_give_the_same_bytes(classifier, name, options):
    one, other = (classifier.make(name, again=which, **options) for which in ("", "again"))
    assert one.path != other.path
    assert measure(one.path) == measure(other.path)


def test_words_leave_the_answers_alone(classifier):
    """What was added lies beside the network: MLIR's own output gives the same answers, to the bit."""
    from ai_edge_litert import schema_py_generated as schema

    path = classifier.make("tflite/w8a8_ptq", io="uint8").path
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    assert [entry.name for entry in model.metadata].count(b"TFLITE_METADATA") == 1
    assert b"min_runtime_version" in [entry.name for entry in model.metadata]
    assert inspect(path).facts.versions["min_runtime_version"]


def test_a_class_name_with_a_line_break_is_refused(classifier, tmp_path):
    from dataclasses import replace

    from edgetl.converters import tflite

    source = replace(classifier.make("tflite/fp32").source, class_names=("a", "b\nc", "d", "e", "f", "g"))
    with pytest.raises(ConversionError, match=r"class 'b\\nc' is empty or has a line break"):
        tflite.convert(source, Target(format="tflite", scheme="fp32"), tmp_path / "x.tflite")


@pytest.mark.parametrize("name", ["tflite/fp32", "tflite/fp16", "tflite/w8", "tflite/w8a8_dynamic", "onnx/fp32", "onnx/w8"])
def test_a_file_that_normalises_answers_as_one_that_does_not(classifier, name):
    plain, graph = (classifier.make(name, normalise=how) for how in ("app", "graph"))
    assert declared.of_file(plain.path, classifier.spec) == classifier.spec
    assert declared.of_file(graph.path, classifier.spec) == Preprocess(resize_px=32, crop_px=32, mean=0.0, std=1.0)
    ours, theirs = classifier.answers(plain.path), classifier.answers(graph.path)
    assert np.abs(ours - theirs).max() < {"tflite/fp16": 2e-2, "tflite/w8a8_dynamic": 1e-3}.get(name, 1e-4)
    assert np.abs(ours - classifier.wanted).max() < 0.05
    metadata = inspect(graph.path).facts.metadata
    assert metadata["edgetl.normalise"] == "graph"
    if name.startswith("tflite"):
        assert metadata["normalisation"] == "mean 0, std 1"


def test_a_file_that_normalises_takes_bytes_without_us(classifier):
    """Fed by hand with bytes as float32."""
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    values = classifier.pixels[:1].astype(np.float32)
    session = onnxruntime.InferenceSession(str(classifier.make("onnx/fp32", normalise="graph", layout="NCHW").path))
    (found,) = session.run(None, {"image": values.transpose(0, 3, 1, 2)})
    assert np.abs(found - classifier.wanted[:1]).max() < 1e-4
    run = Interpreter(str(classifier.make("tflite/fp32", normalise="graph").path))
    (found,) = run.get_signature_runner()(image=values).values()
    assert np.abs(found - classifier.wanted[:1]).max() < 1e-4


def test_what_an_app_feeds_is_read_from_the_file(classifier, tmp_path):
    from edgetl.replay import network

    path = classifier.make("tflite/fp32", normalise="graph").path
    given = network.given(path, classifier.spec, classifier.names)
    assert (given.preprocess.mean, given.preprocess.std) == (0.0, 1.0)
    with network.Network(path, given) as opened:
        assert np.abs(opened.answer(classifier.pixels[0].astype(np.float32)) - classifier.wanted[0]).max() < 1e-4
    (tmp_path / "x.tflite").write_bytes(path.read_bytes()[:64])
    with pytest.raises(InputError, match=r"x\.tflite: is damaged"):
        declared.of_file(tmp_path / "x.tflite", classifier.spec)


@pytest.mark.parametrize(
    ("format", "scheme", "options", "words"),
    [
        ("tflite", "w8a8_ptq", {"client": "mediapipe", "io": "int8"}, "takes uint8 or float32, not int8. Say io: uint8"),
        ("onnx", "w8a8_ptq", {"normalise": "graph"}, "computes in integers. Say io: uint8"),
        ("tflite", "w8a16", {"normalise": "graph"}, "computes in integers. Leave normalise out"),
        ("onnx", "fp32", {"client": "mediapipe"}, "onnx has no choice of client"),
        ("onnx", "fp32", {"ort": True, "runtime": "1.16"}, "Leave one of them out"),
        ("coreml", "fp16", {"normalise": "graph"}, "coreml has no choice of normalise"),
        ("tflite", "fp32", {"runtime": "1.16"}, "tflite has no choice of runtime"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(format, scheme, options, words):
    (fault,) = Target(format=format, scheme=scheme, **options).faults()
    assert words in fault[1]


@pytest.mark.parametrize(("runtime", "stamps"), [("1.16", (17, 8)), ("1.11", (16, 8)), ("1.8.1", (14, 7)), ("1.31", (17, 8))])
@pytest.mark.parametrize("name", ["onnx/fp32", "onnx/w8a8_ptq"])
def test_an_onnx_file_is_stamped_for_the_oldest_runtime(classifier, name, runtime, stamps):
    import onnx

    made = classifier.make(name, runtime=runtime)
    model = onnx.load(made.path)
    onnx.checker.check_model(model, full_check=True)
    assert (model.opset_import[0].version, model.ir_version) == stamps
    assert inspect(made.path, Asked(runtime=f"onnxruntime=={runtime}")).errors == ()
    assert np.array_equal(classifier.answers(made.path), classifier.answers(classifier.make(name).path))
    asked = claims.of_target("onnx", made.target.scheme, {"runtime": "1.7", "client": "any"})
    assert [f.rule for f in inspect(made.path, asked).errors].count("runtime") >= 1


def test_a_runtime_that_lacks_an_operator_is_refused(classifier):
    with pytest.raises(ConversionError, match=r"onnxruntime 1\.2 loads up to opset 11, and the network needs .*QuantizeLinear"):
        classifier.make("onnx/w8a8_ptq", runtime="1.2")


def test_an_onnx_file_says_all_of_it(classifier):
    import onnx

    made = classifier.make("onnx/w8a8_ptq", io="uint8", layout="NCHW")
    told = {entry.key: entry.value for entry in onnx.load(made.path).metadata_props}
    assert tuple(json.loads(told.pop("labels"))) == classifier.names
    assert json.loads(told.pop("preprocessing")) == {
        "resize_px": 32, "crop_px": 32, "interpolation": "bilinear", "mean": 128.0, "std": 127.5, "channel_order": "RGB",
        "input": "byte", "dtype": "uint8", "layout": "NCHW",
    }  # fmt: skip
    assert told == {
        "name": "Fruit", "description": "Tells fruit apart.", "version": "1.4.0", "author": "A. Grower", "licence": "Apache-2.0",
        "edgetl.scheme": "w8a8_ptq",
    }  # fmt: skip
    assert inspect(made.path).facts.metadata["labels"] == "6"


@pytest.mark.parametrize(
    ("name", "options"),
    [("onnx/fp32", {}), ("onnx/fp32", {"normalise": "graph"}), ("onnx/w8a8_ptq", {}), ("onnx/w8a8_ptq", {"activation": "int8"})],
)
def test_an_ort_file_answers_as_the_onnx_file(classifier, name, options):
    made = classifier.make(name, ort=True, **options)
    ort, config = made.converted.companions
    assert (ort.name, config.name) == ("net.ort", "net.required_operators.config")
    ours, theirs = classifier.answers(made.path), classifier.answers(ort)
    assert np.abs(ours - theirs).max() < 1e-4
    lines = config.read_text().splitlines()
    assert lines[:2] == ["# Generated from model/s:", "# - net.ort"]
    assert any(line.startswith(("ai.onnx;", "com.microsoft;")) for line in lines)


@pytest.mark.parametrize("name", ["coreml/fp16", "coreml/w8a8_ptq"])
def test_a_package_says_all_of_it(classifier, name):
    made = classifier.make(name)
    told = inspect(made.path).facts.metadata
    assert {key: told[key] for key in ("description", "author", "licence", "version", "labels")} == {
        "description": "Tells fruit apart.", "author": "A. Grower", "licence": "Apache-2.0", "version": "1.4.0", "labels": "6",
    }  # fmt: skip
    assert told["com.apple.coreml.model.preview.type"] == "imageClassifier"
    system = "needs iOS 15 or macOS 12" if name.endswith("fp16") else "needs iOS 17 or macOS 14"
    assert system in made.converted.notes
