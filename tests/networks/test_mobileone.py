"""MobileOne: figures of the paper, branches folded."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("mobileone_s0", 275, 2.1),
        ("mobileone_s1", 825, 4.8),
        ("mobileone_s2", 1299, 7.8),
        ("mobileone_s3", 1896, 10.1),
        ("mobileone_s4", 2978, 14.8),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
