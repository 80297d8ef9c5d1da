"""Operators of TFLite files: MLPerf Tiny's networks, whose work is published, and damaged files."""

import pytest

from edgetl.errors import InputError
from edgetl.graphs import tflite


@pytest.mark.parametrize(("name", "share"), [("pretrainedResnet.tflite", 0.0), ("pretrainedResnet_quant.tflite", 1.0)])
def test_mlperf_tiny_has_the_published_work(material, name, share):
    """12.5 million multiply-accumulates, 9 convolutions and a dense layer (Banbury et al., MLPerf Tiny, 2021, ResNet-8)."""
    found = tflite.read(material / "models" / "mlperf-tiny" / "image_classification" / name)
    assert found.macs / 1e6 == pytest.approx(12.5, rel=0.01)
    assert found.int8_mac_share == share
    by_type = {entry.type: entry for entry in found.by_type()}
    assert by_type["CONV_2D"].count == 9
    assert by_type["FULLY_CONNECTED"].macs == 640
    first = found.operators[0]
    width = 4 if share == 0.0 else 1
    assert (first.input_bytes, first.output_bytes) == (32 * 32 * 3 * width, 32 * 32 * 16 * width)


def test_float_and_int8_files_of_one_network_have_the_same_work(material):
    files = [
        next(material.rglob(name)) for name in ("mobilenet_v1_0.25_224_1_default_1.tflite", "mobilenet_v1_0.25_224_quant.tflite")
    ]
    floats, integers = (tflite.read(file) for file in files)
    assert floats.macs == integers.macs
    assert floats.macs / 1e6 == pytest.approx(41.0, rel=0.01), "TF-slim's MobileNet_v1 README"
    weights = [sum(o.weight_bytes for o in found.operators if o.type != "RESHAPE") for found in (floats, integers)]
    assert weights[0] / weights[1] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("data", [b"", b"\x00" * 64, b"\x10\x00\x00\x00TFL3" + b"\xff" * 64])
def test_damage_is_told(data, tmp_path):
    (tmp_path / "bad.tflite").write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.tflite: is not a TFLite file, or is damaged"):
        tflite.read(tmp_path / "bad.tflite")
