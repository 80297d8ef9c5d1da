"""EfficientViT: figures of its README, at 224 px."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("efficientvit_b1", 520, 9.1),
        ("efficientvit_b2", 1600, 24.3),
        ("efficientvit_b3", 4000, 48.6),
        ("efficientvit_l1", 5270, 52.7),
        ("efficientvit_l2", 6970, 63.7),
        ("efficientvit_b2_cls", None, 24.3),
        ("efficientvit_l2_cls", None, 63.7),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
