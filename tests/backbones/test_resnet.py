"""ResNet: Keras' own network, flat, in layers a quantizer knows."""

import dataclasses

import numpy as np

from edgetl import registry
from edgetl.recipe import Backbone, WeightsFile

FAMILY = registry.load("backbones", "resnet")
RESNET50 = Backbone(name="resnet", variant="resnet50", input_px=64, weights="none")
PLAIN = {"InputLayer", "ZeroPadding2D", "Conv2D", "BatchNormalization", "Activation", "MaxPooling2D", "Add"}


def test_it_is_keras_network_and_takes_its_files(tmp_path):
    import tf_keras

    from edgetl.nn.weights import load_backbone_weights

    theirs = tf_keras.applications.ResNet50(input_shape=(64, 64, 3), include_top=False, weights=None)
    ours = FAMILY.build(RESNET50)
    convolutions = tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert FAMILY.layer_names(RESNET50) == convolutions
    assert FAMILY.SPECS["resnet_resnet50_1"].params_m == round(ours.count_params() / 1e6, 2)
    assert {type(layer).__name__ for layer in ours.layers} == PLAIN

    rng = np.random.default_rng(4)
    for layer in theirs.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            low_high = ((0.5, 1.0), (-0.5, 0.5), (-0.5, 0.5), (0.5, 1.5))
            layer.set_weights([rng.uniform(*pair, layer.gamma.shape) for pair in low_high])
    theirs.save_weights(tmp_path / "w.h5")
    load_backbone_weights(ours, dataclasses.replace(RESNET50, weights=WeightsFile(path=str(tmp_path / "w.h5"))))
    image = rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    assert np.array_equal(ours(image).numpy(), theirs(image).numpy())


def test_what_is_refused():
    for changes, key, message in (
        ({"variant": "50"}, "variant", "no variant of resnet named '50'. Known: resnet50."),
        ({"alpha": 0.5}, "alpha", "resnet comes in one width; leave alpha at 1."),
        ({"weights": "imagenet"}, "weights", "resnet's published imagenet weights expect another normalisation (BGR,"),
        ({"weights": "bundled"}, "weights", "resnet resnet50 has no bundled weights; use none, or a file."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(RESNET50, **changes))
        assert found == key
        assert what.startswith(message)
    assert FAMILY.faults(dataclasses.replace(RESNET50, variant=None)) == ()
