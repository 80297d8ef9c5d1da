"""LiteRT: a known answer of a published network, and a file it refuses."""

import json

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import VerificationError
from edgetl.preprocess import to_pixels
from edgetl.types import Preprocess

SPEC = Preprocess(resize_px=224, crop_px=224)
ENGINE = registry.load("runtimes", "litert")


def test_a_published_network_names_the_dish_on_a_real_photo(material):
    pixels = to_pixels((material / "images/tflite-support/burger.jpg").read_bytes(), SPEC)
    path = material / "models/tflite-support/mobilenet_v1_0.25_224_1_default_1.tflite"
    session = ENGINE.open(path, 2, SPEC, ())
    session.set_input(pixels)
    session.invoke()
    answer = session.output()
    index = json.loads((material / "data/imagenet_class_index.json").read_text())
    name = index[str(int(np.argmax(answer)) - (len(answer) - 1000))][1]
    assert name == "cheeseburger"
    assert answer.sum() == pytest.approx(1.0, abs=1e-3)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "x.tflite").write_bytes(b"no model at all, not even nearly")
    with pytest.raises(VerificationError, match=r"x\.tflite: LiteRT refuses it"):
        ENGINE.open(tmp_path / "x.tflite", 1, SPEC, ())
