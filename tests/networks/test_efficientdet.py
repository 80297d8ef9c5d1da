"""EfficientDet-Lite: parameters of its README. What follows each level's own norm is counted per level, as files hold it."""

import pytest

from edgetl.networks._find import draw


@pytest.mark.parametrize(
    ("size", "params_m", "channels", "repeats"),
    [("0", 3.2, 64, 3), ("1", 4.2, 88, 3), ("2", 5.3, 112, 3), ("3", 8.4, 160, 4), ("3x", 9.3, 200, 4), ("4", 15.1, 224, 4)],
)
def test_weights_are_the_published_ones_and_four_more_levels_of_folded_norms(size, params_m, channels, repeats):
    folded = 4 * 2 * repeats * channels * (channels + 1)  # five levels, two heads; the README counts each kernel once
    assert (draw(f"efficientdet_lite{size}").weights - folded) / 1e6 == pytest.approx(params_m, rel=0.02)


def test_its_boxes_are_those_of_five_levels():
    outputs = [layer for layer in draw("efficientdet_lite0").layers if layer.kind == "reshape"][-1]
    assert outputs.outputs == 4 * 9 * (40**2 + 20**2 + 10**2 + 5**2 + 3**2)


def test_work_grows_with_the_picture():
    small, large = draw("efficientdet_lite0", px=320), draw("efficientdet_lite0", px=640)
    assert large.macs / small.macs == pytest.approx(4, rel=0.02)
    assert large.weights == small.weights
