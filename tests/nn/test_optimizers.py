"""One optimizer step against arithmetic: clipping over all gradients, and each layer's share of the rate."""

import numpy as np
import pytest

from edgetl.recipe import Phase


def _step(shares=None, clip_norm=None, **settings):
    import tensorflow as tf

    from edgetl.nn import optimizers

    values = [tf.Variable([1.0, 2.0], name="a"), tf.Variable([3.0], name="b")]
    optimizer = optimizers.make(Phase(**{"phase": "p", "epochs": 1, "learning_rate": 0.1, **settings}))
    optimizer.build(values)
    optimizers.apply(optimizer, [tf.constant([3.0, 0.0]), tf.constant([4.0])], values, clip_norm, shares or {})
    return [v.numpy() for v in values]


def test_plain_descent_and_its_share():
    a, b = _step(optimizer="sgd", momentum=0.0)
    assert np.allclose(a, [0.7, 2.0])
    assert np.allclose(b, [2.6])
    a, b = _step({"a:0": 0.5, "b:0": 0.0}, optimizer="sgd", momentum=0.0)
    assert np.allclose(a, [0.85, 2.0])
    assert np.array_equal(b, [3.0])


def test_gradients_are_clipped_over_all_of_them():
    a, b = _step(clip_norm=1.0, optimizer="sgd", momentum=0.0)  # the norm of (3, 0, 4) is 5
    assert np.allclose(a, [1.0 - 0.06, 2.0])
    assert np.allclose(b, [3.0 - 0.08])


def test_adam_moves_by_the_share_of_its_rate_however_large_the_gradient():
    a, b = _step({"a:0": 0.25})
    assert a[0] == pytest.approx(1.0 - 0.025, abs=1e-5)
    assert b[0] == pytest.approx(3.0 - 0.1, abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "kind"), [({}, "Adam"), ({"optimizer": "adamw"}, "AdamW"), ({"optimizer": "rmsprop"}, "RMSprop")]
)
def test_each_name_gives_its_optimizer(settings, kind):
    from edgetl.nn import optimizers

    assert type(optimizers.make(Phase(phase="p", epochs=1, **settings))).__name__ == kind


def test_adamw_decays_weights_without_a_gradient():
    a, _ = _step(optimizer="adamw", weight_decay=0.5)
    assert a[1] == pytest.approx(2.0 * (1 - 0.1 * 0.5), abs=1e-5)
