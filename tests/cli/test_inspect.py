"""`edgetl inspect`: tables for people, JSON for programs, errors that say what to do."""

import json

import pytest


@pytest.fixture
def network(tmp_path):
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "k")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 32, 32]), ("y", [1, 8, 30, 30]))]
    node = helper.make_node("Conv", ["x", "k"], ["y"], name="first")
    graph = helper.make_graph([node], "g", [ends[0]], [ends[1]], [kernel])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_totals_types_and_operators(edgetl, network):
    done = edgetl("inspect", network, "--ops", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["macs"] == 30 * 30 * 8 * 27
    assert (found["format"], found["int8_mac_share"], found["weight_bytes"]) == ("onnx", 0.0, 4 * 8 * 27)
    assert [(t["type"], t["count"], t["quantized"]) for t in found["types"]] == [("Conv", 1, 0)]
    assert [(o["name"], o["inputs"], o["kernel"]) for o in found["operators"]] == [("first", [[1, 3, 32, 32]], [8, 3, 3, 3])]
    assert "operators" not in json.loads(edgetl("inspect", network, "--json").stdout)


def test_the_table(edgetl, network):
    done = edgetl("inspect", network)
    assert done.returncode == 0
    first, *lines, header, row = done.stdout.splitlines()
    assert first.startswith("m.onnx: 0.00 MB, 1 operators, 0.2 million multiply-accumulates, 0.0% of them in integers")
    assert header.split()[:2] == ["type", "count"]
    assert row.split()[:2] == ["Conv", "1"]
    assert "  input        x float32 1×3×32×32" in lines
    assert "nothing was asked of it" in lines
    assert "first" in edgetl("inspect", network, "--ops").stdout


def test_properties_are_told_in_words_and_within_the_terminal(edgetl, network, monkeypatch):
    import onnx

    model = onnx.load(network)
    spec = {"resize_px": 40, "crop_px": 32, "interpolation": "bicubic", "mean": 128.0, "std": 127.5, "channel_order": "RGB",
            "input": "(byte - mean) / std", "dtype": "float32", "layout": "NCHW"}  # fmt: skip
    for key, value in {"preprocessing": json.dumps(spec), "names": "x" * 201, "labels": '["a", "b"]'}.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, network)
    whole = edgetl("inspect", network).stdout
    words = "preprocessing: shorter side to 40 px (bicubic), centre 32 px, input is (byte - mean) / std; names: "
    assert f"{words}{'x' * 200}…; " in whole and "{" not in whole
    assert json.loads(edgetl("inspect", network, "--json").stdout)["metadata"]["names"] == "x" * 201
    monkeypatch.setenv("COLUMNS", "80")
    wrapped = edgetl("inspect", network).stdout
    assert max(map(len, wrapped.splitlines())) <= 80
    assert words.strip() in " ".join(wrapped.split()), "wrapped, and nothing cut"


def test_what_cannot_be_read(edgetl, tmp_path):
    (tmp_path / "x.txt").write_text("x")
    for suffix in ("onnx", "h5", "keras", "tflite"):
        (tmp_path / f"x.{suffix}").write_bytes(b"\xff" * 9)
    (tmp_path / "x.mlpackage").mkdir()
    for name, message in (
        ("none.onnx", "none.onnx: no such file."),
        ("x.txt", "its name ending in .h5, .hdf5, .keras, .mlpackage, .onnx, .tflite"),
        ("x.onnx", "x.onnx: is not an ONNX file, or is damaged"),
        ("x.h5", "x.h5: is not a network saved by Keras"),
        ("x.keras", "x.keras: is not a network saved by Keras"),
        ("x.tflite", "x.tflite: is not a TFLite file"),
        ("x.mlpackage", "x.mlpackage: is not a Core ML package: it has no Manifest.json"),
    ):
        done = edgetl("inspect", tmp_path / name)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_what_was_asked_decides_the_exit(edgetl, network):
    """By options, by the name, by nobody."""
    assert edgetl("inspect", network).returncode == 0
    done = edgetl(
        "inspect", network, "--scheme", "w8a8_qat", "--io", "uint8", "--batch", "dynamic", "--runtime", "onnxruntime==1.11"
    )
    assert done.returncode == 1
    for words in ("is not what was asked", "error weights", "error io", "error batch", "error runtime", "says the options"):
        assert words in done.stdout
    claim = network.with_name("m_int8.onnx")
    claim.write_bytes(network.read_bytes())
    done = edgetl("inspect", claim, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["asked"] == {"scheme": "integers", "source": "its name"}
    assert [(f["rule"], f["level"]) for f in found["findings"]][0] == ("weights", "error")


def test_its_run_decides_what_was_asked(edgetl, network, tmp_path):
    import hashlib

    (tmp_path / "artifacts").mkdir()
    path = network.rename(tmp_path / "artifacts" / "m.onnx")
    asked = {"io": "float32", "layout": "NHWC", "batch": "fixed", "activation": "auto"}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    artifact = {"format": "onnx", "scheme": "fp32", "asked": asked, "path": "artifacts/m.onnx", "sha256": digest}
    report = {
        "recipe": {"file": "r.yaml"}, "preprocess": {"resize_px": 32, "crop_px": 32}, "data": {"classes": ["a", "b"]},
        "answers": {"labels_per_image": "one"}, "artifacts": [artifact],
    }  # fmt: skip
    (tmp_path / "report.json").write_text(json.dumps(report))
    done = edgetl("inspect", path, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["asked"]["source"] == "report.json of its run"
    assert [(f["rule"], f["message"][:17]) for f in found["findings"] if f["level"] == "error"] == [
        ("layout", "the input is NCHW")
    ]


def test_what_a_device_takes(edgetl, network):
    done = edgetl("inspect", network, "--device", "iphone-14-pro", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["coverage"]
    assert (row["delegate"], row["mac_share"], row["partitions"]) == ("coreml_execution_provider", 1.0, 1)
    assert "takes 1 of 1 operators, 100.0% of the multiply-accumulates, in 1 part" in edgetl(
        "inspect", network, "--device", "iphone-14-pro"
    ).stdout  # fmt: skip


def test_options_that_cannot_be(edgetl, network):
    for options, message in (
        (("--scheme", "w8a8"), "--scheme: no scheme named 'w8a8'. Did you mean"),
        (("--runtime", "onnxruntime"), "--runtime onnxruntime: must be NAME==VERSION"),
        (("--device", "iphone"), "--device: no device named 'iphone'"),
    ):
        done = edgetl("inspect", network, *options)
        assert done.returncode == 2
        assert message in done.stderr
