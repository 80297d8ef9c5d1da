"""Fake quantization: per-channel depthwise kernels, ranges from calibration, refusal of what cannot be quantized."""

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import StageError


@pytest.fixture(scope="module")
def network():
    import tf_keras

    from edgetl.nn import training  # noqa: F401

    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((16, 16, 3), name="image")
    x = tf_keras.layers.Conv2D(8, 3, strides=2, use_bias=False, name="conv")(image)
    x = tf_keras.layers.BatchNormalization(name="bn")(x)
    x = tf_keras.layers.ReLU(6.0, name="relu")(x)
    x = tf_keras.layers.DepthwiseConv2D(3, use_bias=False, name="dw")(x)
    x = tf_keras.layers.BatchNormalization(name="dw_bn")(x)
    x = tf_keras.layers.ReLU(6.0, name="dw_relu")(x)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return tf_keras.Model(image, tf_keras.layers.Dense(4, name="logits")(x))


def _images():
    return np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 3)).astype(np.float32)


def test_every_depthwise_channel_has_its_own_range(network):
    from edgetl.nn import fake_quant

    kernel = network.get_layer("dw").depthwise_kernel
    kernel.assign(np.ones(kernel.shape) * 10.0 ** -np.arange(8)[None, None, :, None])
    quantized = registry.load("schemes", "w8a8_qat").wrap(network, (-1.0, 1.0))
    fake_quant.calibrate(quantized, network, [_images()])
    layer = quantized.get_layer("quant_dw")
    ranges = {v.name.rpartition("/")[2]: v.numpy() for v in layer.weights}
    wider = ranges["depthwise_kernel_max:0"] / 10.0 ** -np.arange(8)
    assert wider.min() >= 1 - 1e-6 and wider.max() <= 1 + 2**-10, "as much as makes a half-precision step"
    quantizer = next(q for _, q, _ in layer._weight_vars)
    limits = next(v for _, _, v in layer._weight_vars)
    rounded = quantizer(kernel, False, limits).numpy()
    assert np.allclose(rounded, kernel.numpy(), rtol=2**-10), "a channel a million times smaller must survive"


def test_ranges_are_those_of_the_calibration_images(network):
    from edgetl.nn import fake_quant

    quantized = fake_quant.quantize_model(network, (-1.0, 1.0))
    images = _images()
    ranges = fake_quant.calibrate(quantized, network, [images[:4], images[4:]])
    logits = network(images).numpy()
    seen = (min(logits.min(), 0), max(logits.max(), 0))
    assert ranges["logits"] == pytest.approx(seen, abs=float(0.76 * np.ptp(seen) / 255)), "zero is on the grid"
    assert 1 - 1e-6 <= np.ptp(ranges["logits"]) / np.ptp(seen) <= 1 + 2**-10
    assert ranges["relu"][0] == 0.0 == ranges["dw_relu"][0]
    assert not {"conv", "bn", "dw", "dw_bn"} & set(ranges), "only what the runtime rounds is rounded"
    close = np.abs(quantized(images).numpy() - logits).max()
    assert close < 0.05 * np.abs(logits).max()


def test_nothing_to_calibrate_with_and_broken_values_are_told(network):
    from edgetl.nn import fake_quant

    quantized = fake_quant.quantize_model(network, (-1.0, 1.0))
    with pytest.raises(StageError, match="no calibration image"):
        fake_quant.calibrate(quantized, network, [])
    with pytest.raises(StageError, match="not finite at"):
        fake_quant.calibrate(quantized, network, [np.full((1, 16, 16, 3), np.nan, np.float32)])


def test_blank_images_calibrate_nothing(network):
    from edgetl.nn import fake_quant

    quantized = fake_quant.quantize_model(network, (-1.0, 1.0))
    with pytest.raises(StageError, match="every calibration image is of one colour.*Use real photos"):
        fake_quant.calibrate(quantized, network, [np.full((1, 16, 16, 3), -1.0, np.float32)])


def test_a_dead_activation_gets_a_grid_that_holds_zero():
    import tf_keras

    from edgetl.nn import fake_quant

    image = tf_keras.Input((8, 8, 3), name="image")
    x = tf_keras.layers.Conv2D(4, 3, kernel_initializer="zeros", name="dead")(image)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(tf_keras.layers.ReLU(6.0, name="relu")(x))
    model = tf_keras.Model(image, tf_keras.layers.Dense(2, bias_initializer="ones", name="logits")(x))
    quantized = fake_quant.quantize_model(model, (-1.0, 1.0))
    ranges = fake_quant.calibrate(quantized, model, [_images()[:, :8, :8]])
    assert ranges["relu"] == (0.0, 1029 / 2**18 * 255), "the next half-precision step above 1/255"
    assert ranges["pool"] == (0.0, pytest.approx(1.0, abs=0.02))  # as much wider as leaves no mean on a half
    assert np.allclose(quantized(_images()[:, :8, :8]).numpy(), 1.0, atol=0.01)


def test_nan_weights_are_refused(network):
    import tf_keras

    from edgetl.nn import fake_quant

    model = tf_keras.models.clone_model(network)
    kernel = model.get_layer("conv").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    quantized = fake_quant.quantize_model(model, (-1.0, 1.0))
    with pytest.raises(StageError, match="not finite at conv"):
        fake_quant.calibrate(quantized, model, [_images()])


def test_a_layer_that_cannot_be_quantized_is_named():
    import tf_keras

    from edgetl.nn import fake_quant

    image = tf_keras.Input((8, 8, 3))
    model = tf_keras.Model(image, tf_keras.layers.Lambda(lambda x: x * 2, name="odd")(image))
    with pytest.raises(StageError, match=r"odd \(Lambda\)"):
        fake_quant.quantize_model(model, (-1.0, 1.0))


def test_a_head_with_relu6_can_be_quantized():
    from edgetl import load_recipe
    from edgetl.nn import classifier, fake_quant

    override = "head={layers: [{dense: 8, activation: relu6}]}"
    recipe = load_recipe("quickstart", (override, "backbone.input_px=32")).recipe
    model = classifier.build_classifier(recipe, 3, training=False)
    assert model.get_layer("head_1_relu6").max_value == 6.0
    assert fake_quant.quantize_model(model, recipe.preprocess.input_range).get_layer("quant_head_1_relu6")
