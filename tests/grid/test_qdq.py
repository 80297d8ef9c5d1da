"""ONNX from the int8 TFLite: the same integers, fused by onnxruntime, the same answers in every form."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgetl.converters import coreml
from edgetl.converters import onnx as converter
from edgetl.errors import ConversionError
from edgetl.grid import compare, fused, qdq, reading_onnx
from edgetl.recipe import Target

NAMES = ("image", "probabilities")
LOOSE = 24 / 256
"""Of a probability; this network turns a step of a logit into several of these."""


@pytest.fixture(scope="module")
def written(graph):
    return qdq.write(graph, qdq.Form(), NAMES)


def _made(source, int8_tflite, tmp_path, **options):
    target = Target(format="onnx", scheme="w8a8_qat", **options)
    path = tmp_path / "net.onnx"
    converted = converter.convert(replace(source, origin=int8_tflite), target, path)
    return path, converted


def test_it_answers_as_the_tflite_file_does(source, int8_tflite, answers, tmp_path):
    path, converted = _made(source, int8_tflite, tmp_path)
    ours, theirs = answers(path), answers(int8_tflite)
    assert np.ptp(theirs, axis=0).max() > 0.1, "a network that always says the same would agree with anything"
    assert np.abs(ours - theirs).max() <= LOOSE, "products are rounded in each runtime's own way"
    assert (ours.argmax(1) == theirs.argmax(1)).mean() >= 0.9
    assert converted.int8_mac_share == 1.0
    assert "runs 5 QLinearConv" in converted.notes


@pytest.mark.parametrize(
    "options",
    [
        {"layout": "NCHW"},
        {"io": "uint8"},
        {"io": "int8", "activation": "int8"},
        {"activation": "int8"},
        {"io": "uint8", "layout": "NCHW"},
    ],
    ids=str,
)
def test_every_form_gives_the_same_answers(source, int8_tflite, answers, tmp_path, options):
    plain = answers(_made(source, int8_tflite, tmp_path)[0])
    path, converted = _made(source, int8_tflite, tmp_path, **options)
    found = answers(path)
    assert np.abs(found - plain).max() <= (LOOSE if "activation" in options else 0.0)
    spec = converted.inputs[0]
    given = onnx.load(path).graph.input[0].type.tensor_type
    assert spec.dtype == options.get("io", "float32")
    assert spec.shape == tuple(d.dim_value for d in given.shape.dim)
    if spec.dtype != "float32":
        assert spec.zero_point == {"uint8": 128, "int8": 0}[spec.dtype]
        assert spec.scale == np.float16(1 / 127.5), "the half-precision number next to it"


def test_a_dynamic_batch_takes_many_images(source, int8_tflite, answers, tmp_path, images, preprocess):
    import onnxruntime

    from edgetl.preprocess import normalise

    path, converted = _made(source, int8_tflite, tmp_path, batch="dynamic")
    session = onnxruntime.InferenceSession(str(path))
    (together,) = session.run(None, {"image": normalise(images, preprocess)})
    assert np.array_equal(together, answers(_made(source, int8_tflite, tmp_path)[0]))
    assert converted.inputs[0].shape[0] == converted.outputs[0].shape[0] == -1


def test_the_same_graph_gives_the_same_bytes(graph, written):
    again = qdq.write(graph, qdq.Form(), NAMES)
    assert again.SerializeToString(deterministic=True) == written.SerializeToString(deterministic=True)


def test_the_stamps_are_what_old_phones_read(written):
    assert (written.ir_version, written.opset_import[0].version) == (8, 17)
    assert {node.op_type for node in written.graph.node} & {"Round", "Clip"} == set(), "a Clip that cuts nothing stops fusion"


def _flip(model, name, change):
    """A copy of the file with one element of one constant changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    (constant,) = (i for i in copy.graph.initializer if i.name == name)
    values = numpy_helper.to_array(constant).copy()
    values.reshape(-1)[-1] = change(values.reshape(-1)[-1])
    constant.CopyFrom(numpy_helper.from_array(values, name))
    return copy.SerializeToString()


