"""RegNet: figures of torchvision's documentation (GFLOPS there are multiply-accumulates)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("regnety_400m", 400, 4.344),
        ("regnet_y_400mf", 400, 4.344),
        ("regnet_y_800mf", 830, 6.433),
        ("regnet_y_1_6gf", 1610, 11.202),
        ("regnet_y_3_2gf", 3180, 19.436),
        ("regnet_y_8gf", 8470, 39.381),
        ("regnet_x_400mf", 410, 5.496),
        ("regnet_x_800mf", 800, 7.26),
        ("regnet_x_1_6gf", 1600, 9.19),
        ("regnet_x_3_2gf", 3180, 15.297),
        ("regnet_x_8gf", 8000, 39.573),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
