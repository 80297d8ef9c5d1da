"""Apps that share no code with edgetl are told their mistake; sound ones are told nothing."""

import dataclasses

import numpy as np
import pytest

from edgetl.replay import diagnosis
from edgetl.replay.hypotheses import singles

PLANTED = {
    "bgr": ("bgr",),
    "no_division": ("no_division",),
    "range_0_1": ("range_0_1",),
    "double_scaling": ("double_scaling",),
    "scale_doubled": ("scale_off",),
    "torch": ("imagenet_means",),
    "squash": ("squash",),
    "exif_ignored": ("exif_ignored",),
    "transposed": ("transposed",),
    "channels_first": ("channels_first",),
    "labels_shifted": ("labels_shifted",),
    "labels_shuffled": ("labels_sorted",),
    "nearest": ("nearest",),
}
SUBTLE = {"area": "area", "plain": "bilinear_without_antialias", "bicubic": "other_filter"}
DECODERS = ({"dct_method": "INTEGER_FAST"}, {"dct_method": "INTEGER_ACCURATE", "fancy_upscaling": False})


def _explained(world, app=None, count=20, **how):
    images = [(app or world.app).log(n, d, **how) for n, d in zip(world.names[:count], world.data, strict=False)]
    return diagnosis.explain(images, range(count), world.names, world.data, world.replays, world.network)


CASES = [("float32", planted) for planted in PLANTED] + [
    pytest.param("int8", planted, marks=() if planted in ("bgr", "nearest", "scale_doubled") else pytest.mark.slow)
    for planted in PLANTED
]


@pytest.mark.parametrize(("io", "planted"), CASES)
def test_each_planted_mistake_is_named(replayed, io, planted):
    finding = _explained(replayed(io), mistakes={planted}).finding
    assert finding.outcome == "named", finding.explanations[:3]
    assert finding.explanations[0].mistakes == PLANTED[planted]
    assert finding.explanations[0].posterior >= 0.95


@pytest.mark.parametrize("planted", SUBTLE)
def test_filters_are_told_apart_by_a_float_file(replayed, planted):
    finding = _explained(replayed("float32"), mistakes={planted}).finding
    assert finding.explanations[0].mistakes == (SUBTLE[planted],)
    # through an int8 network they drown in its steps: then nothing wrong is said, rather than a guess
    finding = _explained(replayed("int8"), mistakes={planted}).finding
    assert finding.outcome != "named" or finding.explanations[0].mistakes == (SUBTLE[planted],)


@pytest.mark.parametrize("io", ["float32", "int8"])
@pytest.mark.parametrize("decoder", DECODERS, ids=["fast", "plain"])
@pytest.mark.parametrize("say", ["probabilities", "top", "names"])
def test_a_sound_app_is_told_nothing(replayed, io, decoder, say):
    world = replayed(io)
    finding = _explained(world, decoder=decoder, say=say).finding
    assert finding.outcome != "named"
    assert not finding.explanations[0].mistakes
    if say != "names":
        assert finding.outcome == "none"


@pytest.mark.parametrize("io", ["float32", "int8"])
def test_other_kernels_are_no_mistake(replayed, io):
    world = replayed(io)
    assert _explained(world, world.reference).finding.outcome == "none"


def test_half_precision_is_no_mistake(replayed):
    world = replayed("float32")
    images = [world.app.log(n, d) for n, d in zip(world.names, world.data, strict=True)]
    rng = np.random.default_rng(0)
    noisy = []
    for image in images:
        logits = np.log(np.array(image.probabilities) + 1e-9) + rng.normal(0, 0.01, len(image.probabilities))
        shares = np.exp(logits) / np.exp(logits).sum()
        noisy.append(type(image)(file=image.file, probabilities=tuple(np.round(shares, 3).tolist())))
    found = diagnosis.explain(noisy, range(20), world.names, world.data, world.replays, world.network)
    assert found.finding.outcome == "none"


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ({"bgr", "nearest"}, {"bgr", "nearest"}),
        ({"squash", "range_0_1"}, {"squash", "range_0_1"}),
        ({"bgr", "labels_shifted"},) * 2,
    ],
)
def test_two_mistakes_at_once(replayed, planted, named):
    finding = _explained(replayed("float32"), mistakes=planted).finding
    assert (finding.outcome, set(finding.explanations[0].mistakes)) == ("named", named)


