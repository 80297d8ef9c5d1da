"""The figures of every family are those of the network it builds, and of what others published about it."""

import csv
from pathlib import Path

import pytest

from edgetl import registry
from edgetl.recipe import Backbone

MEMBERS = [(name, key) for name in registry.names("backbones") for key in registry.load("backbones", name).SPECS]
SMALL_M = 8.0
"""Parameters in millions up to which a network is built in the fast tier, and of each family the smallest alone: the same
formula gives the figures of the rest."""
PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "device-latency" / "model_facts.csv"
OTHER_COUNTS = {
    "mobilenet_v3": "its own classifier has one more dense layer, of 1024 or 1280 units",
    "efficientnet_lite": "its README counts 3 to 6 % more macs than the convolutions have",
    "vgg": "its own classifier has two more dense layers, of 4096 units",
}
"""Why published figures differ from a network with one dense layer, by more than 1 %."""

WRONG = {("mobilenet_v1_0.75", "317.0"): "TF-slim's table alone says so; the paper, Keras and the count say 325"}
"""Published macs that the count contradicts."""


def _member(name, key):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    spec = registry.load("backbones", name).SPECS[key]
    section = Backbone(name=name, variant=spec.variant, alpha=spec.alpha, input_px=spec.input_px, weights="none")
    return spec, registry.load("backbones", name).build(section)


def _marked(name, key):
    specs = registry.load("backbones", name).SPECS
    least = min(spec.params_m for spec in specs.values())
    large = specs[key].params_m > min(SMALL_M, least)
    return pytest.param(name, key, marks=[pytest.mark.slow] if large else [], id=key)


def _rows(name, spec):
    """Published rows (macs in millions or None, params with classifier in millions) of one member at its size."""
    model = spec.variant or name
    if name in ("efficientnet_lite", "mobilenet_v3"):
        model = f"{name}{spec.variant.removeprefix('lite')}" if name == "efficientnet_lite" else f"{name}_{spec.variant}"
    with PUBLISHED.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == model and row["source"] != "PaddleClas"]
    same = [row for row in rows if not row["alpha"] or float(row["alpha"]) == spec.alpha]
    return [row for row in same if not row["mmacs"] or row["input_size"] == str(spec.input_px)]


def _close(counted, published):
    """Within 1 %, or what rounding the published figure can hide."""
    digits = len(published.partition(".")[2].rstrip("0"))
    return abs(counted - float(published)) <= max(0.01 * float(published), 0.5 * 10.0**-digits)


@pytest.mark.parametrize(("name", "key"), [_marked(*member) for member in MEMBERS])
def test_they_are_counted_from_the_network(name, key):
    from edgetl.nn import work

    spec, model = _member(name, key)
    macs, params = work.count(model)
    features = model.output.shape[-1]
    assert (macs + features * 1000) / 1e6 == pytest.approx(spec.macs_m, rel=0.01)
    assert params / 1e6 == pytest.approx(spec.params_m, rel=0.01, abs=0.005)
    if not PUBLISHED.is_file():
        pytest.skip("counted only: the published figures are not beside this checkout")
    if name in OTHER_COUNTS:
        pytest.skip(f"counted only: published are other figures, {OTHER_COUNTS[name]}")
    conventions = _with_classifier(model, features)
    for row in _rows(name, spec):
        where = f"{row['source']}: {row['mmacs'] or '-'} M macs, {row['mparams']} M params; counted {conventions}"
        if row["mmacs"] and (key, row["mmacs"]) not in WRONG:
            assert _close((macs + features * 1000) / 1e6, row["mmacs"]), where
        assert not row["mparams"] or any(_close(value, row["mparams"]) for value in conventions), where


def _with_classifier(model, features):
    """Millions of parameters with 1000 classes, as some count them: all, those that are trained, none of batch normalisation."""
    from edgetl.nn import work

    normalisation = sum(layer.count_params() for layer in model.layers if type(layer).__name__ == "BatchNormalization")
    counts = (model.count_params(), work.trained(model), model.count_params() - normalisation)
    return [(count + features * 1000 + 1000) / 1e6 for count in counts]


def test_a_published_figure_that_is_wrong_would_be_noticed():
    assert _close(41.03, "41.0")
    assert not _close(41.9, "41.0")
    assert _close(7.979, "7.99")
    assert not _close(8.2, "7.99")


def test_every_kind_of_convolution_is_counted():
    import tf_keras

    from edgetl.errors import InputError
    from edgetl.nn import work

    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 4))
    x = layers.Conv2D(8, 3, strides=2, padding="same", groups=2)(image)  # 4·4 places, 3·3·2 inputs, 8 outputs
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)  # 4·4 places, 3·3 inputs, 16 outputs
    x = layers.BatchNormalization()(x)
    x = layers.SeparableConv2D(5, 3)(x)  # 2·2 places, 3·3 inputs for 16 channels, then 16 to 5
    x = layers.Dense(3)(layers.Flatten()(x))
    macs, params = work.count(tf_keras.Model(image, x))
    assert macs == 16 * 9 * 2 * 8 + 16 * 9 * 16 + 4 * (9 * 16 + 16 * 5) + 20 * 3
    assert params == (9 * 2 * 8 + 8) + (9 * 16 + 16) + 4 * 16 + (9 * 16 + 16 * 5 + 5) + (20 * 3 + 3)
    assert work.trained(tf_keras.Model(image, x)) == params - 2 * 16
    with pytest.raises(InputError, match="the work of a Conv1D is not known"):
        sequence = tf_keras.Input((8, 4))
        work.count(tf_keras.Model(sequence, layers.Conv1D(2, 3)(sequence)))
