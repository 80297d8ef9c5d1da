"""Learning from labels: distillation, class weights, and the phases of a recipe in sequence."""

import json

import numpy as np
import pytest

from edgetl.errors import InputError
from edgetl.recipe import Distill, Phase


def test_labels_are_learned(setting, run, top1):
    made = setting()
    run(made.task, Phase(phase="all", epochs=15, learning_rate=1e-2, batch_norm="update"))
    assert top1(made.task, made.task.validation) > 0.8


def test_imitation_is_least_when_the_answers_agree():
    import tensorflow as tf

    from edgetl.nn.supervised import imitation

    wanted = tf.constant([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    same, other = imitation(wanted + 3.0, wanted, 2.0), imitation(-wanted, wanted, 2.0)
    soft = np.exp(wanted / 2.0) / np.exp(wanted / 2.0).sum(axis=1, keepdims=True)
    assert float(same) == pytest.approx(4.0 * float(-(soft * np.log(soft)).sum(axis=1).mean()), rel=1e-5)
    assert float(other) > float(same)


def test_classes_are_balanced_by_their_numbers():
    from edgetl.nn.supervised import importance

    labels = np.array([0] * 6 + [1] * 3)
    assert importance(labels, Phase(phase="p", epochs=1)) is None
    weights = importance(labels, Phase(phase="p", epochs=1, class_weights="balanced"))
    assert weights[:6].sum() == pytest.approx(weights[6:].sum())
    assert weights.mean() == pytest.approx(1.0)


def test_a_pupil_learns_what_only_the_teacher_knows(setting, run, top1, tmp_path):
    """All labels of the pupil are wrong; it can only be right by listening to its teacher."""
    from dataclasses import replace

    from edgetl.nn import checkpoint, teacher

    made = setting()
    run(made.task, Phase(phase="all", epochs=15, learning_rate=1e-2, batch_norm="update"), name="teacher")
    (tmp_path / "t").mkdir()
    facts = {"class_names": ["a", "b", "c"], "input_px": 32}
    checkpoint.save(tmp_path / "t", made.task.model, {"logits": np.zeros((1, 3)), "labels": np.zeros(1)}, facts)
    with pytest.raises(InputError, match="come in another order"):
        teacher.load(tmp_path / "t", ("a", "c", "b"))
    with pytest.raises(InputError, match="differ in c, d"):
        teacher.load(tmp_path / "t", ("a", "b", "d"))
    pupil = setting()
    recipe = replace(pupil.task.recipe, distill=Distill(checkpoint="t", weight=0.95), seed=7)
    wrong = replace(pupil.task.training, labels=(pupil.task.training.labels + 1) % 3)
    task = replace(pupil.task, recipe=recipe, training=wrong, teacher=teacher.load(tmp_path / "t", ("a", "b", "c")))
    run(task, Phase(phase="listen", epochs=15, learning_rate=1e-2, batch_norm="update", distill=True), name="pupil")
    assert top1(task, made.task.validation) > 0.7
    assert json.loads((tmp_path / "t" / "checkpoint.json").read_text())["class_names"] == ["a", "b", "c"]
