"""Core ML packages evaluated in software: a witness that answers everywhere, as Core ML itself does where there is one."""

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import VerificationError
from edgetl.stages import verify
from edgetl.types import Preprocess

PX = 32
SPEC = Preprocess(resize_px=PX, crop_px=PX)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A small classifier with a pool, a residual and a softmax, in half precision."""
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb

    rng = np.random.default_rng(0)
    first, second = (rng.normal(size=shape).astype(np.float32) / 4 for shape in ((8, 3, 3, 3), (8, 8, 3, 3)))
    last = rng.normal(size=(4, 8)).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 3, PX, PX))], opset_version=ct.target.iOS17)
    def program(image):
        x = mb.relu(x=mb.conv(x=image, weight=first, strides=[2, 2], pad_type="same"))
        x = mb.add(x=x, y=mb.conv(x=x, weight=second, pad_type="same"))
        return mb.softmax(x=mb.linear(x=mb.reduce_mean(x=x, axes=[2, 3]), weight=last), axis=-1)

    image = ct.ImageType(name="image", shape=(1, 3, PX, PX), scale=1 / SPEC.std, bias=[-SPEC.mean / SPEC.std] * 3)
    model = ct.convert(
        program, inputs=[image], classifier_config=ct.ClassifierConfig(list("abcd")), convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS17, skip_model_load=True,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("coreml") / "net.mlpackage"
    model.save(str(path))
    return path


def _answers(runtime, package, images, names=tuple("abcd")):
    session = registry.load("runtimes", runtime).open(package, 1, SPEC, names)
    found = []
    for image in images:
        session.set_input(image)
        session.invoke()
        found.append(session.output().copy())
    session.close()
    return np.array(found)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (16, PX, PX, 3)).astype(np.uint8)


def test_it_verifies_where_no_core_ml_is():
    name, reason = verify.runtime_for("coreml")
    assert reason is None
    assert name == ("coreml_reference" if registry.load("runtimes", "coreml").unavailable() else "coreml")
    assert registry.load("runtimes", "coreml_reference").REFERENCE


def test_it_answers_in_the_order_that_is_asked_for(package, images):
    found = _answers("coreml_reference", package, images)
    assert np.abs(found.sum(1) - 1).max() < 2e-3, "half precision"
    assert np.ptp(found, axis=0).max() > 1e-3, "the image is seen"
    assert np.array_equal(_answers("coreml_reference", package, images, tuple("dcba")), found[:, ::-1])


def test_a_file_that_is_no_package_is_refused(tmp_path):
    (tmp_path / "a.mlpackage").write_bytes(b"x")
    with pytest.raises(VerificationError, match=r"a\.mlpackage: is no \.mlpackage folder"):
        registry.load("runtimes", "coreml_reference").open(tmp_path / "a.mlpackage", 1, SPEC, ("a",))


def test_it_says_what_core_ml_says(package, images):
    reason = registry.load("runtimes", "coreml").unavailable()
    if reason is not None:
        pytest.skip(reason)
    assert np.abs(_answers("coreml_reference", package, images) - _answers("coreml", package, images)).max() < 5e-3
