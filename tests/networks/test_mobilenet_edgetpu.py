"""MobileNetEdgeTPU: figures of TF-slim's README."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "macs_m", "params_m"),
    [
        ("mobilenet_edgetpu", 1.0, 990, 4.0),
        ("mobilenet_edgetpu", 0.75, 624, 2.9),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha, params_off=0.03)
