"""PP-LCNet: PaddleClas' figures, which count batch normalisation (7 % in the narrowest)."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "macs_m", "params_m"),
    [
        ("pp_lcnet", 0.25, 18, 1.5),
        ("pp_lcnet", 0.35, 29, 1.6),
        ("pp_lcnet", 0.5, 47, 1.9),
        ("pp_lcnet", 0.75, 99, 2.4),
        ("pp_lcnet", 1.0, 161, 3.0),
        ("pp_lcnet", 1.5, 342, 4.5),
        ("pp_lcnet", 2.0, 590, 6.5),
        ("pp_lcnet", 2.5, 906, 9.0),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha, macs_off=0.07, params_off=0.03)
