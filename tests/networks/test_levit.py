"""LeViT: figures of its README; biases of attention written out add up to 6 % of parameters to the smallest."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("levit_128s", 305, 7.8),
        ("levit_128", 406, 9.2),
        ("levit_192", 658, 11.0),
        ("levit_256", 1120, 18.9),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m, params_off=0.09)
