import numpy as np
import pytest

from edgetl.estimator.terms import TERMS, describe, terms
from edgetl.networks._base import Drawing


def test_work_and_traffic_are_counted_by_kind():
    net = Drawing(4)
    net.conv(8, 3)  # image 4x4x3 -> 4x4x8
    net.conv(16)
    net.depthwise(3)
    net.depthwise(5)
    net.conv(16, 3)
    net.conv(16, 3, groups=4)
    net.global_pool()
    net.dense(10)
    found = dict(zip(TERMS, terms(net.network()) * 1e6, strict=True))
    assert found["fixed"] == 1e6 and found["layers"] == 8e6
    assert found["stem"] == 16 * 8 * 27
    assert found["pointwise"] == 16 * 16 * 8
    assert found["depthwise"] == 16 * 16 * 9
    assert found["depthwise_wide"] == 16 * 16 * 25
    assert found["spatial"] == 16 * 16 * 9 * 16
    assert found["grouped"] == 16 * 16 * 9 * 4
    assert found["dense"] == 160
    assert found["traffic"] == pytest.approx(48 + 128 + 128 + 256 + 4 * 2 * 256 + 16 + 10)
    assert found["passes"] == 256 + 16
    assert found["weights"] == pytest.approx(8 * 28 + 16 * 9 + 16 * 10 + 16 * 26 + 16 * 145 + 16 * 37 + 170)


def test_like_networks_are_near_and_others_far():
    from edgetl.networks._find import draw

    places = {
        key: describe(draw(*key)) for key in (("mobilenet_v2", 1.0, 224), ("mobilenet_v2", 1.0, 192), ("resnet50", None, 224))
    }
    one, near, far = places.values()
    assert np.linalg.norm(one - near) < 1.0 < 2.0 < np.linalg.norm(one - far)


@pytest.mark.parametrize("suffix", ["tflite", "onnx"])
def test_a_file_counts_as_the_network_it_was_made_of(suffix, tmp_path, tflite_converter):
    """MobileNetV2 0.35 at 96 px without its classifier, converted by the frameworks' own tools."""
    import tf_keras

    from edgetl.estimator.ask import place_of_file
    from edgetl.networks._find import draw

    image = tf_keras.Input((96, 96, 3), batch_size=1)
    model = tf_keras.applications.MobileNetV2(input_tensor=image, alpha=0.35, weights=None, classes=1000)
    path = tmp_path / f"n.{suffix}"
    if suffix == "tflite":
        path.write_bytes(tflite_converter(model).convert())
    else:
        import onnx
        import tf2onnx

        proto, _ = tf2onnx.convert.from_keras(model, opset=17)
        onnx.save(proto, path)
    place, facts = place_of_file(path)
    drawn = dict(zip(TERMS, terms(draw("mobilenet_v2", 0.35, 96)), strict=True))
    read = dict(zip(TERMS, place.work, strict=True))
    assert facts.format == suffix and place.network[2] == 96
    for kind in ("pointwise", "depthwise", "stem", "dense", "weights"):
        assert read[kind] == pytest.approx(drawn[kind], rel=0.02), kind
    for kind in ("traffic", "layers"):
        assert read[kind] == pytest.approx(drawn[kind], rel=0.15), kind
