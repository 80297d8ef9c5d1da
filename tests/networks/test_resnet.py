"""ResNet: figures of torchvision's documentation (GFLOPS there are multiply-accumulates); MLPerf Tiny's ResNet-8."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("resnet18", 1810, 11.69),
        ("resnet34", 3660, 21.798),
        ("resnet50", 4090, 25.557),
        ("resnet101", 7800, 44.549),
        ("resnet152", 11510, 60.193),
        ("resnext50", 4230, 25.029),
        ("resnext101_32x8d", 16410, 88.791),
        ("wideresnet50", 11400, 68.883),
        ("resnet8_cifar10", 12.5, 0.0787),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
