"""TFLite files that others made are told apart, and refused by name where they cannot be taken over."""

import pytest

from edgetl.errors import InputError
from edgetl.grid import foreign

MLPERF = "models/mlperf-tiny/image_classification"
SUPPORT = "models/tflite-support"


@pytest.mark.parametrize(
    ("file", "scheme", "px", "classes"),
    [
        (f"{MLPERF}/pretrainedResnet.tflite", "fp32", 32, 10),
        (f"{MLPERF}/pretrainedResnet_quant.tflite", "w8a8_ptq", 32, 10),
        (f"{SUPPORT}/mobilenet_v1_0.25_224_1_default_1.tflite", "fp32", 224, 1001),
    ],
)
def test_real_files(material, file, scheme, px, classes):
    path = material / file
    found = foreign.look(path.read_bytes(), path.name)
    assert (found.scheme, found.px, found.classes, found.several) == (scheme, px, classes, False)
    assert (found.step, found.zero) == ((None, 0) if scheme == "fp32" else (1.0, -128))


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (f"{SUPPORT}/mobilenet_v1_0.25_224_quant.tflite", "uint8 × uint8"),
        (f"{SUPPORT}/automl_labeler_model.tflite", "uint8 × uint8"),
        (f"{SUPPORT}/dilated_conv.tflite", "ends with ADD"),
    ],
)
def test_what_cannot_be_taken_over_is_refused_with_the_reason(material, file, reason):
    path = material / file
    with pytest.raises(InputError, match=reason):
        foreign.look(path.read_bytes(), path.name)


def test_damaged_files_are_refused(material):
    data = (material / f"{MLPERF}/pretrainedResnet_quant.tflite").read_bytes()
    for bad in (b"", data[:7], data[: len(data) // 2], b"TFL3" * 20):
        with pytest.raises(InputError, match=r"mine\.tflite"):
            foreign.look(bad, "mine.tflite")
