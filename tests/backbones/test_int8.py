"""Every family, trained on digits and quantized: its files are int8, agree with it, and with each other to the bit."""

import pytest

FAMILIES = [
    ("mobilenet_v1", 32, 8, 2e-3, {}),
    ("mobilenet_v2", 32, 12, 2e-3, {}),
    ("mobilenet_v3", 64, 8, 2e-3, {"variant": "small"}),
    ("mobilenet_v3", 64, 8, 2e-3, {"variant": "small_minimalistic"}),
    ("efficientnet_lite", 32, 14, 2e-3, {"variant": "lite0"}),
    ("efficientnet", 32, 8, 2e-3, {"variant": "b0"}),
    ("efficientnet_v2", 32, 8, 2e-3, {"variant": "b0"}),
    ("nasnet_mobile", 32, 12, 1e-3, {}),
    ("densenet", 32, 4, 1e-3, {"variant": "densenet121"}),
    ("resnet", 32, 4, 1e-3, {"variant": "resnet50"}),
    ("resnet", 32, 4, 1e-3, {"variant": "resnet50v2"}),
    ("vgg", 32, 4, 1e-4, {"variant": "vgg16"}),
    ("inception_v3", 75, 6, 1e-3, {}),
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("name", "px", "epochs", "rate", "options"), FAMILIES, ids=lambda value: str(value).strip("{}").replace("'", "")
)
def test_its_int8_files_agree_with_it_and_with_each_other(name, px, epochs, rate, options, int8_of_digits):
    artifacts = int8_of_digits(name, px, epochs, rate, **options)
    assert {artifact["int8_mac_share"] for artifact in artifacts.values()} == {1.0}
    for form in ("tflite", "onnx"):
        assert artifacts[form]["top1"] > 0.8, "a network that always says the same would agree with anything"
        assert artifacts[form]["agreement"] >= 0.98, form
    against = artifacts["onnx"]["against_origin"]
    assert against["agreement"] >= 0.98
    assert against["equal_share"] >= 0.9
    if not name.startswith("efficientnet"):  # whose swishes onnxruntime may round the other way
        assert (against["max_steps"], against["agreement"]) == (0, 1.0)
