"""The GPU delegate: what its compatibility rules take; the analyzer that ships is no witness."""

from edgetl.delegates import gpu
from edgetl.devices import load_device


def test_a_plain_network_stays(tflite, covered):
    for int8 in (False, True):
        found = covered("gpu", tflite(f"gpu{int8}", int8=int8), "tflite").coverage
        assert (found.leaving, found.mac_share, found.partitions) == ((), 1.0, 1)


def test_what_leaves_and_into_how_many_parts(material, covered):
    found = covered("gpu", material / "models" / "tflite-support" / "mobilenet_v1_0.25_224_1_default_1.tflite", "tflite")
    assert found.left == {"SQUEEZE": 1}
    assert (found.coverage.partitions, found.coverage.mac_share) == (2, 1.0)
    (one,) = found.coverage.leaving
    assert (one.operator, one.rule) == ("MobilenetV1/Logits/SpatialSqueeze", "SQUEEZE is not among its operators.")
    assert "gpu_compatibility.cc" in one.source


def test_options_count(material, covered):
    found = covered("gpu", material / "models" / "tflite-support" / "dilated_conv.tflite", "tflite")
    assert found.left == {"STRIDED_SLICE": 8, "SHAPE": 1, "SPACE_TO_BATCH_ND": 1, "BATCH_TO_SPACE_ND": 1}
    assert any("shrinkAxisMask" in one.rule for one in found.coverage.leaving)


def test_the_analyzer_that_ships_calls_everything_compatible(material):
    """Once it tells, it can be asked in place of the rules."""
    from ai_edge_litert import _pywrap_analyzer_wrapper as analyzer

    data = (material / "models" / "tflite-support" / "dilated_conv.tflite").read_bytes()
    assert "looks compatible with GPU delegate" in analyzer.ModelAnalyzer(data, False, True)


def test_whom_it_serves():
    assert gpu.serves(load_device("pixel-4"))
    assert not gpu.serves(load_device("raspberry-pi-4"))
