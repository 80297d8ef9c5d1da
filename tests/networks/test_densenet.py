"""DenseNet: figures of torchvision's documentation (GFLOPS there are multiply-accumulates)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("densenet", 2830, 7.979),
        ("densenet121", 2830, 7.979),
        ("densenet161", 7730, 28.681),
        ("densenet169", 3360, 14.149),
        ("densenet201", 4290, 20.014),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
