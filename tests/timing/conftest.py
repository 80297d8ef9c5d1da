"""Networks that differ by nothing but how much they compute."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    """Write an ONNX network of so many 3x3 convolutions in a row; returns its path."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder = tmp_path_factory.mktemp("chain")

    def write(convolutions, px=48, name=None):
        rng = np.random.default_rng(0)
        kernels = [
            numpy_helper.from_array(rng.normal(0, 0.1, (16, 3 if not n else 16, 3, 3)).astype(np.float32), f"k{n}")
            for n in range(convolutions)
        ]
        nodes = [
            helper.make_node("Conv", ["x" if not n else f"y{n}", f"k{n}"], [f"y{n + 1}"], name=f"c{n}", pads=[1] * 4)
            for n in range(convolutions)
        ]
        ends = [
            helper.make_tensor_value_info(end, TensorProto.FLOAT, [1, channels, px, px])
            for end, channels in (("x", 3), (f"y{convolutions}", 16))
        ]
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], kernels)
        path = folder / (name or f"chain{convolutions}.onnx")
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        return path

    return write
