"""MobileNetV4: figures of the paper, at its input sizes."""

import pytest


@pytest.mark.parametrize(
    ("model", "px", "macs_m", "params_m"),
    [
        ("mobilenet_v4_conv_small", 224, 190, 3.8),
        ("mobilenet_v4_conv_medium", 256, 1100, 9.7),
        ("mobilenet_v4_conv_large", 384, 6400, 32.6),
    ],
)
def test_work_and_weights_are_the_published_ones(model, px, macs_m, params_m, published):
    published(model, macs_m, params_m, px=px)
