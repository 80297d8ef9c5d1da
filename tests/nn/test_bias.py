"""Biases: the mean error of rounded weights is taken out, and dead channels leave room for theirs."""

import numpy as np
import pytest


@pytest.fixture
def network():
    import tf_keras

    from edgetl.nn import fake_quant  # noqa: F401 - sets the Keras version

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((16, 16, 3), name="image")
    x = layers.ReLU(6.0, name="relu")(layers.Conv2D(16, 3, name="conv")(image))
    x = layers.DepthwiseConv2D(3, use_bias=False, name="dw")(x)
    x = layers.ReLU(6.0, name="dw_relu")(layers.BatchNormalization(name="bn")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = tf_keras.Model(image, layers.Dense(4, name="logits")(x))
    rng = np.random.default_rng(0)
    model.get_layer("bn").set_weights(
        [rng.uniform(0.5, 2, 16), rng.normal(1, 1, 16), rng.normal(0, 1, 16), rng.uniform(0.1, 1, 16)]
    )
    return model


def _images():
    return np.random.default_rng(0).uniform(-1, 1, (16, 16, 16, 3)).astype(np.float32)


def test_the_mean_error_is_taken_out(network):
    from edgetl.nn import fake_quant

    errors = []
    for correct in (False, True):
        quantized = fake_quant.quantize_model(network, (-1.0, 1.0))
        fake_quant.calibrate(quantized, network, [_images()], bias_correction=correct)
        errors.append(np.abs((quantized(_images()) - network(_images())).numpy().mean(0)).max())
    step = float(np.ptp(network(_images()).numpy())) / 255
    assert errors[1] < errors[0]
    assert errors[1] < step, "what remains of the mean is below a step"


def test_a_dead_channel_keeps_its_bias(network, tmp_path):
    """Weights of 1e-20 beside a bias of about 1: on their own range it would need 60 bits."""
    from edgetl.converters import tflite
    from edgetl.converters._base import Source
    from edgetl.grid import reader
    from edgetl.nn import fake_quant, frozen
    from edgetl.recipe import Target
    from edgetl.types import Preprocess

    kernel = network.get_layer("dw").depthwise_kernel
    values = kernel.numpy()
    values[:, :, 3] = 1e-20
    kernel.assign(values)
    gamma = network.get_layer("bn").gamma.numpy()
    gamma[5] = 0.0
    network.get_layer("bn").gamma.assign(gamma)
    quantized = fake_quant.quantize_model(network, (-1.0, 1.0))
    fake_quant.calibrate(quantized, network, [_images()])
    difference = np.abs(quantized(_images()).numpy() - network(_images()).numpy()).max()
    assert difference < 0.1 * np.ptp(network(_images()).numpy())
    frozen.freeze(quantized, 16, tmp_path / frozen.NETWORK)
    preprocess = Preprocess(resize_px=16, crop_px=16)
    source = Source(network=tmp_path, preprocess=preprocess, class_names=tuple("abcd"), calibration=None, origin=None)
    tflite.convert(source, Target(format="tflite", scheme="w8a8_qat"), tmp_path / "a.tflite")  # its audit refuses a bias cut off
    graph = reader.read((tmp_path / "a.tflite").read_bytes())
    depthwise = next(o for o in graph.operators if o.kind == "DEPTHWISE_CONV_2D")
    weight, bias = (graph.tensors[i] for i in depthwise.inputs[1:3])
    assert not weight.data[..., 3].any() and not weight.data[..., 5].any()
    beta = network.get_layer("bn").beta.numpy()
    assert bias.data[5] * bias.scale[5] == pytest.approx(beta[5], abs=0.05)


def test_ranges_of_living_channels_are_their_own(network):
    from edgetl.nn.bias_room import least_ranges

    ranges = {"relu": (0.0, 3.0), "dw_relu": (0.0, 6.0)}
    floors = least_ranges(network, ranges, (-1.0, 1.0))
    assert set(floors) == {"conv", "dw"}
    kernel = np.abs(network.get_layer("dw").depthwise_kernel.numpy()).max((0, 1))[:, 0]
    assert (floors["dw"] < 1e-3 * kernel).all()
