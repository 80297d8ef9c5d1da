"""A run with layers in float: named ones, then the fewest that are needed; told in the report, the same in three formats."""

import json

import pytest


@pytest.mark.slow
def test_layers_stay_in_float(tiny, edgetl, tmp_path):
    targets = [f"{form}/{scheme}" for scheme in ("w8a8_ptq", "w8a8_qat") for form in ("tflite", "onnx", "coreml")]
    recipe, kept = tiny(*targets), ["Conv1", "block_13_expand", "block_13_depthwise", "logits"]
    wish = f"quantize.keep_float=[{', '.join(kept)}]"
    first = edgetl("verify", recipe, "--set", wish, "--json")
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert report["kept_in_float"] == dict.fromkeys(("w8a8_ptq", "w8a8_qat"), {"asked": kept, "units": kept})
    for scheme in ("w8a8_ptq", "w8a8_qat"):
        facts = json.loads((tmp_path / "runs/tiny/checkpoint" / scheme / "checkpoint.json").read_text())
        assert {"bn_Conv1", "block_13_pad", "block_13_depthwise_relu", "logits"} <= set(facts["keep_float"])
        artifacts = [a for a in report["artifacts"] if a["scheme"] == scheme]
        assert len({a["int8_mac_share"] for a in artifacts}) == 1
        assert 0.7 < artifacts[0]["int8_mac_share"] < 0.99
        assert all(a["status"] == "verified" and a["top1"] >= 0.9 for a in artifacts)
        (onnx,) = (a for a in artifacts if a["format"] == "onnx")
        assert onnx["against_origin"]["agreement"] == 1.0 and onnx["against_origin"]["max_steps"] <= 1

    unknown = edgetl("verify", recipe, "--set", "quantize.keep_float=[Conv2]")
    assert unknown.returncode == 2
    assert "no layer named 'Conv2' to keep. Did you mean 'Conv1'?" in unknown.stderr

    auto = edgetl("verify", recipe, "--set", "quantize.keep_float=auto", "--set", "quantize.max_top1_drop=0.2", "--json")
    assert auto.returncode == 0, auto.stderr
    report = json.loads(auto.stdout)
    assert report["kept_in_float"]["w8a8_ptq"]["units"] == [], "a sound network keeps nothing in float"
    assert report["kept_in_float"]["w8a8_ptq"]["before"]["drop"] <= 0.2
    assert "kept in float: nothing; all in int8, top-1 drops by" in (tmp_path / "runs/tiny/report.md").read_text()
