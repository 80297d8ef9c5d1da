"""The evaluator of Core ML packages: half precision is really rounded, images and classes arrive, faults are found and named."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import VerificationError
from edgetl.grid import compare, mil_beside, mil_reference, reading_mil
from edgetl.grid.mil_lowering import lower
from edgetl.recipe import Target

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def floats(network, preprocess, tmp_path_factory):
    """The float network of this folder's tests as a package in single and half precision, TFLite and ONNX."""
    from edgetl.converters._base import Source
    from edgetl.nn import frozen

    folder = tmp_path_factory.mktemp("floats")
    frozen.freeze(network, preprocess.crop_px, folder / frozen.NETWORK)
    source = Source(network=folder, preprocess=preprocess, class_names=NAMES, calibration=None, origin=None)
    made = {}
    for name, scheme in (("coreml", "fp32"), ("coreml", "fp16"), ("tflite", "fp32"), ("onnx", "fp32")):
        converter = registry.load("converters", name)
        made[name, scheme] = folder / f"{scheme}{converter.SUFFIX}"
        converter.convert(source, Target(format=name, scheme=scheme), made[name, scheme])
    return made


@pytest.fixture(scope="module")
def package(source, int8_tflite, tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / "net.mlpackage"
    converter = registry.load("converters", "coreml")
    converter.convert(replace(source, origin=int8_tflite), Target(format="coreml", scheme="w8a8_qat"), path)
    return path


def _program(shape, build, dtype=None, **inputs):
    """A MIL function of one input `x`."""
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import types

    spec = mb.TensorSpec(shape=shape, dtype=dtype or types.fp16)
    return mb.program(input_specs=[spec], opset_version=ct.target.iOS17)(lambda x: build(mb, x)).functions["main"]


def _run(function, x, arithmetic="stored", every=False):
    lowering = lower(function, arithmetic=arithmetic, every=every)
    name = next(iter(function.inputs))
    output = lowering.names[function.outputs[0]]
    session = mil_reference.open_session(lowering.model({name: ("float32", x.shape)}, [output]), "test")
    return session.run([output], {name: x.astype(np.float32)})[0]


def test_half_precision_is_rounded_behind_each_operation():
    x = np.random.default_rng(0).uniform(-3, 3, (1, 4, 6, 6)).astype(np.float16)
    a, b = np.float16(1.2998), np.float16(0.3335)

    def chain(mb, x):
        y = mb.add(x=mb.mul(x=x, y=a), y=b)
        y = mb.sub(x=mb.mul(x=y, y=y), y=x)
        return mb.real_div(x=mb.clip(x=y, alpha=np.float16(0), beta=np.float16(6)), y=np.float16(3.1))

    y = x * a + b
    y = y * y - x
    expected = np.clip(y, np.float16(0), np.float16(6)) / np.float16(3.1)
    assert expected.dtype == np.float16
    function = _program(x.shape, chain)
    plain = _run(function, x, "float32")
    assert (plain != expected).mean() > 0.5, "single precision must not give the same, or this shows nothing"
    for every in (False, True):
        assert np.array_equal(_run(function, x, every=every), expected.astype(np.float32))


def test_half_precision_overflows_and_keeps_the_smallest_numbers():
    x = np.array([300.0, 1e-4, 6e-8, -6e-8], np.float16)
    found = _run(_program(x.shape, lambda mb, x: mb.mul(x=x, y=np.float16(300))), x)
    with np.errstate(over="ignore"):
        assert np.array_equal(found, (x * np.float16(300)).astype(np.float32))
    assert np.isinf(found[0])


def test_sums_inside_an_operation_are_single_precision():
    """2,048 + 1 + 1 … is 2,048 for ever when each sum is rounded to half precision."""
    x = np.ones((1, 3001), np.float32)
    x[0, 0] = 2048
    function = _program(x.shape, lambda mb, x: mb.linear(x=x, weight=np.ones((1, 3001), np.float16)))
    assert _run(function, x).item() == np.float16(5048)


def test_halves_are_rounded_to_even_and_an_absent_zero_point_is_zero():
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300.0, -300.0])

    def through(kind, **zero):
        def build(mb, x):
            integers = mb.quantize(input=x, scale=np.float16(1), output_dtype=kind, **zero)
            return mb.dequantize(input=integers, scale=np.float16(1), **zero)

        return _run(_program(x.shape, build), x).tolist()

    assert through("int8", zero_point=np.int8(0)) == [0, 2, 2, 0, -2, 127, -128]
    assert through("uint8") == [0, 2, 2, 0, 0, 255, 0]
    assert through("int8", zero_point=np.int8(-3)) == [0, 2, 2, 0, -2, 130, -125]


