"""Inception: figures of torchvision (v1), TF-slim (v2), Keras (v3, Inception-ResNet v2), timm (v4)."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("inception_v1", 1500, 6.62),
        ("googlenet", 1500, 6.62),
        ("inception_v2", 1940, 11.2),
        ("inception_v3", 5710, 23.85),
        ("inception_v4", 12280, 42.68),
        ("inception_resnet_v2", 13180, 55.87),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
