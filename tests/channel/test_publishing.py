"""What publishers do, in memory and in folders; crashes after every step; two publishers at once."""

import dataclasses
import json
import threading

import pytest

from edgetl import signing
from edgetl.channel import effects, keys, publishing, serving
from edgetl.channel.latest import Known, latest
from edgetl.channel.release import of_bundle
from edgetl.channel.rotation import rotate
from edgetl.channel.standing import base
from edgetl.channel.storage import Storage
from edgetl.errors import ChannelRefused, InputError
from tests.channel.conftest import DAY, NOW, describe


def seen(who, now_s=NOW, known=None):
    """Newest index as a client finds it."""
    return latest(who.storage.read, who.channel, known or Known(trust=who.trust), now_s)


def tops(who, known=None):
    return [release.number for release in seen(who, known=known).held.index.releases]


def put(who, path, **rules):
    return publishing.publish(who, path, describe(path, **rules))


def test_publish_roll_out_and_roll_back(who, blobs):
    put(who, blobs("a"))
    put(who, blobs("b"), rollout=1000)
    third = publishing.rollout(who, 5000)
    assert [(r.number, r.rollout, r.salt) for r in third.index.releases] == [(2, 5000, "beta/2"), (1, 10_000, "beta/1")]
    put(who, blobs("c"))
    back = publishing.rollback(who)
    assert (back.index.version, back.index.action) == (5, "rollback")
    assert back.index.releases == third.index.releases, "with the rollout it had"
    assert tops(who) == [2, 1]
    assert publishing.rollback(who).index.releases[0].number == 1
    with pytest.raises(InputError, match="release 1 is the first; there is nothing to go back to"):
        publishing.rollback(who)
    put(who, blobs("c"))
    assert tops(who) == [7, 1], "a bundle may come again, as another release"
    assert seen(who).held.index.previous == base(who.storage, "beta", seen(who).trust).held.index.previous


def test_a_change_is_of_the_release_that_was_meant(who, blobs):
    put(who, blobs("a"))
    put(who, blobs("b"))
    for change in (lambda: publishing.rollback(who, 1), lambda: publishing.rollout(who, 1, 1)):
        with pytest.raises(InputError, match="the newest release is 2 by now, not 1"):
            change()


def test_releases_do_not_pile_up_and_the_one_for_everyone_stays(who, blobs):
    put(who, blobs("a"))
    for number in range(15):
        put(who, blobs(f"b{number}"), rollout=10)
    assert len(tops(who)) == 16
    with pytest.raises(InputError, match="more than 16 releases, none of them for everyone"):
        put(who, blobs("b"), rollout=10)
    assert len(tops(who)) == 16
    publishing.rollout(who, 10_000)
    put(who, blobs("c"))
    assert len(tops(who)) == 8


def test_two_publishers_at_once_lose_nothing(who, blobs):
    paths = [blobs(f"n{n}") for n in range(12)]
    errors = []

    def work(path):
        try:
            put(who, path)
        except Exception as error:  # noqa: BLE001 - told by the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not errors
    held = seen(who).held
    assert held.index.version == 12
    assert {release.title for release in held.index.releases} == {path.stem for path in paths}


class Crash(BaseException):
    pass


class Crashing(Storage):
    """Dies before or after its n-th writing."""

    def __init__(self, storage, when):
        for name in ("url", "_fs", "_root", "_local", "_memory"):
            setattr(self, name, getattr(storage, name))
        self.left = when

    def _dying(self, call, *arguments):
        if self.left in (0, 1):
            if self.left == 1:
                call(*arguments)
            raise Crash
        self.left -= 2
        return call(*arguments)

    def create(self, path, data):
        return self._dying(super().create, path, data)

    def put(self, path, file):
        return self._dying(super().put, path, file)

    def replace(self, path, data):
        return self._dying(super().replace, path, data)


