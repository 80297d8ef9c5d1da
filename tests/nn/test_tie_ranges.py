"""Sigmoids and ties: a swish and a gate run in integers everywhere, and no product or mean falls on a half."""

import numpy as np
import pytest
import tf_keras

from edgetl.nn import fake_quant, tie_ranges
from edgetl.nn.layers import Sigmoid
from edgetl.nn.tie_ranges import settle_ties, ties

PX = 16
STEP = 4.0 / 255


def test_halves_are_counted_as_far_as_the_output_reaches():
    assert ties(np.arange(0, 1000), 1 / 256) == 4, "128, 384, 640, 896"
    assert ties(np.arange(0, 10**6), 1 / 256) == 256, "those up to 65536"
    assert ties(np.arange(0, 1000), 1.0000001 / 256) == 4, "float32 cannot tell the difference"
    assert ties(np.arange(0, 1000), 1.0001 / 256) == 0
    assert ties(np.arange(0, 1000), 1.0) == 0


def test_a_sigmoid_is_one_operator_of_tflite_and_survives_saving(tmp_path):
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    values = np.array([-9.0, -1.0, 0.0, 0.5, 20.0], np.float32)
    assert np.allclose(Sigmoid()(values), 1 / (1 + np.exp(-values)), atol=1e-6)
    image = tf_keras.Input((8, 8, 3))
    x = tf_keras.layers.Conv2D(4, 3)(image)
    model = tf_keras.Model(image, tf_keras.layers.Multiply()([x, Sigmoid(name="gate")(x)]))
    model.save(tmp_path / "m.keras")
    assert isinstance(tf_keras.models.load_model(tmp_path / "m.keras", compile=False).get_layer("gate"), Sigmoid)
    function = tf.function(model).get_concrete_function(tf.TensorSpec((1, 8, 8, 3), tf.float32))
    content = tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
    assert [o["op_name"] for o in interpreter._get_ops_details()] == ["CONV_2D", "LOGISTIC", "MUL"]


def _network():
    """A swish, a squeeze-and-excite whose gate is wide open, as many of a trained network are, and a residual."""
    from edgetl.backbones import _swish_blocks as blocks

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(5)
    image, x = blocks.image_input(PX)
    x = blocks.swish(blocks.convolution(x, "stem_", 16, kernel=3, stride=2), "swish")
    y = blocks.squeeze_excite(x, "", 4)
    y = blocks.convolution(y, "project_", 16)
    x = layers.Add(name="add")([x, y])
    model = tf_keras.Model(image, layers.Dense(5, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))
    kernel, bias = model.get_layer("se_expand").get_weights()
    model.get_layer("se_expand").set_weights([kernel, bias + 20.0])
    return model


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    return np.clip(rng.integers(0, 256, (48, 1, 1, 3)) + rng.normal(0, 60, (48, PX, PX, 3)), 0, 255).astype(np.uint8)


def _files(model, pixels, folder):
    """Convert to int8 TFLite, ONNX and Core ML; return the differences of the first two in steps of logits, and the notes."""
    from dataclasses import replace

    from edgetl import registry
    from edgetl.converters import coreml, onnx, tflite
    from edgetl.converters._base import Source
    from edgetl.grid import logits, reader
    from edgetl.nn import frozen
    from edgetl.preprocess import normalise
    from edgetl.recipe import Target
    from edgetl.types import Preprocess

    spec = Preprocess(resize_px=PX, crop_px=PX)
    quantized = fake_quant.quantize_model(model, spec.input_range)
    fake_quant.calibrate(quantized, model, [normalise(pixels, spec)])
    frozen.freeze(quantized, PX, folder / frozen.NETWORK)
    source = Source(network=folder, preprocess=spec, class_names=tuple("abcde"), calibration=None, origin=None)
    tflite.convert(source, Target(format="tflite", scheme="w8a8_ptq"), folder / "n.tflite")
    source = replace(source, origin=folder / "n.tflite")
    converted = onnx.convert(source, Target(format="onnx", scheme="w8a8_ptq"), folder / "n.onnx")
    coreml.convert(source, Target(format="coreml", scheme="w8a8_ptq"), folder / "n.mlpackage")
    data = (folder / "n.tflite").read_bytes()
    graph = reader.read(data)
    (folder / "t.tflite").write_bytes(logits.cut_tflite(data, graph))
    (folder / "t.onnx").write_bytes(logits.cut_onnx((folder / "n.onnx").read_bytes(), graph))
    answers = []
    for runtime, name in (("litert", "t.tflite"), ("onnxruntime", "t.onnx")):
        session = registry.load("runtimes", runtime).open(folder / name, 1, spec, ())
        values = []
        for image in pixels:
            session.set_input(image)
            session.invoke()
            values.append(np.rint(session.output() * 256))
        session.close()
        answers.append(np.array(values, np.int64))
    assert np.ptp(answers[0], axis=0).max() > 20, "a network that always says the same would agree with anything"
    return logits.steps(*answers), converted, graph


def test_a_swish_and_an_open_gate_are_integers_and_equal_to_the_bit(pixels, tmp_path):
    result, converted, graph = _files(_network(), pixels, tmp_path)
    assert (result["max_steps"], result["agreement"], result["n"]) == (0, 1.0, 48)
    assert converted.int8_mac_share == 1.0
    runs = {kind: int(count) for _, count, kind in (note.split() for note in converted.notes if note.startswith("runs "))}
    assert (runs["QLinearSigmoid"], runs["QLinearMul"], runs["QLinearConv"], runs["QLinearGlobalAveragePool"]) == (3, 3, 5, 2)
    assert not {"Sigmoid", "Mul", "Conv", "GlobalAveragePool", "Add"} & set(runs)
    for operator in graph.operators:
        if operator.kind == "LOGISTIC":
            out = graph.tensors[operator.outputs[0]]
            assert (out.step, out.zero) == (1 / 256, -128)


