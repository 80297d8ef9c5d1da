"""SSDLite: figures of torchvision's documentation."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("ssdlite_mobilenet_v3_large", 580, 3.44),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
