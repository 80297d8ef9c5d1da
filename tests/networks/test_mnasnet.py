"""MnasNet and ProxylessNAS: figures of the papers and of torchvision's documentation."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "macs_m", "params_m"),
    [
        ("mnasnet", 0.5, None, 2.219),
        ("mnasnet", 0.75, None, 3.17),
        ("mnasnet", 1.0, 315, 4.383),
        ("mnasnet", 1.3, 530, 6.282),
        ("torchvision_mnasnet1_3", None, 530, 6.282),
        ("proxylessnas", None, 320, 4.08),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha)
