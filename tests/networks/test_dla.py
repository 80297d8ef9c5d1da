"""DLA: timm's parameters and multiply-accumulates."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("dla60", 4260, 22.04),
        ("dla102", 7190, 33.27),
        ("dla102x", 5890, 26.31),
        ("dla169", 11600, 53.39),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
