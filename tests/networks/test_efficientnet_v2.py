"""EfficientNetV2: figures of Keras' documentation (b0 to b3: parameters) and torchvision's (s, m, l)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("efficientnetv2_b0", None, 7.14),
        ("efficientnetv2_b1", None, 8.21),
        ("efficientnetv2_b2", None, 10.18),
        ("efficientnetv2_b3", None, 14.47),
        ("efficientnet_v2_s", 8370, 21.458),
        ("efficientnet_v2_m", 24580, 54.139),
        ("efficientnet_v2_l", 56080, 118.516),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
