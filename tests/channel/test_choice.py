"""Who gets which release."""

import pytest

from edgetl.channel.choice import choose, numbers, place
from edgetl.channel.index import File, Index, Release, System
from edgetl.errors import InputError
from tests.channel.conftest import someone


def release(number, **changes):
    given = {"version": str(number), "title": "t", "sha256": "0" * 64, "size_bytes": 1, "rollout": 10_000}
    files = changes.pop("files", (File(path="a.tflite", format="tflite", size_bytes=1),))
    return Release(number=number, salt=f"beta/{number}", files=files, **{**given, **changes})


def index(*releases):
    return Index(
        schema=1,
        channel="beta",
        version=9,
        previous="0" * 64,
        keys=1,
        created_s=1,
        expires_s=2,
        action="publish",
        releases=releases,
    )


def test_the_place_is_the_head_of_a_sha256():
    # printf 'beta/1\nc1' | sha256sum; the first eight digits
    assert place("beta/1", "c1") == 0x97B8EE4A
    assert place("beta/1", "c2") == 0x3F9246B2
    assert place("beta/7", "Ümlaut-☃") == 0xFEC6F209


def test_more_rollout_only_adds_clients_and_the_share_is_right():
    clients = [f"client-{n}" for n in range(4000)]
    before = set()
    for rollout in (0, 100, 1000, 5000, 10_000):
        now = {c for c in clients if choose(index(release(3, rollout=rollout)), someone(id=c)).release}
        assert before <= now
        assert abs(len(now) / len(clients) - rollout / 10_000) < 0.025
        before = now
    other = {c for c in clients if choose(index(release(4, rollout=1000)), someone(id=c)).release}
    first = {c for c in clients if choose(index(release(3, rollout=1000)), someone(id=c)).release}
    assert 0.05 < len(other & first) / len(first) < 0.15, "another release meets others first"


@pytest.mark.parametrize(
    ("rule", "client", "reason"),
    [
        ({"min_app": "2.10"}, {"app": "2.9.9"}, "app"),
        ({"min_app": "2.10"}, {"app": "2.10.0"}, None),
        ({"systems": (System(name="android", version="15"),)}, {}, "system"),
        ({"systems": (System(name="ios", version="1"),)}, {}, "system"),
        ({"systems": (System(name="ios", version="1"), System(name="android", version="14.0"))}, {}, None),
        ({"devices": ("Pixel 8 Pro",)}, {}, "device"),
        ({"devices": ("Galaxy", "Pixel*")}, {}, None),
        ({"rollout": 0}, {}, "rollout"),
        ({"files": (File(path="a.onnx", format="onnx", size_bytes=1),)}, {}, "format"),
        ({"files": (File(path="a.tflite", format="tflite", size_bytes=1, devices=("x",)),)}, {}, "format"),
    ],
)
def test_rules(rule, client, reason):
    choice = choose(index(release(3, **rule), release(2)), someone(**client))
    assert choice.passed_over == (() if reason is None else ((3, reason),))
    assert choice.release.number == (3 if reason is None else 2)


def test_an_artifact_for_the_device():
    files = (
        File(path="small.tflite", format="tflite", size_bytes=1, devices=("Moto*",)),
        File(path="large.tflite", format="tflite", size_bytes=1),
    )
    assert choose(index(release(3, files=files)), someone(device="Moto G")).file.path == "small.tflite"
    assert choose(index(release(3, files=files)), someone()).file.path == "large.tflite"


def test_versions_are_numbers():
    assert numbers("2.10") > numbers("2.9") and numbers("2") == numbers("2.0.0")
    with pytest.raises(InputError, match="app: 'v2' must begin with one to four numbers"):
        someone(app="v2")
    rules = [release(3, min_app="2.0.5"), release(2)]
    taken = {
        app: choose(index(*rules), someone(app=app)).release.number for app in ("2.0.5-debug", "2.1 (7)", "2.0-debug", "2.x")
    }
    assert taken == {"2.0.5-debug": 3, "2.1 (7)": 3, "2.0-debug": 2, "2.x": 2}