@pytest.mark.parametrize("planted", ["bgr", "scale_doubled", "labels_shifted"])
def test_three_rounded_classes_are_enough(replayed, planted):
    finding = _explained(replayed("float32"), mistakes={planted}, say="top").finding
    assert (finding.outcome, finding.explanations[0].mistakes) == ("named", PLANTED[planted])


def test_one_photo_is_refused_and_another_one_is_named_that_would_tell(replayed):
    world = replayed("int8")
    found = _explained(world, mistakes={"range_0_1"}, count=1, say="names")
    assert found.finding.outcome in ("undecided", "unexplained")
    assert found.telling is None or found.telling in world.names[1:]
    said = " ".join(diagnosis.words(found))
    assert "Likeliest mistake" not in said
    if found.finding.outcome == "undecided":
        assert "nothing is named below 95%" in said


@pytest.mark.slow
def test_answers_of_another_network_are_explained_by_nothing(replayed):
    world = replayed("float32")
    rng = np.random.default_rng(1)
    images = [world.app.log(n, d) for n, d in zip(world.names, world.data, strict=True)]
    strange = [type(i)(file=i.file, probabilities=tuple(rng.dirichlet(np.full(10, 0.3)).tolist())) for i in images]
    found = diagnosis.explain(strange, range(20), world.names, world.data, world.replays, world.network)
    assert found.finding.outcome == "unexplained"
    assert "No mistake that edgetl knows" in diagnosis.words(found)[0]


def test_what_photos_cannot_show_is_said(replayed):
    world = replayed("float32")
    square = [row for row, name in enumerate(world.names) if name.endswith("_001.jpg")]
    images = [world.app.log(world.names[row], world.data[row]) for row in square]
    found = diagnosis.explain(images, square, world.names, world.data, world.replays, world.network)
    assert found.finding.outcome == "none"
    assert found.finding.unseen == ("exif_ignored",)
    assert diagnosis.words(found)[-1] == "These photos cannot show: exif_ignored."
    many = ("a + b", *"cdefgh", "c + d")
    cut = dataclasses.replace(found, finding=dataclasses.replace(found.finding, unseen=many))
    assert diagnosis.words(cut)[-1] == "These photos cannot show: c, d, e, f, g, h and 2 more (--json lists all)."


@pytest.mark.parametrize("planted", ["area", "plain", "bicubic", "range_0_1"])
def test_samples_of_the_input_need_few_photos(replayed, planted):
    from edgetl.tensors import sample_at

    world = replayed("int8")
    finding = _explained(world, mistakes={planted}, count=6, places=sample_at(96, "NHWC")).finding
    assert finding.outcome == "named"
    assert finding.explanations[0].mistakes == ((SUBTLE[planted],) if planted in SUBTLE else PLANTED[planted])


def test_costs_are_those_of_an_app_that_makes_the_mistake(replayed):
    world = replayed("float32")
    costs = {cost.name: cost for cost in diagnosis.costs(world.replays, singles(world.given), world.labels)}
    assert costs["none"].agreement == 1.0
    assert costs["none"].top1 > 0.5 > costs["no_division"].top1
    assert costs["none"].interval[0] < costs["none"].top1 < costs["none"].interval[1]
    for planted, name in (("bgr", "bgr"), ("labels_shifted", "labels_shifted (next name)"), ("transposed", "transposed")):
        logs = [world.app.log(n, d, mistakes={planted}) for n, d in zip(world.names, world.data, strict=True)]
        said = np.array([np.argmax(image.probabilities) for image in logs])
        assert abs(float((said == world.labels).mean()) - costs[name].top1) <= 0.1
