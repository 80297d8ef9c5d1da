"""GhostNet: the paper's multiply-accumulates, PaddleClas' parameters."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "macs_m", "params_m"),
    [
        ("ghostnet", 0.5, 42, 2.6),
        ("ghostnet", 1.0, 141, 5.21),
        ("ghostnet", 1.3, 226, 7.38),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha)
