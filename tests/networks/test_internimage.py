"""InternImage: figures of its README (rounded to 1 M and 1 G; 2 % and 5 %)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("internimage", 5000, 30.0),
        ("internimage_s", 8000, 50.0),
        ("internimage_b", 16000, 97.0),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m, macs_off=0.05)
