"""EfficientNet: the lite ones' README (it counts more than kernels: 6 %); parameters of torchvision's b0 to b7."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("efficientnet_lite0", 407, 4.7),
        ("efficientnet_lite1", 631, 5.4),
        ("efficientnet_lite2", 899, 6.1),
        ("efficientnet_lite3", 1440, 8.2),
        ("efficientnet_lite4", 2640, 13.0),
        ("efficientnet_b0", 390, 5.289),
        ("efficientnet_b1", None, 7.794),
        ("efficientnet_b2", None, 9.11),
        ("efficientnet_b3", None, 12.233),
        ("efficientnet_b4", None, 19.342),
        ("efficientnet_b5", None, 30.39),
        ("efficientnet_b6", None, 43.041),
        ("efficientnet_b7", None, 66.348),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m, macs_off=0.06)
