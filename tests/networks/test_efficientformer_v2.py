"""EfficientFormerV2: figures of timm; biases of attention written out add up to 4 % of parameters to the smallest."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("efficientformerv2_s0", 400, 3.6),
        ("efficientformerv2_s1", 650, 6.19),
        ("efficientformerv2_s2", 1250, 12.71),
        ("efficientformerv2_l", 2560, 26.32),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m, params_off=0.04)
