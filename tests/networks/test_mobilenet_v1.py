"""MobileNetV1: figures of TF-slim's mobilenet_v1.md."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "px", "macs_m", "params_m"),
    [
        ("mobilenet_v1", 1.0, 224, 569, 4.24),
        ("mobilenet_v1", 0.75, 192, 233, 2.59),
        ("mobilenet_v1", 0.5, 160, 77, 1.34),
        ("mobilenet_v1", 0.25, 224, 41, 0.47),
        ("mobilenet_v1_sparse", None, None, 569, 4.24),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, px, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha, px=px)
