"""The head: any list of layers; what is converted has dense layers only and answers the same."""

import numpy as np
import pytest

from edgetl.recipefile import load_recipe

HEADS = [
    "{}",
    "{layers: [global_average_pool, {dense: 16, activation: relu}, {dense: 8, activation: relu6}], dropout: 0.3}",
    "{layers: [batch_norm, {dense: 16, activation: relu, l2: 1.0e-3}, batch_norm, {dropout: 0.5}], l2: 1.0e-3}",
    "{layers: [batch_norm, {dropout: 0.5}, batch_norm, {dense: 8}]}",
]


@pytest.mark.parametrize("head", HEADS)
def test_the_converted_network_answers_as_the_trained_one(head):
    import tf_keras

    from edgetl.nn import classifier

    recipe = load_recipe("quickstart", (f"head={head}", "backbone.input_px=32", "backbone.weights=none")).recipe
    trained = classifier.build_classifier(recipe, 5, training=True)
    rng = np.random.default_rng(0)
    for layer in trained.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    plain = classifier.build_classifier(recipe, 5, training=False)
    classifier.settle(trained, plain)
    images = rng.uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
    assert np.allclose(trained(images, training=False), plain(images), atol=1e-4)
    after_pool = [type(layer).__name__ for layer in plain.layers[[la.name for la in plain.layers].index("pool") + 1 :]]
    assert set(after_pool) <= {"Dense", "ReLU"}
    assert not plain.losses


def test_the_penalty_is_in_the_loss():
    from edgetl.nn import classifier

    recipe = load_recipe("quickstart", ("head={l2: 0.5}", "backbone.input_px=32", "backbone.weights=none")).recipe
    model = classifier.build_classifier(recipe, 5, training=True)
    kernel = model.get_layer("logits").get_weights()[0]
    assert float(sum(model.losses)) == pytest.approx(0.5 * float((kernel**2).sum()), rel=1e-5)


def test_names_of_layers_that_are_not_there_are_refused_all_at_once():
    from edgetl.errors import InputError
    from edgetl.nn import classifier

    recipe = load_recipe("quickstart", ("backbone.input_px=32", "backbone.weights=none")).recipe
    model = classifier.build_classifier(recipe, 5, training=False)
    classifier.insist_on(model, ("logits", model.layers[3].name), "quantize.keep_float")
    with pytest.raises(InputError, match="(?s)quantize.keep_float.*'nope'.*'logit'. Did you mean 'logits'") as told:
        classifier.insist_on(model, ("nope", "logits", "logit"), "quantize.keep_float")
    assert len(told.value.faults) == 3