@pytest.mark.parametrize("place", ["memory", "folder"])
def test_a_crash_at_any_step_leaves_the_version_before_or_after(who, blobs, place, tmp_path):
    survived = 0
    for when in range(20):
        storage = who.storage if place == "memory" else Storage(str(tmp_path / f"s{when}"))
        mine = dataclasses.replace(who, storage=storage, channel=f"beta{when}")
        before = None
        for step in range(2):
            dying = dataclasses.replace(mine, storage=Crashing(storage, when))
            try:
                put(dying, blobs(f"x{when}{step}"))
                survived += 1
            except Crash:
                pass
            if before is not None or step:
                continue
            put(mine, blobs(f"y{when}"))
            before = seen(mine)
        after = seen(mine, known=before)
        assert after.held.index.version in (before.held.index.version, before.held.index.version + 1)
        for release in after.held.index.releases:
            assert storage.sha256(publishing.bundle_path(release.sha256)) == release.sha256
        fresh = seen(mine)
        assert fresh.held == after.held, "a new client finds what an old one finds"
        put(mine, blobs("z"))
        assert seen(mine, known=after).held.index.version == after.held.index.version + 1
        assert json.loads(storage.read(f"{mine.channel}/newest.json", 10**6)) == json.loads(seen(mine).held.data)
    assert survived > 10, "the last ones must not have died at all"


def test_a_bundle_that_did_not_arrive_or_was_changed_is_not_published(who, blobs):
    path = blobs("a")
    where = publishing.bundle_path(describe(path).sha256)
    for spoiled in (b"short", bytes(path.stat().st_size)):
        who.storage.replace(where, spoiled)
        with pytest.raises(InputError, match="(has 5 bytes; .*|is not the bundle of that name)[.]? Somebody changed it"):
            put(who, path)
    assert who.storage.read("beta/newest.json", 1000) is None


def test_a_key_that_is_not_listed_may_not_publish(who, blobs):
    put(who, blobs("a"))
    stranger = signing.new_key()
    with pytest.raises(
        ChannelRefused, match=r"the key \w+ is not the one that these channels began with.* give --trust"
    ) as error:
        put(dataclasses.replace(who, key=stranger, trust=keys.only(stranger.public)), blobs("a"))
    assert error.value.code == "key-unknown"
    with pytest.raises(InputError, match=r"the key \w+ is not in key list 1"):
        put(dataclasses.replace(who, key=stranger), blobs("a"))


def test_keys_change_hands(who, blobs):
    put(who, blobs("a"))
    old, new, robot = who.key, signing.new_key(), signing.new_key()
    second = keys.listed(new.public, rotates=True)
    rotate(who.storage, who.trust, old, (second, keys.listed(robot.public, rotates=False)), frozenset())
    with pytest.raises(InputError, match="may not sign a key list"):
        rotate(who.storage, who.trust, robot, (), frozenset({old.public.id}))
    with pytest.raises(InputError, match="clients would refuse what a removed key signed"):
        rotate(who.storage, who.trust, new, (), frozenset({old.public.id}))
    with pytest.raises(InputError, match="no key to add or to remove"):
        rotate(who.storage, who.trust, new, (), frozenset())
    publishing.renew(dataclasses.replace(who, key=robot))
    known = seen(who)
    rotate(who.storage, who.trust, new, (), frozenset({old.public.id}))
    assert seen(who, known=known).trust.version == 3
    with pytest.raises(InputError, match="not in key list 3"):
        put(who, blobs("b"))
    put(dataclasses.replace(who, key=robot), blobs("b"))
    assert tops(who, known) == [3, 1], "a client built with the first key follows"


def test_a_stolen_key_loses_its_power_and_what_it_counted_ahead(who, blobs):
    put(who, blobs("a"))
    new = signing.new_key()
    rotate(who.storage, who.trust, who.key, (keys.listed(new.public, rotates=True),), frozenset())
    for number in range(5):
        put(who, blobs(f"evil{number}"))
    known = seen(who)
    rotate(who.storage, who.trust, new, (), frozenset({who.key.public.id}), stolen=True)
    with pytest.raises(ChannelRefused) as error:
        seen(who, known=known)
    assert error.value.code == "key-unknown"
    honest = dataclasses.replace(who, key=new)
    with pytest.raises(InputError, match="so nothing of it is carried on.* publish with --anew"):
        put(honest, blobs("b"))
    publishing.publish(honest, blobs("b"), describe(blobs("b")), anew=True)
    assert [r.title for r in seen(who, known=known).held.index.releases] == ["b"]
    assert publishing.renew(honest).index.version == 8
    with pytest.raises(InputError, match="nothing to go back to"):
        publishing.rollback(honest)


