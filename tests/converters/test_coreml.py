"""Core ML packages: what was asked for, read back; the same network gives the same bytes; a false claim is refused."""

import numpy as np
import pytest

from edgetl.converters import _mlpackage, coreml
from edgetl.converters._base import Source
from edgetl.errors import ConversionError
from edgetl.recipe import Target
from edgetl.types import Preprocess

LABELS = ("left, right", "Äpfel")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    import tf_keras

    from edgetl.nn import frozen

    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((8, 8, 3), name="image")
    x = tf_keras.layers.GlobalAveragePooling2D()(tf_keras.layers.Conv2D(4, 3, activation="relu")(image))
    model = tf_keras.Model(image, tf_keras.layers.Dense(2, name="logits")(x))
    folder = tmp_path_factory.mktemp("network")
    frozen.freeze(model, 8, folder / frozen.NETWORK)
    return Source(
        network=folder,
        preprocess=Preprocess(resize_px=8, crop_px=8),
        class_names=LABELS,
        calibration=None,
        origin=None,
    )


def _files(package):
    return {p.relative_to(package).as_posix(): p.read_bytes() for p in package.rglob("*") if p.is_file()}


def test_the_same_network_gives_the_same_package(source, tmp_path):
    for name in ("a", "b"):
        converted = coreml.convert(source, Target(format="coreml", scheme="fp16"), tmp_path / f"{name}.mlpackage")
    assert _files(tmp_path / "a.mlpackage") == _files(tmp_path / "b.mlpackage")
    assert "1 conv" in converted.notes
    assert "1 classify" in converted.notes


def test_labels_and_normalisation_are_inside(source, tmp_path):
    import coremltools

    coreml.convert(source, Target(format="coreml", scheme="fp16"), tmp_path / "m.mlpackage")
    spec = coremltools.models.MLModel(str(tmp_path / "m.mlpackage"), skip_model_load=True).get_spec()
    image = spec.description.input[0].type.imageType
    assert (image.width, image.height) == (8, 8)
    (block,) = spec.mlProgram.functions["main"].block_specializations.values()
    assert "classify" in {o.type for o in block.operations}
    _mlpackage.check_labels(tmp_path / "m.mlpackage", LABELS)


def test_a_package_of_another_precision_is_refused(source, tmp_path):
    coreml.convert(source, Target(format="coreml", scheme="fp32"), tmp_path / "m.mlpackage")
    with pytest.raises(ConversionError, match=r"m\.mlpackage: is not what fp16 says"):
        _mlpackage.audit_float(tmp_path / "m.mlpackage", "fp16")
    with pytest.raises(ConversionError, match="other class labels"):
        _mlpackage.check_labels(tmp_path / "m.mlpackage", ("x", "y"))


def test_sizes_differ_as_the_precision_says(source, tmp_path):
    for scheme in ("fp16", "fp32"):
        coreml.convert(source, Target(format="coreml", scheme=scheme), tmp_path / f"{scheme}.mlpackage")
    weights = [
        len(_files(tmp_path / f"{s}.mlpackage").get("Data/com.apple.CoreML/weights/weight.bin", b"")) for s in ("fp16", "fp32")
    ]
    assert weights[0] <= weights[1]
    assert np.isfinite(weights).all()
