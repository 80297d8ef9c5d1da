"""The Edge TPU: Coral's rules, and its compiler that stops at the first operator that it cannot map."""

from edgetl.delegates import edge_tpu
from edgetl.devices import load_device


def test_an_int8_network_stays(tflite, covered):
    found = covered("edge_tpu", tflite("tpu", int8=True, io="uint8"), "tflite")
    assert set(found.left) <= {"QUANTIZE"}
    assert found.coverage.mac_share == 1.0


def test_float_ends_stay_on_the_cpu(tflite, covered):
    found = covered("edge_tpu", tflite("ends", int8=True), "tflite")
    assert found.left == {"QUANTIZE": 1, "DEQUANTIZE": 1}
    assert found.coverage.mac_share == 1.0


def test_a_float_network_leaves_whole(tflite, covered):
    found = covered("edge_tpu", tflite("float"), "tflite").coverage
    assert (len(found.leaving), found.mac_share, found.partitions) == (found.operators, 0.0, 0)
    assert found.leaving[0].rule == "Values and weights must be 8-bit integers."


def test_all_behind_the_first_that_leaves_leaves(tflite, covered):
    import tensorflow as tf
    import tf_keras

    image = tf_keras.Input((16, 16, 3), batch_size=1)
    x = tf_keras.layers.Conv2D(8, 3)(image)
    x = tf_keras.layers.Lambda(tf.nn.leaky_relu)(x)  # not in Coral's list
    model = tf_keras.Model(image, tf_keras.layers.Conv2D(8, 3)(x))
    found = covered("edge_tpu", tflite("stop", model=model, int8=True, io="int8"), "tflite")
    assert found.left == {"LEAKY_RELU": 1, "CONV_2D": 1}
    assert found.coverage.leaving[-1].rule == "The compiler stops at the first operator that it cannot map: LEAKY_RELU."
    first, second = 14 * 14 * 8 * 27, 12 * 12 * 8 * 72
    assert found.coverage.mac_share == first / (first + second)


def test_a_free_dimension_leaves(material, covered):
    found = covered("edge_tpu", material / "models/mlperf-tiny/image_classification/pretrainedResnet_quant.tflite", "tflite")
    assert "free dimension" in found.coverage.leaving[0].rule


def test_whom_it_serves():
    assert edge_tpu.serves(load_device("coral-dev-board"))
    assert not edge_tpu.serves(load_device("pixel-4"))
