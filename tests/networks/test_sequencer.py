"""Sequencer: figures of the paper."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("sequencer2d", 8400, 27.6),
        ("sequencer2d_m", 11100, 38.3),
        ("sequencer2d_l", 16600, 54.3),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
