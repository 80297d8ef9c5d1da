"""ConvNeXt: figures of torchvision's documentation."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("convnext_tiny", 4460, 28.589),
        ("convnext_small", 8680, 50.224),
        ("convnext_base", 15360, 88.591),
        ("convnext_large", 34360, 197.767),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
