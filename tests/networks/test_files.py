"""Drawings are what files hold: Keras' networks, converted to TFLite, have the same layers, work, weights and traffic."""

import pytest

from edgetl import registry
from edgetl.networks._find import draw

KINDS = {
    "CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "dense", "AVERAGE_POOL_2D": "pool",
    "MAX_POOL_2D": "pool", "MEAN": "pool", "ADD": "elementwise", "MUL": "elementwise", "LOGISTIC": "activation",
    "SOFTMAX": "activation", "CONCATENATION": "reshape",
}  # fmt: skip
"""Operators of TFLite that these networks are made of. PAD is left out: drawings pad within the convolution."""


@pytest.mark.parametrize(
    ("model", "maker", "px"),
    [
        pytest.param("mobilenet_v2", "MobileNetV2", 96, marks=pytest.mark.slow),
        pytest.param("efficientnet_b0", "EfficientNetB0", 224, marks=pytest.mark.slow),
        pytest.param("resnet50_v1", "ResNet50", 224, marks=pytest.mark.slow),
        pytest.param("efficientnetv2_b0", "EfficientNetV2B0", 224, marks=pytest.mark.slow),
        pytest.param("inception_v3", "InceptionV3", 299, marks=pytest.mark.slow),
        pytest.param("densenet121", "DenseNet121", 224, marks=pytest.mark.slow),
    ],
)
def test_a_drawing_is_what_a_converted_file_holds(model, maker, px, tmp_path):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    # isort: split
    import tensorflow as tf
    import tf_keras

    extra = {"include_preprocessing": False} if maker == "EfficientNetV2B0" else {}
    network = getattr(tf_keras.applications, maker)(weights=None, input_shape=(px, px, 3), **extra)
    call = tf.function(lambda image: network(image, training=False)).get_concrete_function(tf.TensorSpec((1, px, px, 3)))
    file = tmp_path / "network.tflite"
    file.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([call], network).convert())
    held, drawn = {}, {}
    for operator in registry.load("graphs", "tflite").read(file).operators:
        if operator.type != "PAD":
            what = (1, operator.macs, operator.weight_bytes / 4, operator.input_bytes / 4, operator.output_bytes / 4)
            _add(held, KINDS.get(operator.type, operator.type), what)
    for layer in draw(model, px=px).layers:
        _add(drawn, layer.kind, (1, layer.macs, layer.weights, layer.inputs, layer.outputs))
    assert set(drawn) == set(held)
    for kind, (count, macs, weights, inputs, outputs) in held.items():
        assert drawn[kind][0] == count, kind
        assert drawn[kind][1] == pytest.approx(macs, rel=2e-3), kind  # 1001 classes or 1000
        assert drawn[kind][3:] == pytest.approx([inputs, outputs], rel=0.04), kind  # padded pictures are larger
        if kind in ("conv", "depthwise", "dense"):
            assert drawn[kind][2] == pytest.approx(weights, rel=2e-3), kind


def _add(totals, kind, what):
    totals[kind] = [a + b for a, b in zip(totals.get(kind, [0] * 5), what, strict=True)]
