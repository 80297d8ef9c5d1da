"""onnxruntime: a known answer, and a file it refuses."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgetl import registry
from edgetl.errors import VerificationError
from edgetl.types import Preprocess

SPEC = Preprocess(resize_px=4, crop_px=4)
ENGINE = registry.load("runtimes", "onnxruntime")


def _mean_of_each_channel(path):
    nodes = [helper.make_node("ReduceMean", ["image"], ["probabilities"], axes=[1, 2], keepdims=0)]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 4, 4, 3))]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, (1, 3))]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path.write_bytes(model.SerializeToString())


def test_pixels_are_normalised_and_run(tmp_path):
    _mean_of_each_channel(tmp_path / "m.onnx")
    session = ENGINE.open(tmp_path / "m.onnx", 1, SPEC, ("r", "g", "b"))
    session.set_input(np.broadcast_to(np.array([0, 51, 255], np.uint8), (4, 4, 3)))
    session.invoke()
    assert session.output().tolist() == pytest.approx([-128 / 127.5, -77 / 127.5, 127 / 127.5])
    session.close()


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"no model")
    with pytest.raises(VerificationError, match=r"x\.onnx: onnxruntime refuses it"):
        ENGINE.open(tmp_path / "x.onnx", 1, SPEC, ("a",))
