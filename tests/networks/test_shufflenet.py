"""ShuffleNet: figures of the papers (v1: 140 M of 1x, three groups; v2), torchvision's parameters, PaddleClas' narrow widths."""

import pytest


@pytest.mark.parametrize(
    ("model", "alpha", "macs_m", "params_m"),
    [
        ("shufflenet_v1", None, 140, 1.87),
        ("shufflenet_v2", 0.5, 41, 1.37),
        ("shufflenet_v2", 1.0, 146, 2.28),
        ("shufflenet_v2", 1.5, 299, 3.5),
        ("shufflenet_v2", 2.0, 583, 7.39),
        ("torchvision_shufflenet_v2_x2_0", None, 583, 7.394),
        ("shufflenet_v2", 0.25, None, 0.61),
        ("shufflenet_v2", 0.33, None, 0.65),
    ],
)
def test_work_and_weights_are_the_published_ones(model, alpha, macs_m, params_m, published):
    published(model, macs_m, params_m, alpha=alpha)
