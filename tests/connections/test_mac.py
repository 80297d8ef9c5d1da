"""The connection to a Mac, as far as it can be tested without one: the way there, the copy, the refusal, the runner's parts."""

import sys
from typing import get_args, get_type_hints

import numpy as np
import pytest

from edgetl.connections import _core_ml, mac
from edgetl.connections._served import RUNNER, ServedSession
from edgetl.errors import BenchmarkError
from edgetl.schema import check


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A package with a specification whose inputs are an image, an array and a text."""
    from coremltools.proto import Model_pb2

    spec = Model_pb2.Model()
    spec.specificationVersion = 4
    image = spec.description.input.add(name="image").type.imageType
    image.width, image.height, image.colorSpace = 6, 5, 20
    array = spec.description.input.add(name="x").type.multiArrayType
    array.shape.extend([1, 4])
    array.dataType = 65568
    spec.description.input.add(name="s").type.stringType.SetInParent()
    path = tmp_path_factory.mktemp("package") / "net.mlpackage"
    path.mkdir()
    (path / "model.mlmodel").write_bytes(spec.SerializeToString())
    return path, spec


@pytest.mark.skipif(sys.platform == "darwin", reason="this is a Mac")
def test_core_ml_elsewhere_is_refused_in_words(package):
    job = {
        "model": str(package[0]),
        "runtime": "coreml",
        "threads": 1,
        "cpus": None,
        "seed": 0,
        "units": "all",
        "core_ml": str(mac.CORE_ML),
    }
    with pytest.raises(BenchmarkError, match="net.mlpackage: RuntimeError: Core ML runs on macOS; this is Linux"):
        ServedSession([sys.executable, "-I", str(RUNNER)], job, name="net.mlpackage")


def test_the_package_arrives_and_a_host_that_is_no_mac_is_told(sshd, package):
    server = sshd()
    settings = mac.Settings(**server.settings, compute_units="cpu_and_ne")
    assert "Core ML runs on macOS; this is Linux. Name a Mac." in mac.unreachable(settings)
    link = mac.open(settings)
    with pytest.raises(BenchmarkError, match="127.0.0.1: net.mlpackage: RuntimeError: Core ML runs on macOS"):
        link.start(package[0], "coreml", 1)
    with pytest.raises(BenchmarkError, match="only coreml runs, not litert"):
        link.start(package[0], "litert", 1)
    link.close()
    (there,) = server.folder.glob("*.mlpackage")
    assert (there / "model.mlmodel").read_bytes() == (package[0] / "model.mlmodel").read_bytes()


def test_inputs_are_read_from_the_specification(package):
    image, array, text = package[1].description.input
    assert _core_ml.input_of(image) == {"name": "image", "shape": [1, 5, 6, 3], "dtype": "uint8"}
    assert _core_ml.input_of(array) == {"name": "x", "shape": [1, 4], "dtype": "float32"}
    with pytest.raises(ValueError, match="input s: neither an image nor an array"):
        _core_ml.input_of(text)


def test_outputs_are_arrays_in_the_order_of_names():
    found = _core_ml.arrays_of({"label": "b", "probabilities": {"b": 0.75, "a": 0.25}, "features": np.ones((1, 2))})
    assert [value.tolist() for value in found] == [[[1.0, 1.0]], [[0.25, 0.75]]]


def test_the_plan_is_told_in_shares():
    names = ["MLNeuralEngineComputeDevice"] * 3 + ["MLCPUComputeDevice"]
    assert _core_ml.shares(names) == {"cpu": 0.25, "gpu": 0.0, "neural_engine": 0.75}
    assert _core_ml.shares([]) == {}


def test_the_names_that_the_runner_calls_exist_in_coremltools():
    """What can be checked here of code that only a Mac can run."""
    import coremltools
    from coremltools.models import MLModel, compute_plan

    units = {unit.name.lower() for unit in coremltools.ComputeUnit}
    assert units == set(get_args(get_type_hints(mac.Settings)["compute_units"]))
    assert hasattr(MLModel, "get_compiled_model_path")
    for name in ("load_from_path", "model_structure", "get_compute_device_usage_for_mlprogram_operation"):
        assert hasattr(compute_plan.MLComputePlan, name)
    from coremltools.models import compute_device

    for name in ("MLCPUComputeDevice", "MLGPUComputeDevice", "MLNeuralEngineComputeDevice"):
        assert hasattr(compute_device, name)
    faults = []
    assert check(mac.Settings, {"host": "mini.local", "compute_units": "tpu"}, lambda k: k, faults) is None
    assert "'tpu' is not allowed" in faults[0]
