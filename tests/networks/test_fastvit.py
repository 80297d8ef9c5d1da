"""FastViT: the paper's multiply-accumulates, timm's parameters; MobileCLIP: the paper's parameters of its image encoders."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("fastvit_t8", 700, 4.03),
        ("fastvit_t12", 1400, 7.55),
        ("fastvit_s12", 1800, 9.47),
        ("fastvit_sa12", 1900, 11.58),
        ("fastvit_sa24", 3800, 21.55),
        ("fastvit_sa36", 5600, 31.53),
        ("fastvit_ma36", 7900, 44.07),
        ("mobileclip-s0_image_encoder", None, 11.4),
        ("mobileclip-s1_image_encoder", None, 21.5),
        ("mobileclip2-s2_image_encoder", None, 35.7),
        ("mobileclip-b_image_encoder", None, 86.3),
        ("mobileclip-l/14_image_encoder", 81000, 304.0),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
