"""Operations of Core ML packages, written here by coremltools and read back."""

import numpy as np
import pytest

from edgetl.errors import InputError
from edgetl.graphs import coreml


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import types

    rng = np.random.default_rng(0)
    kernel, dense = rng.normal(size=(8, 3, 3, 3)).astype(np.float32), rng.normal(size=(5, 8)).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 3, 32, 32), dtype=types.fp32)], opset_version=ct.target.iOS16)
    def program(x):
        y = mb.conv(x=x, weight=kernel, strides=[2, 2], pad_type="same")
        y = mb.relu(x=y)
        y = mb.reduce_mean(x=y, axes=[2, 3])
        return mb.linear(x=y, weight=dense)

    path = tmp_path_factory.mktemp("coreml") / "m.mlpackage"
    ct.convert(program, minimum_deployment_target=ct.target.iOS16, compute_precision=ct.precision.FLOAT32).save(str(path))
    return path


def test_a_network_counted_by_hand(package):
    found = coreml.read(package)
    by_type = {entry.type: entry for entry in found.by_type()}
    assert by_type["conv"].macs == 16 * 16 * 8 * 27
    assert by_type["linear"].macs == 40
    assert by_type["conv"].weight_bytes >= 4 * 8 * 27
    assert by_type["conv"].output_bytes == 4 * 8 * 16 * 16
    assert {operator.arithmetic for operator in found.operators} == {"float32"}
    assert found.file_bytes > 4 * 8 * 27


def test_damage_is_told(package, tmp_path):
    (tmp_path / "bad.mlpackage").mkdir()
    with pytest.raises(InputError, match="bad.mlpackage"):
        coreml.read(tmp_path / "bad.mlpackage")
