"""MobileViT: figures of timm (v1, 256 px) and of the second paper (v2, 256 px)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("mobilevit_xx_small", 420, 1.27),
        ("mobilevit_x_small", 1050, 2.32),
        ("mobilevit_small", 2030, 5.58),
        ("mobilevit_v2_0.5", 466, 1.37),
        ("mobilevit_v2_1.0", 1843, 4.9),
        ("mobilevit_v2_2.0", 7194, 18.45),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m, macs_off=0.035)
