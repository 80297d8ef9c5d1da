"""The digits inside scikit-learn."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from edgetl.datasets import builtin
from edgetl.errors import UnknownName
from edgetl.recipe import Data


def test_the_digits_are_the_known_ones():
    spec = Data(source="builtin", name="digits")
    found = builtin.load(spec)
    assert len(found.samples) == 1797
    assert Counter(s.class_index for s in found.samples)[0] == 178
    pixels = np.asarray(Image.open(io.BytesIO(found.samples[0].read())))
    assert pixels[0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # values 0 0 5 13 9 1 0 0 of 16
    assert builtin.fingerprint(spec) == builtin.fingerprint(spec)


def test_another_name_is_unknown():
    with pytest.raises(UnknownName, match="Did you mean 'digits'"):
        builtin.fingerprint(Data(source="builtin", name="digit"))
