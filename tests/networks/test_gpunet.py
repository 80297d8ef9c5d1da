"""GPUNet: figures of NVIDIA's README (11.9 M; 3.25 G multiply-accumulates at 320 px)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("gpunet", 3250, 11.9),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