def test_storage_that_cannot_exclude_is_refused(who, blobs, monkeypatch):
    with pytest.raises(InputError, match="http/https cannot create a file only where there is none"):
        Storage("http://localhost/x")
    fs = who.storage._fs
    monkeypatch.setattr(fs, "pipe_file", lambda path, data, mode="": type(fs).pipe_file(fs, path, data))
    with pytest.raises(InputError, match="takes a second file of one name where it was told not to"):
        put(who, blobs("a"))


def test_a_release_of_a_bundle(bundle, tmp_path):
    path = bundle()
    bundled = path.with_suffix("")
    release = of_bundle(path).release
    assert [(f.path, f.format, f.size_bytes) for f in release.files] == [
        ("artifacts/small.tflite", "tflite", (bundled / "artifacts/small.tflite").stat().st_size),
        ("artifacts/small.mlpackage", "coreml", 3002),  # Manifest.json and the weights
    ]  # fmt: skip
    one = of_bundle(path, wanted=(("tflite/fp32", ("Pixel*",)),)).release
    assert [(f.path, f.devices) for f in one.files] == [("artifacts/small.tflite", ("Pixel*",))]
    with pytest.raises(InputError, match="no artifact 'onnx/fp32'. Known: "):
        of_bundle(path, wanted=(("onnx/fp32", ()),))
    failed = bundle("f", failed=("accuracy tflite/w8a8_qat",))
    with pytest.raises(InputError, match="was shipped although gates failed"):
        of_bundle(failed)
    assert of_bundle(failed, allow_failed=True).release.title == "f"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="is no zip|is not whole|truncated"):
        of_bundle(path)
    with pytest.raises(InputError, match="is a folder"):
        of_bundle(tmp_path)


def _manifest(*targets, verdicts=()):
    rows = []
    for size, target in enumerate(targets, start=1):
        form, _, scheme = target.partition("/")
        row = {"format": form, "scheme": scheme, "path": f"artifacts/{scheme}.{form}", "sha256": f"{size:064x}"}
        rows.append(row | {"size_bytes": size * 10**6, "delivered_bytes": size * 10**6, "accuracy": {"top1": 0.9}})
    fields = ("format", "scheme", "device", "gate", "outcome")
    told = [dict(zip(fields, (*name.split("/"), *rest), strict=True)) for name, *rest in verdicts]
    return {"artifacts": rows, "verdicts": told}


def _ship_set(folder, names, given, digests=None):
    rows = [{"name": name, "sha256": f"{(digests or {}).get(name, 0):064x}"} for name in names]
    served = [{"device": device, "given": {"artifact": name}} for device, name in given]
    value = {"schema": 1, "artifacts": rows, "served": served, "unserved": [{"device": "old-phone"}]}
    (folder / "shipset.json").write_text(json.dumps(value))


def test_which_file_of_a_format_is_not_guessed(tmp_path):
    """One file of each format: all are served. Several: the publisher is asked, and told what there is to choose from."""
    bundle = tmp_path / "bundle.zip"
    one = serving.chosen(bundle, _manifest("tflite/fp32", "onnx/w8"), ())
    assert (one.files, one.why) == ((("artifacts/fp32.tflite", ()), ("artifacts/w8.onnx", ())), "")
    verdicts = [
        ("tflite/fp32", None, "min_top1", "pass"), ("tflite/w8", None, "min_top1", "pass"),
        ("tflite/w4", None, "min_top1", "fail"),
        ("tflite/w8", "pixel-4", "latency_p90_ms", "unsure"), ("onnx/w8", "iphone", "latency_p90_ms", "skipped"),
    ]  # fmt: skip
    with pytest.raises(InputError) as error:
        serving.chosen(bundle, _manifest("tflite/w4", "tflite/w8", "tflite/fp32", "onnx/w8", verdicts=verdicts), ())
    text = str(error.value)
    assert "(smallest with the best verdicts: --artifact tflite/fp32 --artifact onnx/w8)" in text
    assert "tflite/w8: 2.00 MB delivered, top-1 90.00%, latency_p90_ms of pixel-4 unsure" in text
    assert "tflite/fp32: 3.00 MB delivered, top-1 90.00%, all 1 verdicts pass" in text and "onnx/w8: 4.00 MB" in text
    with pytest.raises(InputError, match="tflite/w8: tflite/w4 stands before it and takes all devices that run tflite"):
        serving.chosen(bundle, _manifest("tflite/w4", "tflite/w8"), (("tflite/w4", ()), ("tflite/w8", ())))
    named = serving.chosen(bundle, _manifest("tflite/w4", "tflite/w8"), (("tflite/w8", ("Moto*",)), ("tflite/w4", ())))
    assert named.files == (("artifacts/w8.tflite", ("Moto*",)), ("artifacts/w4.tflite", ()))


