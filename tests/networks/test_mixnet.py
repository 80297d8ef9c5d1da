"""MixNet: figures of the paper, which counts more than kernels (7 %)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("mixnet_s", 256, 4.1),
        ("mixnet_m", 360, 5.0),
        ("mixnet_l", 565, 7.3),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m, macs_off=0.07)
