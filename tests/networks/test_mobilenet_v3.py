"""MobileNetV3: figures of TF-slim's README (large, minimalistic) and torchvision (small)."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "macs_m", "params_m"),
    [
        ("mobilenet_v3_large", 1.0, 217, 5.48),
        ("mobilenet_v3_large", 0.75, 155, 4.0),
        ("mobilenet_v3_large_minimalistic", 1.0, 209, 3.9),
        ("mobilenet_v3_small", 1.0, 56.5, 2.543),
        ("mobilenet_v3_small_minimalistic", 1.0, None, 2.04),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha)
