"""NASNet: the paper's multiply-accumulates, Keras' parameters."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("nasnet_mobile", 564, 5.29),
        ("nasnet_large", 23800, 88.75),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
