"""Barlow Twins: the loss by hand, features that help ten labels, and the same weights after an interruption."""

import numpy as np
import pytest

from edgetl.errors import InputError
from edgetl.recipe import Phase

TWINS = Phase(phase="twins", method="barlow_twins", epochs=3, learning_rate=2e-3, batch_size=64, batch_norm="update")


def test_the_loss_by_hand():
    from edgetl.nn.barlow_twins import OFF_DIAGONAL, redundancy

    square = np.float32([[1, 1], [1, -1], [-1, 1], [-1, -1]])  # two features that do not go together
    assert float(redundancy(square, square)) == pytest.approx(0.0, abs=1e-6)
    assert float(redundancy(square, -square)) == pytest.approx(2 * 4.0, rel=1e-4)
    double = np.repeat(square[:, :1], 2, axis=1)  # one feature said twice
    assert float(redundancy(double, double)) == pytest.approx(2 * OFF_DIAGONAL, rel=1e-4)


def test_it_moves_the_backbone_and_not_the_head_and_goes_on_after_an_interruption(setting, run):
    augment = "augment={zoom: 0.3, brightness: 0.3}"
    calm = setting(augment)
    before = {layer.name: layer.get_weights() for layer in calm.task.model.layers if layer.weights}
    history = run(calm.task, TWINS, name="calm")
    assert history[-1]["loss"] < history[0]["loss"]
    assert "val_top1" not in history[0]
    still = {n for n, w in before.items() if all(map(np.array_equal, w, calm.task.model.get_layer(n).get_weights()))}
    assert still == {"logits"}
    hasty = setting(augment)
    with pytest.raises(KeyboardInterrupt):
        run(hasty.task, TWINS, stop_after=2, name="hasty")
    again = setting(augment)
    run(again.task, TWINS, name="hasty")
    assert all(np.array_equal(a, b) for a, b in zip(calm.task.model.get_weights(), again.task.model.get_weights(), strict=True))


def test_without_changes_there_is_nothing_to_learn(setting, run):
    with pytest.raises(InputError, match="give the recipe an 'augment' section"):
        run(setting().task, TWINS)