def test_the_ship_set_beside_a_bundle_says_what_is_served(tmp_path):
    bundle, manifest = tmp_path / "bundle.zip", _manifest("tflite/w4", "tflite/w8", "onnx/w8")
    _ship_set(tmp_path, ["tflite/w8"], [("pixel-4", "tflite/w8")], {"tflite/w8": 2})
    found = serving.chosen(bundle, manifest, ())
    assert found.files == (("artifacts/w8.tflite", ()),)
    assert "tflite/w8 for pixel-4. Left unserved: old-phone" in found.why and "iOS" not in found.why
    _ship_set(tmp_path, ["tflite/w8"], [("iphone-14-pro", "tflite/w8"), ("pixel-4", "tflite/w8")], {"tflite/w8": 2})
    assert "No app that edgetl writes for iOS runs tflite (iphone-14-pro)" in serving.chosen(bundle, manifest, ()).why
    _ship_set(tmp_path, ["tflite/w8"], [("pixel-4", "tflite/w8")])
    with pytest.raises(InputError, match="shipset.json: is of other files than bundle.zip"):
        serving.chosen(bundle, manifest, ())
    given = [("pixel-4", "tflite/w8"), ("moto", "tflite/w4")]
    _ship_set(tmp_path, ["tflite/w4", "tflite/w8"], given, {"tflite/w4": 1, "tflite/w8": 2})
    with pytest.raises(InputError, match=r"(?s)different files of one format.*--artifact 'tflite/w4=MODEL,…' for moto"):
        serving.chosen(bundle, manifest, ())
    (tmp_path / "shipset.json").write_text("[]")
    with pytest.raises(InputError, match="shipset.json: is no ship set that can be read"):
        serving.chosen(bundle, manifest, ())


def test_the_same_bundle_by_the_same_rules_is_no_release(who, blobs):
    put(who, blobs("a"), rollout=1000)
    with pytest.raises(InputError, match=r"is release 1 of beta already, by the same rules, for 10% of clients.* rollout`"):
        put(who, blobs("a"))
    assert seen(who).held.index.version == 1
    first = seen(who).held.index
    again = put(who, blobs("a"), rollout=1000, min_app="2.0").index
    assert "As release 2 it is drawn anew who is among the first 10%" in effects.told(first.releases, again)[0]
    put(who, blobs("b"))
    assert put(who, blobs("a"), rollout=1000, min_app="2.0").index.releases[0].number == 4, "an older one may come again"


def test_a_publisher_is_told_what_a_version_means_to_clients(who, blobs):
    def told(before, made):
        return " ".join(effects.told(before.index.releases, made.index))

    first = put(who, blobs("a"))
    narrow = publishing.rollout(who, 2000)
    assert "Narrowed from 100% to 20%: clients that have release 1 keep it, for there is none to go back to" in told(
        first, narrow
    )
    assert told(narrow, wide := publishing.rollout(who, 10_000)) == ""
    second = put(who, blobs("b"))
    assert told(wide, second) == ""
    narrow = publishing.rollout(who, 2000)
    assert "go back to release 1 when they look next" in told(second, narrow) and "channel rollback`" in told(second, narrow)
    assert "Release 4 is taken back: clients" in told(narrow, publishing.rollback(who))


