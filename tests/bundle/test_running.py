"""`ship verify --run`: what an artifact of a bundle answers is what its contract says, or it is named."""

import json

import numpy as np
import pytest

from edgetl import content
from edgetl.bundle import archive, plain
from edgetl.bundle.verifying import verify_bundle
from edgetl.types import Artifact, TensorSpec

from .. import small_bundle as small

ANSWER = (0.2, 0.1, 0.7)
"""What small bundles say of each photo."""


def _network(path, answer, px=32):
    """An ONNX file that answers the same to every photo."""
    import onnx as o
    from onnx import helper as h
    from onnx import numpy_helper as n

    constants = [
        n.from_array(np.zeros((px * px * 3, len(answer)), np.float32), "w"),
        n.from_array(np.log(np.array(answer, np.float32)), "b"),
    ]
    nodes = [
        h.make_node("Flatten", ["image"], ["flat"], axis=1),
        h.make_node("Gemm", ["flat", "w", "b"], ["logits"]),
        h.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    ends = [
        h.make_tensor_value_info(name, o.TensorProto.FLOAT, shape)
        for name, shape in (("image", (1, px, px, 3)), ("probabilities", (1, len(answer))))
    ]
    graph = h.make_graph(nodes, "net", ends[:1], ends[1:], constants)
    o.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), str(path))


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A bundle of two ONNX files that answer as their contract says."""

    def artifacts(folder):
        made = {}
        for scheme in ("fp32", "fp16"):
            path = folder / f"{scheme}.onnx"
            _network(path, ANSWER)
            made[f"onnx/{scheme}"] = Artifact(
                format="onnx", scheme=scheme, path=path.name, sha256=content.digest(path, path.name),
                size_bytes=path.stat().st_size, converter="none 1.0",
                inputs=(TensorSpec(name="image", shape=(1, 32, 32, 3), dtype="float32", layout="NHWC"),),
                outputs=(TensorSpec(name="probabilities", shape=(1, 3), dtype="float32", layout="NC"),),
            )  # fmt: skip
        return made

    monkeypatch.setattr(small, "_artifacts", artifacts)
    return small.make(tmp_path)


def _change(bundle, name, answer, px=32):
    """Change an artifact, and all sums that speak of it: as the owner of the key could by mistake."""
    path = bundle / "artifacts" / name
    _network(path, answer, px)
    manifest = json.loads((bundle / "manifest.json").read_text())
    facts = {"sha256": plain.digest(path.read_bytes()), "size_bytes": path.stat().st_size}
    manifest["files"][f"artifacts/{name}"] = facts
    next(a for a in manifest["artifacts"] if a["path"] == f"artifacts/{name}").update(facts)
    (bundle / "manifest.json").write_bytes(plain.text(manifest).encode())
    archive.pack(bundle, bundle.parent / "bundle.zip", "small")


def _runs(edgetl, path):
    done = edgetl("ship", "verify", path, "--run", "--json")
    told = json.loads(done.stdout)
    return done.returncode, told, told["runs"]


def test_a_changed_weight_is_named(bundle, edgetl):
    code, told, runs = _runs(edgetl, bundle)
    assert (code, told["sound"]) == (0, True)
    assert [(r["path"], r["runtime"], r["outcome"], r["off"], r["allowed"], r["says"]) for r in runs] == [
        (f"artifacts/{name}.onnx", "onnxruntime", "same", 0.0, 0.01, "") for name in ("fp32", "fp16")
    ]
    _change(bundle, "fp16.onnx", (0.23, 0.1, 0.67))
    assert verify_bundle(bundle.parent / "bundle.zip").name == "small", "nothing but the answers tells"
    code, told, runs = _runs(edgetl, bundle.parent / "bundle.zip")
    assert [(r["outcome"], r["off"]) for r in runs] == [("same", 0.0), ("differs", 0.03)]
    what = "artifacts/fp16.onnx: Answers otherwise than its contract: on golden/0.png by up to 0.03, allowed 0.01."
    assert (code, told["sound"], told["fault"]) == (1, False, {"kind": "answers differ", "says": what})


def test_a_file_that_does_not_run_is_named(bundle, edgetl):
    _change(bundle, "fp32.onnx", ANSWER, px=31)
    _change(bundle, "fp16.onnx", (0.2, 0.1, float("nan")))
    done = edgetl("ship", "verify", bundle, "--run")
    assert (done.returncode, done.stdout.count("onnxruntime: differs. Does not run: ")) == (1, 2)
    assert "its input is float32 [1, 31, 31, 3]; must be" in done.stdout
    assert "fp16.onnx: gives values that are not finite." in done.stdout
    assert "bundle: answers differ: artifacts/fp32.onnx: Does not run" in done.stdout
