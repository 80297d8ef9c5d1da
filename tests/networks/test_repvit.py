"""RepViT: figures of its README, branches folded."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("repvit_m0_9", 830, 5.1),
        ("repvit_m1_0", 1130, 6.8),
        ("repvit_m1_1", 1360, 8.2),
        ("repvit_m1_5", 2310, 14.0),
        ("repvit_m2_3", 4570, 22.9),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
