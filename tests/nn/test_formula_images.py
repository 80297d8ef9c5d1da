"""Images by formula: the same for ever, different between classes and instances."""

import hashlib

import numpy as np

from edgetl.nn.formula_images import render, render_batch


def test_an_image_is_a_function_of_class_and_seed():
    one = render(3, 7, 32)
    assert one.shape == (32, 32, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, render(3, 7, 32))
    assert not np.array_equal(one, render(3, 8, 32))
    assert not np.array_equal(one, render(4, 7, 32))


def test_every_family_draws_something():
    images = render_batch(list(range(12)), [0] * 12, 32)
    assert images.shape == (12, 32, 32, 3)
    assert all(image.std() > 2 for image in images)
    digests = {hashlib.sha256(image.tobytes()).hexdigest() for image in images}
    assert len(digests) == 12
