"""VGG and AlexNet: figures of torchvision's documentation (GFLOPS there are multiply-accumulates); Caffe's AlexNet."""

import pytest


@pytest.mark.parametrize(
    ("model", "macs_m", "params_m"),
    [
        ("vgg11", 7610, 132.863),
        ("vgg13", 11310, 133.048),
        ("vgg16", 15470, 138.358),
        ("vgg19", 19630, 143.667),
        ("torchvision_vgg16_bn", 15470, 138.366),
        ("torchvision_alexnet", 710, 61.101),
        ("alexnet", 724, 60.965),
    ],
)
def test_work_and_weights_are_the_published_ones(model, macs_m, params_m, published):
    published(model, macs_m, params_m)
