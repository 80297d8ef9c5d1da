"""A run with layers in float: named ones, then the fewest that are needed; told in the report, the same in three formats."""

import json

import pytest

KEPT = ["Conv1", "block_13_expand", "block_13_depthwise", "logits"]


@pytest.mark.slow
def test_named_layers_stay_in_float_in_three_formats(tiny, edgetl, tmp_path):
    recipe = tiny("tflite/w8a8_ptq", "onnx/w8a8_ptq", "coreml/w8a8_ptq")
    first = edgetl("verify", recipe, "--set", f"quantize.keep_float=[{', '.join(KEPT)}]", "--json")
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert report["kept_in_float"] == {"w8a8_ptq": {"asked": KEPT, "units": KEPT}}
    facts = json.loads((tmp_path / "runs/tiny/checkpoint/w8a8_ptq/checkpoint.json").read_text())
    assert {"bn_Conv1", "block_13_pad", "block_13_depthwise_relu", "logits"} <= set(facts["keep_float"])
    artifacts = {a["format"]: a for a in report["artifacts"]}
    assert len({a["int8_mac_share"] for a in artifacts.values()}) == 1
    assert 0.7 < artifacts["tflite"]["int8_mac_share"] < 0.99
    assert all(a["status"] == "verified" and a["top1"] >= 0.9 for a in artifacts.values())
    against = artifacts["onnx"]["against_origin"]
    assert against["agreement"] == 1.0 and against["max_steps"] <= 1

    unknown = edgetl("verify", recipe, "--set", "quantize.keep_float=[Conv2]")
    assert unknown.returncode == 2
    assert "no layer named 'Conv2' to keep. Did you mean 'Conv1'?" in unknown.stderr


@pytest.mark.slow
def test_a_sound_network_keeps_nothing_in_float(tiny, edgetl, tmp_path):
    wishes = ("--set", "quantize.keep_float=auto", "--set", "quantize.max_top1_drop=0.2")
    ran = edgetl("verify", tiny("tflite/w8a8_ptq"), *wishes, "--json")
    assert ran.returncode == 0, ran.stderr
    choice = json.loads(ran.stdout)["kept_in_float"]["w8a8_ptq"]
    assert choice["units"] == [] and choice["met"] and choice["trials"] == 1
    assert choice["before"] == choice["after"]
    assert "kept in float: nothing; all in int8, top-1 drops by" in (tmp_path / "runs/tiny/report.md").read_text()
