"""A small network, float and with calibrated fake quantization, and its files."""

from types import SimpleNamespace

import numpy as np
import pytest

PX = 16


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Convert to a target, each once; `made("onnx/w8a8_qat", batch="dynamic")` gives the path of a new file of that name."""
    import tf_keras

    from edgetl import registry
    from edgetl.converters._base import Source
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise
    from edgetl.recipe import Target
    from edgetl.types import Preprocess

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(1)
    image = tf_keras.Input((PX, PX, 3), name="image")
    x = layers.ReLU(6.0, name="stem_relu")(layers.Conv2D(16, 3, strides=2, padding="same", name="stem")(image))
    x = layers.ReLU(6.0, name="dw_relu")(layers.DepthwiseConv2D(3, padding="same", name="dw")(x))
    x = layers.Add(name="add")([x, layers.Conv2D(16, 1, name="wide")(x)])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    network = tf_keras.Model(image, layers.Dense(5, name="logits")(layers.Dense(24, activation="relu", name="dense")(x)))
    spec = Preprocess(resize_px=PX, crop_px=PX)
    pixels = normalise(np.random.default_rng(0).integers(0, 256, (32, PX, PX, 3), np.uint8), spec)
    quantized = fake_quant.quantize_model(network, spec.input_range)
    fake_quant.calibrate(quantized, network, [pixels])
    folder, done = tmp_path_factory.mktemp("inspection"), {}
    for name, model in (("float", network), ("quantized", quantized)):
        (folder / name).mkdir()
        frozen.freeze(model, PX, folder / name / frozen.NETWORK)

    def make(target, **options):
        key = (target, *sorted(options.items()))
        if key not in done:
            form, _, scheme = target.partition("/")
            converter = registry.load("converters", form)
            source = Source(
                network=folder / ("quantized" if scheme.startswith("w8a8_q") else "float"),
                preprocess=spec, class_names=("a", "b", "c", "d", "e"), calibration=None,
                origin=make(f"tflite/{scheme}") if scheme in converter.ORIGIN else None,
            )  # fmt: skip
            path = folder / f"{len(done)}_net{converter.SUFFIX}"
            converter.convert(source, Target(format=form, scheme=scheme, **options), path)
            done[key] = path
        return done[key]

    return make


@pytest.fixture(scope="session")
def tflite():
    """Take a TFLite file apart, change it, put it together."""

    def change(path, into, edit):
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema

        model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        edit(model, SimpleNamespace(schema=schema))
        builder = flatbuffers.Builder(0)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        into.write_bytes(bytes(builder.Output()))
        return into

    return change


@pytest.fixture(scope="session")
def flex(made, tflite, tmp_path_factory):
    """A float file whose softmax is an operator of TensorFlow's."""

    def edit(model, tools):
        operator = model.subgraphs[0].operators[-1]
        code = model.operatorCodes[operator.opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = tools.schema.BuiltinOperator.CUSTOM
        code.customCode = b"FlexSoftmax"
        operator.builtinOptions, operator.builtinOptionsType = None, 0

    return tflite(made("tflite/fp32"), tmp_path_factory.mktemp("flex") / "net.tflite", edit)
