"""The Swift packages that `ship app` writes: their constants, and their syntax where a Swift compiler is."""

import json
import shutil
import subprocess

import pytest

from edgetl.apps import _base, _generate, _templates, ios, ios_onnxruntime


@pytest.mark.parametrize("artifact", ["onnx/fp32", "onnx/w8a8_ptq"])
def test_constants_and_labels_come_from_the_bundle(shipped, making, artifact, tmp_path):
    _generate.generate(shipped, "ios_onnxruntime", artifact, tmp_path, "org.shop.fruit_bowl")
    source = (tmp_path / "Sources" / "FruitBowlClassifier" / "Contract.swift").read_text(encoding="ascii")
    for label in making.labels:
        assert f"        {_templates.swift(label)},\n" in source
    assert f'inputType = "{"uint8" if "ptq" in artifact else "float32"}"' in source
    assert f"channelsFirst = {'true' if 'ptq' in artifact else 'false'}" in source
    assert "resizePx = 40\n" in source and "cropPx = 32\n" in source
    golden = json.loads((tmp_path / "Sources" / "FruitBowlClassifier" / "Model" / "contract.json").read_text())
    assert golden["artifact"] == artifact and len(golden["golden"]) == 13
    assert {"file", "samples", "levels", "probabilities", "tolerance"} <= set(golden["golden"][0])
    assert all(
        (tmp_path / "Sources" / "FruitBowlClassifier" / "Model" / "golden" / i["file"]).is_file() for i in golden["golden"]
    )


@pytest.mark.parametrize(("specification", "system"), [(6, "15"), (7, "16"), (8, "17"), (99, None)])
def test_the_package_asks_for_the_ios_that_loads_the_model(shipped, specification, system, tmp_path):
    import dataclasses

    from edgetl.apps import _reading
    from edgetl.bundle.opening import opened

    package = tmp_path / "model.mlmodel"
    package.write_bytes(bytes([8, specification, 18]))
    with opened(shipped) as found:
        app = _reading.read(found, "onnx/fp32", ("onnx",), "com.example.fruit")
        app = dataclasses.replace(app, model={"model.mlpackage/Data/model.mlmodel": package})
        assert isinstance(app, _base.App)
        if system is None:
            assert "is not known" in ios.unfit(app)
            return
        assert ios.unfit(app) is None
        files = ios.files(app)
        assert f'.iOS("{system}.0")'.encode() in files["Package.swift"]
        assert files["Sources/FruitClassifier/Model/model.mlpackage/Data/model.mlmodel"] == package
        assert ios_onnxruntime.RUNS.rpartition(" ")[2].encode() in ios_onnxruntime.files(app)["Package.swift"]
        assert b"import FruitClassifier\n" in files["Tests/FruitClassifierTests/GoldenPhotosTests.swift"]


def test_the_syntax_is_swifts(shipped, tmp_path):
    swiftc = shutil.which("swiftc")
    if swiftc is None:
        pytest.skip("swiftc is not here; Debian has none. On a Mac, or with a toolchain of swift.org, this test runs.")
    _generate.generate(shipped, "ios_onnxruntime", "onnx/fp32", tmp_path, None)
    shutil.copy(_templates.FOLDER / "ios" / "Sources" / "__module__" / "ModelNetwork.swift", tmp_path / "CoreML.swift")
    done = subprocess.run([swiftc, "-frontend", "-parse", *map(str, tmp_path.rglob("*.swift"))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