def test_the_clock_of_a_publisher_may_be_behind(who, blobs):
    put(who, blobs("a"))
    made = put(dataclasses.replace(who, now_s=NOW - DAY), blobs("b"))
    assert made.index.created_s == NOW and made.index.expires_s == NOW + 30 * DAY


def test_a_version_from_days_ahead_is_not_carried_on(who, blobs):
    """A thief's date would pass from version to version, and clients would take it for the time once the key is withdrawn."""
    put(dataclasses.replace(who, now_s=NOW + 400 * DAY), blobs("a"))
    for change in (lambda: put(who, blobs("b")), lambda: publishing.renew(who)):
        with pytest.raises(InputError, match=r"version 1 of beta: was made 400.0 days from now .* keys --remove ID --stolen"):
            change()


def test_a_version_under_another_name_is_not_taken_up(who, blobs):
    """Whoever can write to the storage must not choose, without a key, what publishers go back to or go on from."""
    put(who, blobs("a"))
    put(who, blobs("b"))
    put(who, blobs("c"))
    old, newest = (who.storage.read(f"beta/index/{n}.json", 10**6) for n in (1, 2))
    who.storage.replace("beta/index/2.json", old)
    with pytest.raises(InputError, match=r"index/2.json: is version 1 under another name. No publisher wrote that"):
        publishing.rollback(who)
    who.storage.replace("beta/index/2.json", newest)
    who.storage.replace("beta/index/3.json", old)
    who.storage.replace("beta/newest.json", b"{}")
    with pytest.raises(InputError, match=r"index/3.json: is version 1 under another name"):
        publishing.renew(who)


def test_what_strangers_put_after_the_newest_is_named(who, blobs):
    put(who, blobs("a"))
    who.storage.replace("beta/index/2.json", b"{}")
    with pytest.raises(ChannelRefused, match=r"index/2.json: is no signed file .* or remove it if it is the newest"):
        put(who, blobs("b"))
    forged = dataclasses.replace(who, key=signing.new_key())
    data = json.loads(who.storage.read("beta/index/1.json", 10**6))
    who.storage.replace("beta/index/2.json", json.dumps({**data, "key": forged.key.public.id}).encode())
    with pytest.raises(InputError, match=r"key that is not listed.* If nobody knows it, somebody else can write here: remove "):
        put(who, blobs("b"))


def test_a_stranger_in_the_key_lists_is_named(who, blobs):
    put(who, blobs("a"))
    who.storage.replace("keys/2.json", b"{}")
    for change in (lambda: put(who, blobs("b")), lambda: rotate(who.storage, who.trust, who.key, (), frozenset())):
        with pytest.raises(ChannelRefused, match=r"^memory:\S+ keys/2.json: is no signed file .* No publisher wrote that"):
            change()


def test_nobody_is_sent_back_to_a_bundle_that_is_broken(who, blobs):
    put(who, blobs("a"))
    put(who, blobs("b"))
    where = publishing.bundle_path(describe(blobs("a")).sha256)
    who.storage.replace(where, bytes(2000))
    with pytest.raises(InputError, match="is not the bundle of that name. Clients could not go back to release 1"):
        publishing.rollback(who)


def test_a_storage_that_has_every_version_ends(who, blobs, monkeypatch):
    put(who, blobs("a"))
    real = Storage.read
    monkeypatch.setattr(Storage, "read", lambda self, path, limit: b"{}" if "/index/" in path else real(self, path, limit))
    with pytest.raises(ChannelRefused, match="is no signed file"):
        put(who, blobs("b"))


@pytest.mark.parametrize("change", ["rollback", "rollout", "renew"])
def test_a_channel_without_a_release(who, change):
    call = {"rollout": lambda: publishing.rollout(who, 10)}.get(change, lambda: getattr(publishing, change)(who))
    with pytest.raises(InputError, match=r"^memory://\S+: the channel 'beta' has no release.* `edgetl channel publish`"):
        call()
    assert who.storage.folders() == [], "nothing was made there"