def test_a_single_precision_package_answers_as_onnx_and_tflite_do(floats, images, answers):
    reference = mil_reference.open_package(floats["coreml", "fp32"])
    found = np.array([reference.run(image) for image in images])
    for name in ("tflite", "onnx"):
        assert np.abs(found - answers(floats[name, "fp32"])).max() <= 1e-4
    half = mil_reference.open_package(floats["coreml", "fp16"])
    apart = np.abs(np.array([half.run(image) for image in images]) - found).max()
    assert 1e-4 < apart < 0.05, "half precision shows, and no more than that"


def test_no_tensor_differs_in_sound_files(floats, package, int8_tflite, images, preprocess):
    for arithmetic in ("stored", "float32"):
        reference = mil_reference.open_package(package, arithmetic=arithmetic)
        rows = mil_beside.walk(reference, int8_tflite, images[0], preprocess)
        assert len(rows) >= 15
        assert rows[0].name == "image"
        assert max(row.largest for row in rows) <= 1
        half = mil_reference.open_package(floats["coreml", "fp16"], arithmetic=arithmetic)
        for name in ("tflite", "onnx"):
            assert len(mil_beside.walk(half, floats[name, "fp32"], images[0], preprocess)) >= 10
            assert mil_beside.first_difference(half, floats[name, "fp32"], images[0], preprocess) is None


def test_a_weight_changed_by_hand_is_caught_and_its_layer_named(package, int8_tflite, graph, images, preprocess, tmp_path):
    changed = tmp_path / "changed.mlpackage"
    shutil.copytree(package, changed)
    stems = tuple(graph.stem(i) for i in range(len(graph.operators)))
    depthwise = next(i for i, operator in enumerate(graph.operators) if operator.kind == "DEPTHWISE_CONV_2D")
    kernel = graph.tensors[graph.operators[depthwise].inputs[1]].data
    (file,) = changed.rglob("weight.bin")
    data, wanted = bytearray(file.read_bytes()), kernel.transpose(3, 0, 1, 2).tobytes()
    place = data.find(wanted)
    assert place > 0 and data.count(wanted) == 1
    data[place + 4] = (data[place + 4] + 100) % 256
    file.write_bytes(bytes(data))
    (fault,) = compare.differences(graph, reading_mil.read(reading_mil.program(changed), stems))
    assert fault == f"{graph.stem(depthwise)} weight: 1 of {kernel.size} integers differ"
    sound, wrong = mil_reference.open_package(package), mil_reference.open_package(changed)
    assert np.abs(sound.run(images[0]) - wrong.run(images[0])).max() > 0.01
    found = mil_beside.first_difference(wrong, int8_tflite, images[0], preprocess)
    assert found.name == graph.stem(depthwise)
    assert found.unit == "steps"
    assert found.place[1] == 0, "the channel whose weight was changed"


def test_every_operation_tells_its_tensor(package, floats, images):
    reference = mil_reference.open_package(floats["coreml", "fp16"])
    tensors = reference.tensors(images[1])
    assert all(values.dtype == np.float32 for values in tensors.values())
    assert all(values.shape[0] == 1 for values in tensors.values())
    assert np.array_equal(list(tensors.values())[-1].reshape(-1), reference.run(images[1]))
    assert all(np.array_equal(v, v.astype(np.float16).astype(np.float32)) for n, v in tensors.items() if n.endswith("fp16"))
    assert not any("weight" in name for name in mil_reference.open_package(package).tensors(images[1]))


