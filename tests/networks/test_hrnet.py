"""HRNet: figures of its README."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("hrnet_w18", 4320, 21.3),
        ("hrnet_w32", 8970, 41.2),
        ("hrnet_w48", 17300, 77.5),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
