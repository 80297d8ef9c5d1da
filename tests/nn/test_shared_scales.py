"""What meets in additions, concatenations and averages shares its grid, also where they are mixed."""

import pytest


@pytest.fixture
def model():
    import tf_keras

    from edgetl.nn import shared_scales  # noqa: F401 - sets the Keras version

    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 3), name="image")
    a, b, c = (layers.Conv2D(4, 1, name=name)(image) for name in ("a", "b", "c"))
    mean = layers.AveragePooling2D(3, strides=1, padding="same", name="mean")(a)
    total = layers.Add(name="total")([mean, b])
    both = layers.Concatenate(name="both")([total, layers.MaxPooling2D(1, name="max")(c)])
    relu = layers.Activation("relu", name="relu")(both)
    alone = layers.Conv2D(4, 1, name="alone")(relu)
    return tf_keras.Model(image, [alone, total])


def _grid(limits):
    step = (limits[1] - limits[0]) / 255
    return step, round(-limits[0] / step)


def test_a_sum_of_an_average_in_a_concatenation(model):
    from edgetl.nn.shared_scales import share

    ranges = {
        "a": (-1.0, 3.0), "b": (-2.0, 1.0), "c": (-5.0, 1.0), "mean": (-0.5, 2.0), "total": (-2.5, 3.0), "both": (-5.0, 3.0),
        "relu": (0.0, 3.0), "alone": (-1.0, 7.0),
    }  # fmt: skip
    shared = share(model, ranges)
    grids = {name: _grid(limits) for name, limits in shared.items()}
    assert len({round(step, 9) for name, (step, _) in grids.items() if name != "alone"}) == 1
    assert grids["mean"] == grids["a"]
    assert grids["total"] == grids["c"] == grids["both"]
    assert shared["relu"] == pytest.approx((0.0, 255 * grids["both"][0])), "no finer than what it is taken of"
    assert shared["alone"] == ranges["alone"]
    for name, (low, high) in ranges.items():
        step = grids[name][0]
        assert shared[name][0] <= low + step / 2
        assert shared[name][1] >= high - step / 2 - 1e-9


@pytest.mark.parametrize(("ranges", "high"), [({"r": (0.0, 3.0)}, 3.0), ({"a": (-1.0, 3.0), "r": (0.0, 3.0)}, 4.0)])
def test_only_a_relu_of_what_is_quantized_already_takes_its_step(ranges, high):
    import tf_keras

    from edgetl.nn.shared_scales import share

    image = tf_keras.Input((8, 8, 3), name="image")
    a = tf_keras.layers.Conv2D(4, 1, name="a")(image)
    model = tf_keras.Model(image, tf_keras.layers.Activation("relu", name="r")(a))
    assert share(model, ranges)["r"] == (0.0, high)
