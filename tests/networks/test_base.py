"""A small drawing, counted by hand; and the door that finds a network by name."""

import pytest

from edgetl import registry
from edgetl.errors import InputError, UnknownName
from edgetl.networks._base import Drawing, divisible
from edgetl.networks._find import draw, members


def _row(layer):
    return layer.kind, layer.macs, layer.weights, layer.inputs, layer.outputs


def test_a_small_network_is_what_paper_and_pencil_say():
    net = Drawing(8)
    net.conv(4, 3, 2)  # 8x8x3 -> 4x4x4
    net.depthwise(3, act="hard_swish")
    net.combine()
    net.squeeze_excite(2)
    net.global_pool()
    net.dense(10)
    assert [_row(layer) for layer in net.network().layers] == [
        ("conv", 16 * 4 * 27, 4 * 28, 192, 64),
        ("depthwise", 64 * 9, 4 * 10, 64, 64),
        ("activation", 0, 0, 64, 64),
        ("elementwise", 0, 0, 128, 64),
        ("pool", 0, 0, 64, 4),
        ("conv", 8, 10, 4, 2),
        ("conv", 8, 12, 2, 4),
        ("activation", 0, 0, 4, 4),
        ("elementwise", 0, 0, 68, 64),
        ("pool", 0, 0, 64, 4),
        ("dense", 40, 50, 4, 10),
    ]
    assert (net.network().macs, net.network().weights, net.network().input_px) == (1728 + 576 + 16 + 40, 224, 8)


@pytest.mark.parametrize(
    ("how", "side"),
    [({}, 4), ({"valid": True}, 3), ({"pad": 1}, 4), ({"pad": 0}, 3), ({"stride": 1}, 7), ({"stride": 1, "valid": True}, 5)],
)
def test_padding_decides_the_size(how, side):
    net = Drawing(7)
    net.conv(2, 3, **{"stride": 2, **how})
    assert net.shape == (side, side, 2)


def test_a_pool_may_round_up():
    sizes = []
    for ceil in (False, True):
        net = Drawing(112)
        net.pool(3, 2, valid=True, ceil=ceil)
        sizes.append(net.shape[0])
    assert sizes == [55, 56]


def test_grouped_convolutions_read_a_group_only():
    net = Drawing(4, channels=8)
    net.conv(16, 3, groups=2, bias=False)
    layer = net.layers[0]
    assert (layer.kind, layer.fan_in, layer.weights, layer.macs) == ("conv", 36, 16 * 36, 16 * 16 * 36)


@pytest.mark.parametrize(("value", "rounded"), [(3, 8), (12, 16), (11.9, 16), (27, 32), (28, 32), (67.2, 64), (72, 72), (42, 40)])
def test_channels_are_rounded_as_tf_slim_rounds_them(value, rounded):
    assert divisible(value) == rounded


def test_no_two_families_draw_the_same_name():
    names = [model for family in registry.names("networks") for model in registry.load("networks", family).MODELS]
    assert sorted(names) == sorted(members())


@pytest.mark.parametrize("model", members())
def test_every_member_is_drawn_at_its_usual_size(model):
    module = registry.load("networks", members()[model])
    network = draw(model)
    assert network is draw(model, 1.0, module.MODELS[model]), "cached"
    assert network.macs > 1e6
    assert network.weights > 1e4
    assert all(min(layer.inputs, layer.outputs) > 0 and layer.macs >= 0 for layer in network.layers)
    assert set(module.WIDTHS) <= set(module.MODELS)
    for alpha in module.WIDTHS.get(model) or ((0.5, 1.4) if model in module.WIDTHS else ()):
        assert alpha == 1.0 or draw(model, alpha).macs != network.macs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnet50", 0.5), "comes in one width"),
        (("mobilenet_v1", 0.01), "0.05 to 4"),
        (("mobilenet_v1", float("nan")), "0.05 to 4"),
        (("mobilenet_v1", 1.0, 0), "1 to 4096"),
        (("mobilenet_v1", 1.0, 4097), "1 to 4096"),
        (("mobilenet_v1", 1.0, 224.0), "1 to 4096"),
    ],
)
def test_silly_sizes_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        draw(*arguments)


def test_a_window_larger_than_the_image_is_refused():
    net = Drawing(4)
    with pytest.raises(InputError, match="4 px: too small"):
        net.conv(8, 7, valid=True)


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UnknownName, match="no network named 'mobilenet_v22'. Did you mean 'mobilenet_v2'"):
        draw("mobilenet_v22")
