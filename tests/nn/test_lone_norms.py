"""Batch normalisation that follows no convolution becomes one, and nothing else about the network changes."""

import numpy as np


def _network():
    import tf_keras

    from edgetl.nn import lone_norms  # noqa: F401 - sets the Keras version

    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    x = layers.BatchNormalization(name="folded")(layers.Conv2D(4, 3, padding="same", name="one")(image))
    y = layers.Conv2D(4, 1, activation="relu", name="two")(x)
    both = layers.Concatenate(name="both")([x, y])
    lone = layers.Activation("relu", name="relu")(layers.BatchNormalization(scale=False, name="lone")(both))
    after = layers.BatchNormalization(name="after_relu")(layers.Conv2D(4, 1, activation="relu", name="three")(lone))
    twice = layers.Conv2D(4, 1, name="read_twice")(after)
    total = layers.Add(name="add")([twice, layers.BatchNormalization(name="one_of_two")(twice)])
    model = tf_keras.Model(image, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(total)))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.3, 2.0, w.shape) for w in layer.get_weights()])
    gamma = model.get_layer("one_of_two").gamma.numpy()
    gamma[1], gamma[2] = 0.0, -0.5
    model.get_layer("one_of_two").gamma.assign(gamma)
    return model


def test_the_outputs_are_equal_and_the_names_stay():
    from edgetl.nn.lone_norms import as_depthwise

    model = _network()
    before = model.get_weights()
    written = as_depthwise(model)
    images = np.random.default_rng(1).uniform(-1, 1, (4, 8, 8, 3)).astype(np.float32)
    assert np.allclose(written(images), model(images), rtol=1e-5, atol=1e-5)
    assert [layer.name for layer in written.layers] == [layer.name for layer in model.layers]
    changed = {a.name for a, b in zip(model.layers, written.layers, strict=True) if type(a) is not type(b)}
    assert changed == {"lone", "after_relu", "one_of_two"}
    assert all(type(written.get_layer(name)).__name__ == "DepthwiseConv2D" for name in changed)
    assert np.all(written.get_layer("one_of_two").depthwise_kernel.numpy() != 0.0)
    assert as_depthwise(written) is written
    for one, other in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(one, other), "the float network keeps its batch normalisation"


def test_it_is_quantized_and_keeps_the_function():
    from edgetl.nn import fake_quant

    model = _network()
    images = np.random.default_rng(2).uniform(-1, 1, (16, 8, 8, 3)).astype(np.float32)
    quantized = fake_quant.quantize_model(model, (-1.0, 1.0))
    ranges = fake_quant.calibrate(quantized, model, [images])
    assert type(quantized.get_layer("quant_lone").layer).__name__ == "DepthwiseConv2D"
    assert {"relu", "after_relu", "both"} <= set(ranges)
    wanted, found = model(images).numpy(), quantized(images).numpy()
    assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)
