"""Swin: figures of torchvision's documentation, parameters of AI Hub's files, which hold the biases written out."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("swin_tiny", 4490, 28.8),
        ("swin_small", 8740, 50.4),
        ("swin_base", 15430, 88.8),
        ("swinv2_tiny", 5940, 28.35),
        ("swinv2_small", 11550, 49.74),
        ("swinv2_base", 20320, 88.8),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
