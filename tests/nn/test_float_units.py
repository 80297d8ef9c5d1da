"""What stays in float together: a layer, what is fused to it, and what only moves values between layers in float."""

import pytest


@pytest.fixture(scope="module")
def model():
    """Every kind of unit: batch normalisation, hard-swish, swish, a gate, an addition with its ReLU, a padding."""
    import tf_keras

    from edgetl.nn.layers import HardSwish, Sigmoid

    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    x = layers.BatchNormalization(name="a_bn")(layers.Conv2D(4, 1, use_bias=False, name="a")(image))
    x = HardSwish(name="a_swish")(x)
    x = layers.BatchNormalization(name="b_bn")(layers.Conv2D(4, 1, name="b")(layers.ZeroPadding2D(name="pad")(x)))
    x = layers.Multiply(name="b_product")([x, Sigmoid(name="b_sigmoid")(x)])
    gate = layers.Conv2D(4, 1, name="gate")(layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x))
    x = layers.Multiply(name="scale")([x, Sigmoid(name="gate_sigmoid")(gate)])
    x = layers.ReLU(name="sum_relu")(layers.Add(name="sum")([x, layers.Conv2D(4, 1, name="branch")(x)]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return tf_keras.Model(image, layers.Dense(2, name="logits")(x))


@pytest.fixture(scope="module")
def quantized(model):
    from edgetl.nn import fake_quant

    return fake_quant.quantize_model(model, (-1.0, 1.0))


def test_units(quantized, model):
    from edgetl.nn import fake_quant

    found = {unit.name: unit for unit in fake_quant.float_units(quantized, model)}
    assert {name: unit.layers for name, unit in found.items()} == {
        "a": ("a", "a_bn", "a_swish"),
        "b": ("b", "b_bn", "b_sigmoid", "b_product"),
        "squeeze": ("squeeze",),
        "gate": ("gate", "gate_sigmoid"),
        "scale": ("scale",),
        "branch": ("branch",),
        "sum": ("sum", "sum_relu"),
        "pool": ("pool",),
        "logits": ("logits",),
    }
    assert found["a"].readers == ("b",), "a padding is looked through"
    assert set(found["b"].readers) == {"squeeze", "scale"}
    assert set(found["scale"].readers) == {"sum", "branch"}
    assert [name for name, unit in found.items() if unit.last] == ["logits"]
    assert {name for name, unit in found.items() if unit.weighted} == {"a", "b", "gate", "branch", "logits"}


@pytest.mark.parametrize(
    ("keep", "real", "layers"),
    [
        (("a_bn",), {"a_bn"}, {"a", "a_bn", "a_swish"}),
        (("a", "b"), {"a_bn", "a_swish", "b_bn", "b_sigmoid"}, None),
        (("scale", "branch"), set(), {"scale", "branch"}),
        (("scale", "branch", "sum"), {"scale", "branch"}, {"scale", "branch", "sum", "sum_relu"}),
        (("pool", "logits"), {"pool"}, {"pool", "logits"}),
        ((), set(), set()),
    ],
)
def test_values_are_real_where_all_that_reads_them_is_in_float(quantized, model, keep, real, layers):
    from edgetl.nn import fake_quant

    part = fake_quant.keep(quantized, model, keep)
    assert part.real == real
    assert layers is None or part.layers == layers
    assert ("pad" in part.layers) == ({"a", "b"} <= set(keep))


def test_only_what_is_kept_is_not_rounded(quantized, model):
    """Weights and outputs of kept layers pass through; all others are rounded, again too."""
    import numpy as np

    from edgetl.nn import fake_quant
    from edgetl.nn.quantizers import OpenQuantizer

    batches = [np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 3)).astype(np.float32)]
    start = quantized.get_weights()

    def open_at():
        found = set()
        for layer in quantized.layers:
            given = [entry[1] for entry in getattr(layer, "_weight_vars", ())] + list(getattr(layer, "_output_quantizers", ()))
            if any(isinstance(quantizer, OpenQuantizer) for quantizer in given):
                found.add(layer.name.removeprefix("quant_"))
        return found

    every = [unit.name for unit in fake_quant.float_units(quantized, model)]
    fake_quant.keep(quantized, model, every)
    ranges = fake_quant.calibrate(quantized, model, batches, bias_correction=False, keep_float=every)
    assert set(ranges) == {"logits"}, "only the network's own output is rounded"
    step = (ranges["logits"][1] - ranges["logits"][0]) / 255
    pixels = np.round(batches[0] * 127.5) / 127.5
    assert np.abs(quantized(pixels).numpy() - model(pixels).numpy()).max() <= 0.51 * step + 1e-4
    quantized.set_weights(start)
    fake_quant.keep(quantized, model, ("branch",))
    assert open_at() == {"branch"}
    fake_quant.keep(quantized, model, ())
    assert open_at() == set()


def test_a_kernel_before_a_relu_layer_is_rounded():
    import tf_keras

    from edgetl.nn import fake_quant

    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    x = layers.ReLU(6.0, name="relu")(layers.Conv2D(4, 3, name="conv")(image))
    x = layers.Activation("relu", name="active")(layers.DepthwiseConv2D(3, name="dw")(x))
    x = layers.ReLU(name="head_relu")(layers.Dense(3, name="head")(layers.GlobalAveragePooling2D(name="pool")(x)))
    model = tf_keras.Model(image, x)
    quantized = fake_quant.quantize_model(model, (-1.0, 1.0))
    for name in ("conv", "dw", "head"):
        assert len(quantized.get_layer(f"quant_{name}")._weight_vars) == 1
        assert name not in fake_quant.rounded(quantized), "its own output is not: the ReLU's is"
