"""SwiftFormer: figures of the paper."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("swiftformer_xs", 600, 3.5),
        ("swiftformer_s", 1000, 6.1),
        ("swiftformer_l1", 1600, 12.1),
        ("swiftformer_l3", 4000, 28.5),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
