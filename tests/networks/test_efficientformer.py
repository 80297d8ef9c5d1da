"""EfficientFormer: figures of its README."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("efficientformer_l1", 1300, 12.3),
        ("efficientformer_l3", 3900, 31.4),
        ("efficientformer_l7", 10200, 82.2),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
