"""A small network with every operator that the writers know, quantized, as an int8 TFLite file."""

import numpy as np
import pytest

PX = 32


@pytest.fixture(scope="session")
def images():
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (64, 1, 1, 3)) + rng.integers(-100, 100, (64, PX, PX, 3)) * rng.uniform(0, 1, (64, 1, 1, 1))
    return np.clip(colours, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def network(images, preprocess):
    """Float network; random weights, statistics of batch normalisation that are not one and zero."""
    import tf_keras

    from edgetl.nn.layers import HardSwish

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(3)
    image = tf_keras.Input((PX, PX, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.ReLU(6.0, name="stem_relu")(layers.BatchNormalization(name="stem_bn")(x))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x)
    x = layers.DepthwiseConv2D(3, strides=2, use_bias=False, name="dw")(x)
    x = layers.ReLU(6.0, name="dw_relu")(layers.BatchNormalization(name="dw_bn")(x))
    x = layers.BatchNormalization(name="proj_bn")(layers.Conv2D(8, 1, use_bias=False, name="proj")(x))
    y = layers.BatchNormalization(name="other_bn")(layers.Conv2D(8, 3, padding="same", use_bias=False, name="other")(x))
    x = layers.Add(name="add")([x, y])
    x = HardSwish(name="swish")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    gate = layers.Conv2D(8, 1, bias_initializer=tf_keras.initializers.Constant(3.0), name="excite")(gate)
    x = layers.Multiply(name="scale")([x, layers.ReLU(6.0, name="gate")(gate)])
    a = layers.MaxPooling2D(2, name="max")(x)
    b = layers.AveragePooling2D(2, name="mean")(x)
    x = layers.Concatenate(name="both")([a, b])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = tf_keras.Model(image, layers.Dense(5, name="logits")(layers.Dense(12, activation="relu", name="dense")(x)))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            count = layer.gamma.shape[0]
            layer.set_weights(
                [rng.uniform(0.5, 2, count), rng.normal(0, 1, count), rng.normal(0, 1, count), rng.uniform(0.1, 2, count)]
            )
    from edgetl.preprocess import normalise

    logits = model(normalise(images, preprocess)).numpy()
    last = model.get_layer("logits")
    last.set_weights([last.kernel.numpy() / logits.std(0), -logits.mean(0) / logits.std(0)])
    return model


@pytest.fixture(scope="session")
def preprocess():
    from edgetl.types import Preprocess

    return Preprocess(resize_px=PX, crop_px=PX)


@pytest.fixture(scope="session")
def source(network, images, preprocess, tmp_path_factory):
    """What a converter is given for that network with calibrated fake quantization."""
    from edgetl.converters._base import Source
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise

    quantized = fake_quant.quantize_model(network, preprocess.input_range)
    fake_quant.calibrate(quantized, network, [normalise(images, preprocess)])
    folder = tmp_path_factory.mktemp("network")
    frozen.freeze(quantized, PX, folder / frozen.NETWORK)
    return Source(
        network=folder,
        preprocess=preprocess,
        class_names=("a", "b", "c", "d", "e"),
        calibration=None,
        origin=None,
    )


@pytest.fixture(scope="session")
def int8_tflite(source, tmp_path_factory):
    """The int8 TFLite file with float input and output."""
    from edgetl.converters import tflite
    from edgetl.recipe import Target

    path = tmp_path_factory.mktemp("grid") / "net.tflite"
    tflite.convert(source, Target(format="tflite", scheme="w8a8_qat"), path)
    return path


@pytest.fixture(scope="session")
def graph(int8_tflite):
    from edgetl.grid import reader

    return reader.read(int8_tflite.read_bytes())


@pytest.fixture(scope="session")
def answers(preprocess, images):
    """Run a file over the images in its runtime; float32 (64, classes)."""
    from edgetl import registry

    def run(path):
        runtime = {".tflite": "litert", ".onnx": "onnxruntime"}[path.suffix]
        session = registry.load("runtimes", runtime).open(path, 1, preprocess, ("a", "b", "c", "d", "e"))
        found = []
        for pixels in images:
            session.set_input(pixels)
            session.invoke()
            found.append(session.output().copy())
        session.close()
        return np.array(found)

    return run