@pytest.mark.parametrize("part", ["weight", "weight_scale", "weight_zero_point", "bias", "scale", "zero_point"])
def test_one_flipped_number_is_caught(graph, written, part):
    assert compare.differences(graph, reading_onnx.read(written.SerializeToString())) == []
    changed = _flip(written, f"conv_2d_1_{part}", lambda v: np.nextafter(v, 1) if v.dtype.kind == "f" else v + 1)
    (first, *_) = compare.differences(graph, reading_onnx.read(changed))
    assert first.startswith("conv_2d_1" if part != "scale" else ("conv_2d_1", "depthwise", "pad"))


def test_a_missing_quantization_is_caught(graph, written):
    copy = onnx.ModelProto()
    copy.CopyFrom(written)
    (add,) = (n for n in copy.graph.node if n.op_type == "Add" and n.name.startswith("add"))
    maker = next(n for n in copy.graph.node if add.input[0] in n.output)
    maker.op_type = "Identity"
    faults = compare.differences(graph, reading_onnx.read(copy.SerializeToString()))
    assert any(f.endswith("nothing is quantized at its input 0") for f in faults)


def test_a_float_layer_under_an_int8_name_is_refused(graph, written):
    copy = onnx.ModelProto()
    copy.CopyFrom(written)
    conv = next(n for n in copy.graph.node if n.op_type == "Conv")
    maker = next(n for n in copy.graph.node if conv.input[1] in n.output)
    weight = next(i for i in copy.graph.initializer if i.name == maker.input[0])
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float32), conv.input[1]))
    copy.graph.node.remove(maker)
    with pytest.raises(ConversionError, match=r"x\.onnx: is not what its scheme says: onnxruntime runs 1 Conv in float"):
        fused.audit(copy.SerializeToString(), "x.onnx", strict=True)


def test_integer_ends_need_that_activation(graph):
    with pytest.raises(ConversionError, match="uint8 input and output need activation: uint8"):
        qdq.write(graph, qdq.Form(io="uint8", activation="int8"), NAMES)


def test_an_operator_that_cannot_be_written_is_named(graph):
    odd = replace(graph, operators=tuple(replace(o, kind="COS") if o.kind == "SOFTMAX" else o for o in graph.operators))
    with pytest.raises(ConversionError, match=r"operator cos_\d+ \(COS\) cannot be written\. Known: ADD"):
        qdq.write(odd, qdq.Form(), NAMES)


@pytest.mark.parametrize("io", ["uint8", "int8"])
def test_tflite_with_integer_ends_gives_the_same_answers_and_the_same_onnx(source, int8_tflite, graph, answers, tmp_path, io):
    from edgetl.converters import tflite
    from edgetl.grid import reader

    path = tmp_path / "net.tflite"
    converted = tflite.convert(source, Target(format="tflite", scheme="w8a8_qat", io=io), path)
    assert (converted.inputs[0].dtype, converted.outputs[0].dtype) == (io, io)
    assert np.array_equal(answers(path), answers(int8_tflite))
    other = qdq.write(reader.read(path.read_bytes()), qdq.Form(), NAMES)
    assert len(other.graph.node) == len(qdq.write(graph, qdq.Form(), NAMES).graph.node)


def _run(runtime, path, images, preprocess):
    """Integers that a file cut off at its logits gives."""
    from edgetl import registry

    session = registry.load("runtimes", runtime).open(path, 1, preprocess, ())
    values = []
    for pixels in images:
        session.set_input(pixels)
        session.invoke()
        values.append(np.rint(session.output() * 256))
    session.close()
    return np.array(values, np.int64)


