"""NNAPI by onnxruntime: the same as its own checker says of float files."""

import onnx
import pytest

from edgetl.delegates import nnapi
from edgetl.devices import load_device


@pytest.mark.parametrize("odd", ["Relu", "Erf"])
def test_it_agrees_with_the_checker(onnx_network, covered, odd):
    from onnxruntime.tools.mobile_helpers import usability_checker

    path = onnx_network(odd)
    theirs = usability_checker.check_nnapi_partitions(onnx.shape_inference.infer_shapes(onnx.load(path)), True)
    found = covered("nnapi", path, "onnx").coverage
    assert found.operators - len(found.leaving) == theirs.num_supported_nodes
    assert found.partitions == theirs.num_partitions == (1 if odd == "Relu" else 2)


def test_an_operator_of_another_domain_leaves(onnx_network, covered):
    found = covered("nnapi", onnx_network("Gelu", domain="com.microsoft"), "onnx")
    assert found.left == {"Gelu": 1, "Conv": 2}
    rules = {one.type: one.rule for one in found.coverage.leaving}
    assert rules["Conv"] == "NNAPI takes fixed shapes only; the shape of what it reads is not known beforehand."


def test_a_free_batch_leaves_whole(onnx_network, covered):
    found = covered("nnapi", onnx_network(batch="n"), "onnx").coverage
    assert (found.mac_share, found.partitions) == (0.0, 0)
    assert found.leaving[0].rule == "NNAPI takes fixed shapes only; the input x has a free dimension."


def test_whom_it_serves():
    assert nnapi.serves(load_device("pixel-4"))
    assert not nnapi.serves(load_device("iphone-14-pro"))
