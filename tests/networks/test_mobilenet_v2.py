"""MobileNetV2: figures of TF-slim's README."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "px", "macs_m", "params_m"),
    [
        ("mobilenet_v2", 1.4, 224, 582, 6.06),
        ("mobilenet_v2", 1.0, 224, 300, 3.47),
        ("mobilenet_v2", 0.75, 160, 107, 2.61),
        ("mobilenet_v2", 0.5, 192, 71, 1.95),
        ("mobilenet_v2", 0.35, 224, 59, 1.66),
        ("torchvision_mobilenet_v2", None, None, 300, 3.505),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, px, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha, px=px)