def test_what_is_added_shares_a_scale_and_is_equal_to_the_bit(images, preprocess, tmp_path):
    """An inverted residual, as in MobileNetV2: no operator of it is rounded in a runtime's own way."""
    import tf_keras

    from edgetl.converters import tflite
    from edgetl.converters._base import Source
    from edgetl.grid import logits, reader
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="stem")(image)
    for block in range(3):
        y = layers.ReLU(6.0, name=f"relu_{block}")(layers.Conv2D(24, 1, name=f"expand_{block}")(x))
        x = layers.Add(name=f"add_{block}")([x, layers.Conv2D(8, 1, name=f"project_{block}")(y)])
    model = tf_keras.Model(image, layers.Dense(5, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))
    quantized = fake_quant.quantize_model(model, preprocess.input_range)
    fake_quant.calibrate(quantized, model, [normalise(images, preprocess)])
    frozen.freeze(quantized, 32, tmp_path / frozen.NETWORK)
    source = Source(network=tmp_path, preprocess=preprocess, class_names=tuple("abcde"), calibration=None, origin=None)
    tflite.convert(source, Target(format="tflite", scheme="w8a8_qat"), tmp_path / "a.tflite")
    data = (tmp_path / "a.tflite").read_bytes()
    graph = reader.read(data)
    for operator in graph.operators:
        if operator.kind == "ADD":
            steps = [graph.tensors[i].step for i in (*operator.inputs, *operator.outputs)]
            assert steps == pytest.approx([steps[0]] * 3, rel=1e-6)
    model = qdq.write(graph, qdq.Form(), NAMES)
    (tmp_path / "a.onnx").write_bytes(logits.cut_onnx(model.SerializeToString(), graph))
    (tmp_path / "b.tflite").write_bytes(logits.cut_tflite(data, graph))
    found = [
        _run("litert", tmp_path / "b.tflite", images, preprocess),
        _run("onnxruntime", tmp_path / "a.onnx", images, preprocess),
    ]
    result = logits.steps(*found)
    assert np.ptp(found[0], axis=0).max() > 20
    assert (result["max_steps"], result["agreement"], result["n"]) == (0, 1.0, 64)


def test_an_imported_keras_network_is_quantized_and_agrees(material, tmp_path):
    """MLPerf Tiny's ResNet-8, as its authors trained it: residuals, activations as layers, a softmax at its end."""
    import tf_keras

    from edgetl.converters import tflite
    from edgetl.converters._base import Source
    from edgetl.grid import logits, reader
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise
    from edgetl.types import Preprocess

    path = material / "models/mlperf-tiny/image_classification/pretrainedResnet.h5"
    trained = tf_keras.models.load_model(path, compile=False)
    trained.layers[-1].activation = tf_keras.activations.linear
    model = tf_keras.models.clone_model(trained)
    model.set_weights(trained.get_weights())
    rng = np.random.default_rng(0)
    pixels = np.clip(rng.integers(0, 256, (32, 1, 1, 3)) + rng.normal(0, 60, (32, 32, 32, 3)), 0, 255).astype(np.uint8)
    spec = Preprocess(resize_px=32, crop_px=32)
    quantized = fake_quant.quantize_model(model, spec.input_range)
    fake_quant.calibrate(quantized, model, [normalise(pixels, spec)])
    frozen.freeze(quantized, 32, tmp_path / frozen.NETWORK)
    source = Source(network=tmp_path, preprocess=spec, class_names=tuple("abcdefghij"), calibration=None, origin=None)
    tflite.convert(source, Target(format="tflite", scheme="w8a8_ptq"), tmp_path / "r.tflite")
    converted = converter.convert(
        replace(source, origin=tmp_path / "r.tflite"), Target(format="onnx", scheme="w8a8_ptq"), tmp_path / "r.onnx"
    )
    assert converted.int8_mac_share == 1.0
    coreml.convert(
        replace(source, origin=tmp_path / "r.tflite"), Target(format="coreml", scheme="w8a8_ptq"), tmp_path / "r.mlpackage"
    )
    data = (tmp_path / "r.tflite").read_bytes()
    graph = reader.read(data)
    (tmp_path / "t.tflite").write_bytes(logits.cut_tflite(data, graph))
    (tmp_path / "t.onnx").write_bytes(logits.cut_onnx((tmp_path / "r.onnx").read_bytes(), graph))
    result = logits.steps(
        _run("litert", tmp_path / "t.tflite", pixels, spec), _run("onnxruntime", tmp_path / "t.onnx", pixels, spec)
    )
    assert result["max_steps"] <= 6, "its average pool of 64 values meets many halves, which runtimes round in their own ways"
    assert result["agreement"] >= 0.95