def _image_package(tmp_path, build, **image):
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 3, 4, 4))], opset_version=ct.target.iOS17)
    def program(image):
        return build(mb, image)

    given = ct.ImageType(name="image", shape=(1, 3, 4, 4), **image)
    options = {"convert_to": "mlprogram", "minimum_deployment_target": ct.target.iOS17, "skip_model_load": True}
    labels = ct.ClassifierConfig(["z", "y", "x"])
    precision = ct.precision.FLOAT32
    model = ct.convert(program, inputs=[given], classifier_config=labels, compute_precision=precision, **options)
    path = tmp_path / "image.mlpackage"
    shutil.rmtree(path, ignore_errors=True)
    model.save(str(path))
    return path


def test_bytes_scale_bias_channel_order_and_class_order(tmp_path):
    import coremltools as ct

    from edgetl.types import Preprocess

    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[...] = (10, 20, 40)
    for layout, order in ((ct.colorlayout.RGB, (10, 20, 40)), (ct.colorlayout.BGR, (40, 20, 10))):
        path = _image_package(
            tmp_path, lambda mb, x: mb.reduce_mean(x=x, axes=[2, 3]), scale=0.5, bias=[1.0, 2.0, 3.0], color_layout=layout
        )
        reference = mil_reference.open_package(path)
        assert reference.class_names == ("z", "y", "x")
        expected = np.array(order) * 0.5 + (1, 2, 3)
        assert reference.run(pixels).tolist() == expected.tolist()
        runtime = registry.load("runtimes", "coreml_reference")
        session = runtime.open(path, 1, Preprocess(resize_px=4, crop_px=4), ("x", "y", "z"))
        session.set_input(pixels)
        session.invoke()
        assert session.output().tolist() == expected[::-1].tolist()
        session.close()
        with pytest.raises(VerificationError, match="its classes are z, y, x .*asked for: x, y, w"):
            runtime.open(path, 1, Preprocess(resize_px=4, crop_px=4), ("x", "y", "w"))
    with pytest.raises(VerificationError, match=r"takes uint8 \(4, 4, 3\), not uint8 \(5, 4, 3\)"):
        reference.run(np.zeros((5, 4, 3), np.uint8))


def test_what_is_not_known_is_refused_by_name_all_at_once(tmp_path):
    def build(mb, x):
        band = mb.band_part(x=mb.reduce_mean(x=x, axes=[0, 1]))
        sorted_ = mb.argsort(x=mb.reduce_mean(x=band, axes=[0], keep_dims=True), axis=1)
        y = mb.topk(x=mb.reduce_mean(x=x, axes=[2, 3]), k=3, axis=1)[0]
        return mb.add(x=y, y=mb.cast(x=mb.reduce_max(x=sorted_, keep_dims=True), dtype="fp32"))

    with pytest.raises(VerificationError) as caught:
        mil_reference.open_package(_image_package(tmp_path, build))
    for name in ("topk", "band_part", "argsort"):
        assert f"operation {name} is not known" in str(caught.value)
    assert str(caught.value).startswith("image.mlpackage: cannot be evaluated here: ")


def test_other_models_and_damaged_packages_are_refused(package, tmp_path):
    import coremltools as ct
    from coremltools.models.neural_network import NeuralNetworkBuilder

    builder = NeuralNetworkBuilder([("x", ct.models.datatypes.Array(3))], [("y", None)], disable_rank5_shape_mapping=True)
    builder.add_activation("relu", "RELU", "x", "y")
    ct.models.MLModel(builder.spec, skip_model_load=True).save(str(tmp_path / "old.mlpackage"))
    with pytest.raises(VerificationError, match="old.mlpackage: is a model of the kind neuralNetwork"):
        mil_reference.open_package(tmp_path / "old.mlpackage")
    with pytest.raises(VerificationError, match="is no .mlpackage folder"):
        mil_reference.open_package(tmp_path / "none.mlpackage")
    rng = np.random.default_rng(0)
    refused = 0
    for number in range(12):
        damaged = tmp_path / f"{number}.mlpackage"
        shutil.copytree(package, damaged)
        (file,) = damaged.rglob("model.mlmodel" if number % 2 else "weight.bin")
        data = file.read_bytes()
        file.write_bytes(data[: int(rng.integers(0, len(data)))])
        try:
            mil_reference.open_package(damaged)
        except VerificationError as error:
            refused += 1
            assert str(error).startswith(f"{number}.mlpackage: ")
    assert refused >= 10
