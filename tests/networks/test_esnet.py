"""ESNet: PaddleClas' figures, which count batch normalisation (6 % in the narrowest)."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "macs_m", "params_m"),
    [
        ("esnet", 0.25, 30.85, 2.83),
        ("esnet", 0.5, 67.31, 3.25),
        ("esnet", 0.75, 123.74, 3.87),
        ("esnet", 1.0, 197.33, 4.64),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha, macs_off=0.065)
