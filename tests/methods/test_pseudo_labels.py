"""Self-training: sure answers become labels, asked anew each epoch; it goes on after an interruption to the same weights."""

import numpy as np
import pytest

from edgetl.recipe import Phase

SOURCE = Phase(phase="source", epochs=15, learning_rate=1e-2, batch_norm="update")
ADAPT = Phase(phase="adapt", method="adaptive_batch_norm", epochs=8)
OWN = Phase(phase="own", method="pseudo_labels", epochs=4, learning_rate=1e-3, confidence=0.8)


def test_it_adds_to_what_adapted_statistics_gave(setting, run, top1):
    made = setting()
    run(made.task, SOURCE, name="source")
    alone = top1(made.task, made.target)
    run(made.task, ADAPT, OWN, name="own")
    assert top1(made.task, made.target) >= alone + 0.1


def test_only_sure_answers_become_labels(setting):
    from edgetl.nn import adaptation
    from edgetl.nn.inference import predict

    made = setting()
    task = made.task
    for confidence in (0.2, 0.9999999):
        stretch = adaptation.own_answers(task, Phase(phase="own", method="pseudo_labels", epochs=1, confidence=confidence))
        examples = stretch.examples(0)
        extra = len(examples.labels) - len(task.training.labels)
        assert extra == (240 if confidence == 0.2 else 0)
        if extra:
            answers = predict(task.model, task.unlabelled, task.recipe.preprocess).argmax(1)
            assert np.array_equal(examples.labels[-240:], answers)
            assert np.array_equal(examples.inputs[np.arange(240, 480)], task.unlabelled[:])


@pytest.mark.parametrize("stop_after", [16, 17])
def test_interrupted_it_ends_the_same(setting, run, stop_after):
    phases = (SOURCE, OWN)
    calm = setting()
    run(calm.task, *phases, name="calm")
    hasty = setting()
    with pytest.raises(KeyboardInterrupt):
        run(hasty.task, *phases, stop_after=stop_after, name="hasty")
    again = setting()
    run(again.task, *phases, name="hasty")
    assert all(np.array_equal(a, b) for a, b in zip(calm.task.model.get_weights(), again.task.model.get_weights(), strict=True))
