"""Vision transformers: figures of torchvision's documentation; timm's for the small ones; BEiT with its biases written out."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("vit", 17560, 86.568),
        ("vit_b_16", 17560, 86.568),
        ("vit_b_32", 4410, 88.224),
        ("vit_l_16", 61550, 304.327),
        ("vit_b_384", 55480, 86.86),
        ("vit_tiny", 1260, 5.72),
        ("deit_small", 4610, 22.05),
        ("beit", None, 92.0),
        ("openai_clip", None, 86.2),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
