"""Steps, weight scales and biases that half precision holds: known answers, and a TFLite file of which nothing is lost."""

import numpy as np
import pytest

from edgetl.nn.half_steps import of_bytes, on_half, up, up_tensor, widened


def _is_half(values, precision=1e-6):
    values = np.asarray(values, np.float64)
    return np.abs(values.astype(np.float16).astype(np.float64) / values - 1) <= precision


def test_the_next_step_of_eleven_bits():
    assert up(1 / 256) == 1 / 256 and up(1.0) == 1.0
    assert up(6 / 255) == 1543 / 2**16, "1542.02 / 2^16 lies below"
    assert up(1.0 + 1e-7) == 1.0, "an error of float32 is none"
    assert up(1.0 + 1e-6) == 1.0 + 2**-10
    assert up(2.0 - 1e-4) == 2.0


def test_tensorflow_and_numpy_find_the_same():
    steps = np.random.default_rng(0).uniform(1e-4, 3, 2000).astype(np.float32)
    found = up_tensor(steps).numpy()
    assert np.array_equal(found, [up(step) for step in steps])
    assert np.all(_is_half(found, 0.0)) and np.all(found >= steps * (1 - 3e-7)) and np.all(found <= steps * (1 + 2**-10))
    assert np.array_equal(up_tensor(np.zeros(1, np.float32)).numpy(), [0.0])


@pytest.mark.parametrize("limits", [(0.0, 6.0), (-1.3, 2.9), (-0.375, 11.0), (-4.0, 0.0), (0.0, 255 / 256)])
def test_a_range_becomes_at_most_a_thousandth_wider(limits):
    low, high = on_half(limits)
    step = (high - low) / 255
    assert _is_half(step, 1e-12) and float(-low / step).is_integer()
    assert 1 - 1e-6 <= (high - low) / (limits[1] - limits[0]) <= 1 + 2**-10
    assert max(abs(low - limits[0]), abs(high - limits[1])) <= 0.76 * step
    assert on_half((low, high)) == (low, high)


def test_all_half_precision_steps_of_a_widening():
    steps = [(high - low) / 255 for low, high in widened((0.0, 255.0), 0.02)]
    assert np.allclose(steps, 1.0 + np.arange(21) * 2**-10, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("mean", "std"), [(128.0, 127.5), (0.0, 255.0), (0.0, 1.0), (123.0, 58.4)])
def test_every_byte_stays_its_integer(mean, std):
    low, high = of_bytes((-mean / std, (255 - mean) / std))
    step = (high - low) / 255
    assert _is_half(step, 1e-12)
    levels = (np.arange(256) - mean) / std / step
    assert np.array_equal(np.rint(levels), np.arange(256) - mean)
    assert np.abs(levels - np.rint(levels)).max() <= 1 / 8 + 1e-9


def test_a_bias_goes_where_int32_and_half_precision_meet():
    from edgetl.nn.half_biases import settled

    rng = np.random.default_rng(0)
    bias, step = rng.normal(0, 1, 500), np.float16(rng.uniform(5e-5, 2e-4, 500)).astype(float) * 1.001
    found = settled(bias, step)
    assert np.allclose(np.rint(found / step) * step, found, atol=1e-12), "a multiple of its step"

    def apart(values):
        return np.abs(values.astype(np.float16).astype(float) - np.rint(values / step) * step)

    assert np.median(apart(found)) < np.median(apart(bias)) / 8
    assert np.abs(found - bias).max() < 0.02
    assert settled(np.array([0.0, 1e6]), np.array([1e-4, 1.0])).tolist() == [0.0, 1e6]
    assert settled(np.array([0.1]), np.array([0.0])) == np.float16(0.1), "a channel of zeros"


@pytest.fixture
def network():
    import tf_keras

    from edgetl.nn import fake_quant  # noqa: F401 - sets the Keras version

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((16, 16, 3), name="image")
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(8, 3, name="conv")(image))
    x = layers.DepthwiseConv2D(3, padding="same", name="dw")(layers.ReLU(6.0, name="relu")(x))
    y = layers.BatchNormalization(name="dw_bn")(x)
    y = layers.Conv2D(8, 1, use_bias=False, name="project")(layers.ReLU(name="dw_relu")(y))
    x = layers.Add(name="add")([x, layers.BatchNormalization(center=False, name="project_bn")(y)])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = tf_keras.Model(image, layers.Dense(4, bias_initializer="uniform", name="logits")(x))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            shapes = [w.shape for w in layer.get_weights()]
            drawn = [rng.uniform(0.5, 2, 8), *(rng.normal(0, 1, 8) for _ in shapes[2:]), rng.uniform(0.1, 1, 8)]
            layer.set_weights(drawn)
    return model


def test_a_file_has_only_scales_that_half_precision_holds(network, tmp_path):
    from edgetl import registry
    from edgetl.converters import tflite
    from edgetl.converters._base import Source
    from edgetl.grid import compare, reader
    from edgetl.nn import fake_quant, frozen
    from edgetl.recipe import Target
    from edgetl.types import Preprocess

    spec = Preprocess(resize_px=16, crop_px=16)
    images = np.random.default_rng(0).uniform(-1, 1, (16, 16, 16, 3)).astype(np.float32)
    quantized = registry.load("schemes", "w8a8_ptq").wrap(network, spec.input_range)
    fake_quant.calibrate(quantized, network, [images])
    for name in ("bn", "project_bn"):  # as training does
        gamma = quantized.get_layer(f"quant_{name}").layer.gamma
        gamma.assign(gamma * np.linspace(0.9, 1.1, 8))
    fake_quant.settle(quantized, images)
    frozen.freeze(quantized, 16, tmp_path / frozen.NETWORK)
    source = Source(network=tmp_path, preprocess=spec, class_names=tuple("abcd"), calibration=None, origin=None)
    tflite.convert(source, Target(format="tflite", scheme="w8a8_ptq"), tmp_path / "a.tflite")
    graph = reader.read((tmp_path / "a.tflite").read_bytes())
    scales = [t for t in graph.tensors if t.quantized and t.dtype == "int8"]
    lost = [t.name for t in scales if not _is_half(t.scale).all()]
    assert len(scales) >= 12 and not lost
    outputs = {o.inputs[2]: graph.tensors[o.outputs[0]].step for o in graph.operators if o.kind.endswith(("_2D", "CONNECTED"))}
    assert len(outputs) == 5, "a batch normalisation that follows no convolution is one too"
    for bias, step in outputs.items():
        real = graph.tensors[bias].data * graph.tensors[bias].scale.astype(np.float64)
        assert np.abs(real.astype(np.float16) - real).max() < 2e-3 * step, graph.tensors[bias].name
    assert compare.halves(graph) == (sum(len(t.scale) for t in scales), sum(len(t.scale) for t in scales))
