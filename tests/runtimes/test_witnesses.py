"""Witnesses: the same file by other kernels, which are really others, and by a graph that was optimised less."""

import json

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import VerificationError
from edgetl.preprocess import to_pixels
from edgetl.types import Preprocess

SPEC = Preprocess(resize_px=224, crop_px=224)
WITNESSES = {
    "tflite": ("litert_builtin", "litert_reference"),
    "onnx": ("onnxruntime_unoptimised", "onnxruntime_basic", "onnxruntime_extended"),
}
MAIN = {"tflite": "litert", "onnx": "onnxruntime"}
PAIRS = [(form, name) for form, names in WITNESSES.items() for name in names]


def _answer(runtime, path, pixels, spec):
    session = registry.load("runtimes", runtime).open(path, 1, spec, ("a", "b", "c"))
    session.set_input(pixels)
    session.invoke()
    found = np.array(session.output())
    session.close()
    return found


@pytest.fixture(scope="module")
def add_of_halves(tmp_path_factory):
    """ONNX: (image + 1) - 1 and a mean, which levels of optimisation fold in their own ways; the answer is known."""
    from onnx import TensorProto, helper

    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    one = helper.make_tensor("one", TensorProto.FLOAT, (1,), [1.0])
    nodes = [
        helper.make_node("Add", ["image", "one"], ["up"]),
        helper.make_node("Identity", ["up"], ["same"]),
        helper.make_node("Sub", ["same", "one"], ["down"]),
        helper.make_node("ReduceMean", ["down"], ["probabilities"], axes=[1, 2], keepdims=0),
    ]
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 4, 4, 3))
    out = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, (1, 3))
    graph = helper.make_graph(nodes, "g", [given], [out], [one])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("name", WITNESSES["onnx"])
def test_every_level_gives_the_known_answer(name, add_of_halves):
    pixels = np.broadcast_to(np.array([0, 51, 255], np.uint8), (4, 4, 3))
    found = _answer(name, add_of_halves, pixels, Preprocess(resize_px=4, crop_px=4))
    assert found.tolist() == pytest.approx([-128 / 127.5, -77 / 127.5, 127 / 127.5], abs=1e-6)


def test_the_levels_are_others(add_of_halves, tmp_path):
    """Each witness's options reach the engine: what it would run has fewer nodes the further it is optimised."""
    import onnx
    import onnxruntime

    from edgetl.runtimes import _onnxruntime

    counts = {}
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.optimized_model_filepath = str(tmp_path / level)
        onnxruntime.InferenceSession(str(add_of_halves), options, providers=["CPUExecutionProvider"])
        counts[level] = len(onnx.load(str(tmp_path / level)).graph.node)
        session = _onnxruntime.Session(add_of_halves, 1, Preprocess(resize_px=4, crop_px=4), level)
        assert session._session.get_session_options().graph_optimization_level.name == level
    assert counts == {"ORT_DISABLE_ALL": 4, "ORT_ENABLE_BASIC": 3}


@pytest.mark.parametrize("name", WITNESSES["tflite"])
def test_other_kernels_name_the_dish_too(material, name):
    pixels = to_pixels((material / "images/tflite-support/burger.jpg").read_bytes(), SPEC)
    path = material / "models/tflite-support/mobilenet_v1_0.25_224_1_default_1.tflite"
    found, main = (_answer(runtime, path, pixels, SPEC) for runtime in (name, "litert"))
    index = json.loads((material / "data/imagenet_class_index.json").read_text())
    assert index[str(int(np.argmax(found)) - (len(found) - 1000))][1] == "cheeseburger"
    assert 0 < np.abs(found - main).max() < 1e-3, "other kernels: nearly the same, and not to the bit"


def test_only_the_main_runtime_delegates(material):
    path = material / "models/tflite-support/mobilenet_v1_0.25_224_1_default_1.tflite"
    found = {}
    for name in ("litert", *WITNESSES["tflite"]):
        session = registry.load("runtimes", name).open(path, 1, SPEC, ())
        found[name] = any(op["op_name"] == "DELEGATE" for op in session._interpreter._get_ops_details())
    assert found == {"litert": True, "litert_builtin": False, "litert_reference": False}


@pytest.mark.parametrize(("form", "name"), PAIRS)
def test_a_witness_is_marked_and_refuses_what_is_no_model(form, name, tmp_path):
    module = registry.load("runtimes", name)
    assert module.REFERENCE and not registry.load("runtimes", MAIN[form]).REFERENCE
    assert list(module.FORMATS) == [form]
    path = tmp_path / f"x.{form}"
    path.write_bytes(b"no model at all, not even nearly")
    with pytest.raises(VerificationError, match=rf"x\.{form}: .* refuses it"):
        module.open(path, 1, SPEC, ("a",))
