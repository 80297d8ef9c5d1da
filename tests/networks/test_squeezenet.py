"""SqueezeNet: figures of torchvision's documentation (GFLOPS there are multiply-accumulates)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("squeezenet1_0", 820, 1.248),
        ("squeezenet1_1", 350, 1.235),
        ("squeezenet", None, 1.235),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