def _litert_product(step, zero, out_step, out_zero):
    """All 65536 pairs of an int8 value and a gate through LiteRT's MUL; int64 (256, 256)."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    tensors = []
    for name, scale, zero_point in ((b"x", step, zero), (b"gate", 1 / 256, -128), (b"y", out_step, out_zero)):
        tensor, table = schema.TensorT(), schema.QuantizationParametersT()
        table.scale, table.zeroPoint = [scale], [zero_point]
        tensor.name, tensor.shape, tensor.type, tensor.buffer, tensor.quantization = (
            name,
            [1, 2**16],
            schema.TensorType.INT8,
            0,
            table,
        )
        tensors.append(tensor)
    operator, code, graph, model = schema.OperatorT(), schema.OperatorCodeT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MUL
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1], [2]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.MulOptions, schema.MulOptionsT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [0, 1], [2], [operator]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()))
    interpreter.allocate_tensors()
    for place, values in enumerate(PAIRS):
        interpreter.set_tensor(place, values)
    interpreter.invoke()
    return interpreter.get_tensor(2)[0].astype(np.int64)


def _onnx_product(step, zero, out_step, out_zero):
    """The same through onnxruntime's QLinearMul, as uint8."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    constants, nodes, kind = [], [], TensorProto.UINT8
    for name, scale, point in (("x", step, zero), ("gate", 1 / 256, -128), ("y", out_step, out_zero)):
        constants += [
            numpy_helper.from_array(np.float32(scale), f"{name}_s"),
            numpy_helper.from_array(np.uint8(point + 128), f"{name}_z"),
        ]
    for name in ("x", "gate"):
        nodes.append(helper.make_node("DequantizeLinear", [name, f"{name}_s", f"{name}_z"], [f"{name}_r"]))
    nodes.append(helper.make_node("Mul", ["x_r", "gate_r"], ["y_r"]))
    nodes.append(helper.make_node("QuantizeLinear", ["y_r", "y_s", "y_z"], ["y"]))
    ends = [helper.make_tensor_value_info(name, kind, [1, 2**16]) for name in ("x", "gate", "y")]
    body = helper.make_graph(nodes, "product", ends[:2], ends[2:], constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = {name: (values.astype(np.int64) + 128).astype(np.uint8) for name, values in zip(("x", "gate"), PAIRS, strict=True)}
    return session.run(None, given)[0][0].astype(np.int64) - 128


PAIRS = [values.reshape(1, -1) for values in np.meshgrid(*[np.arange(-128, 128, dtype=np.int8)] * 2, indexing="ij")]


def test_runtimes_part_on_halves_and_agree_on_settled_ranges():
    rng = np.random.default_rng(0)
    parted = 0
    for number in range(24):
        high = float(np.float32(rng.uniform(0.5, 20)))
        source = (-float(np.float32(high * rng.uniform(0.02, 1))), high)
        step, zero = tie_ranges._grid(source)
        stretch = 1.0 + float(rng.integers(-3, 4)) * 2.0**-24 if number % 2 else float(rng.uniform(0.2, 1.0))
        limits = tuple(v * stretch for v in source)  # behind an open gate, or a closer one
        levels = np.unique(np.multiply.outer(np.abs(np.arange(-128, 128) - zero), np.arange(256)))
        settled = tie_ranges._widened(limits, levels, step / 256)
        given = [step, zero, *tie_ranges._grid(limits)], [step, zero, *tie_ranges._grid(settled)]
        parted += not np.array_equal(_litert_product(*given[0]), _onnx_product(*given[0]))
        assert np.array_equal(_litert_product(*given[1]), _onnx_product(*given[1])), given[1]
        assert ties(levels, step / 256 / given[1][2]) == 0
    assert parted, "or there would be nothing to settle"


def test_what_is_shared_keeps_its_range_and_nothing_moves_far():
    from edgetl.nn.shared_scales import shared_grids

    model = _network()
    ranges = {layer.name: (-1.0, 3.0) for layer in model.layers if isinstance(layer, tf_keras.layers.Multiply | Sigmoid)}
    ranges.update(dict.fromkeys(("normalise", "stem_bn", "se_expand", "se_squeeze", "project_bn", "add", "pool"), (-1.0, 3.0)))
    assert shared_grids(model, ranges) == {"swish", "project_bn", "add"}
    settled = settle_ties(model, ranges, (-1.0, 1.0))
    assert set(settled) == set(ranges)
    moved = {name for name in ranges if settled[name] != ranges[name]}
    assert moved <= {"se_excite", "se_activation", "se_squeeze", "pool"}
    for name in ranges:
        low, high = settled[name]
        assert 3.0 - STEP / 2 <= high <= 3.0 * (1.0 + tie_ranges._WIDENING) + STEP
        assert low / high == pytest.approx(-1.0 / 3.0, abs=STEP)


@pytest.mark.parametrize(("mean", "std"), [(127.5, 127.5), (120.71, 64.2), (0.5, 1.0), (255.0, 255.0), (128.0, 127.5)])
def test_no_byte_of_an_input_is_near_a_half(mean, std):
    low, high = tie_ranges.settle_input(mean, std)
    step = (high - low) / 255
    levels = (np.arange(256) - mean) / std / step
    assert np.abs(levels - np.floor(levels) - 0.5).min() > 5e-4
    assert abs(low / step - round(low / step)) < 1e-6  # zero is on the grid
    assert low - step / 2 <= -mean / std
    assert high + step / 2 >= (255 - mean) / std
    assert np.allclose(tie_ranges.settle_input(127.5, 127.5, whole=True), (-128 / 127.5, 127 / 127.5))
