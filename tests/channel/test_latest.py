"""What is served by anyone: each tampering is refused, and named."""

import base64
import dataclasses
import hashlib
import json

import pytest

from edgetl import signing
from edgetl.channel import envelope, index, keys, publishing
from edgetl.channel.latest import Known, latest
from edgetl.channel.rotation import rotate
from edgetl.errors import ChannelRefused, InputError
from edgetl.types import to_json
from tests.channel.conftest import DAY, NOW, describe


@pytest.fixture
def served(who, blobs):
    """Three versions of `beta`, one of `stable`, as files; and the publisher."""
    for name in ("a", "b", "c"):
        publishing.publish(who, blobs(name), describe(blobs(name), rollout=5000))
    publishing.publish(dataclasses.replace(who, channel="stable"), blobs("d"), describe(blobs("d")))
    names = [f"beta/index/{n}.json" for n in (1, 2, 3)] + ["beta/newest.json", "stable/newest.json", "keys/1.json"]
    return {name: who.storage.read(name, 10**6) for name in names}, who


def _look(files, who, known=None, now_s=NOW):
    return latest(lambda path, limit: files.get(path), "beta", known or Known(trust=who.trust), now_s)


def _signed(data, change, key, purpose="channel index"):
    payload = json.loads(json.loads(data)["signed"])
    change(payload)
    return envelope.seal(purpose, payload, key)


def _text(data, old, new, key):
    """Signed, whatever text it is."""
    text = _edited(json.loads(data)["signed"], old, new).encode()
    signature = base64.b64encode(key.sign("channel index", text)).decode()
    return json.dumps({"schema": 1, "key": key.public.id, "signature": signature, "signed": text.decode()}).encode()


def _wrapped(data):
    """The same signed text in other bytes, as anybody can write it."""
    outer = json.loads(data)
    return json.dumps(dict(reversed(outer.items())), indent=1).encode()


def _digest(data):
    return hashlib.sha256(json.loads(data)["signed"].encode()).hexdigest()


def _edited(data, old, new):
    assert old in data
    return data.replace(old, new)


NEWEST = "beta/newest.json"


def _tampered(name, files, who):
    """The files after a tampering, and what is known before it."""
    newest, thief = files[NEWEST], signing.new_key()
    known = Known(trust=who.trust)
    if name in ("older index replayed", "everything rolled back", "another index of the same version"):
        known = _look(files, who)
    if name in ("older index replayed", "everything rolled back"):
        files[NEWEST] = files["beta/index/2.json"]
        if name == "everything rolled back":
            del files["beta/index/3.json"]
    if name == "another index of the same version":
        files[NEWEST] = _signed(newest, lambda p: p.update(created_s=NOW + 1), who.key)
    if name == "rollout moved":
        files[NEWEST] = _edited(newest, rb"\"rollout\":5000", rb"\"rollout\":9999")
    if name == "bundle swapped":
        sha = json.loads(json.loads(newest)["signed"])["releases"][0]["sha256"].encode()
        files[NEWEST] = _edited(newest, sha, b"0" * 64)
    if name == "index of another channel":
        files[NEWEST] = files["stable/newest.json"]
    if name == "pointer forged":
        files[NEWEST] = _signed(newest, lambda p: p.update(version=99), thief)
    if name == "key id borrowed":
        forged = json.loads(_signed(newest, lambda p: p.update(version=99), thief))
        files[NEWEST] = json.dumps({**forged, "key": who.key.public.id}).encode()
    if name == "signature of another purpose":
        files[NEWEST] = _signed(newest, lambda p: None, who.key, "bundle")
    if name == "key list by a stranger":
        payload = {"schema": 1, "version": 2, "previous": _digest(files["keys/1.json"])}
        payload["keys"] = [to_json(keys.listed(thief.public, rotates=True))]
        files["keys/2.json"] = envelope.seal("channel keys", payload, thief)
    if name == "key list by a key that may not rotate":
        robot = signing.new_key()
        rotate(who.storage, who.trust, who.key, (keys.listed(robot.public, rotates=False),), frozenset())
        files["keys/2.json"] = data = who.storage.read("keys/2.json", 10**6)
        payload = {"schema": 1, "version": 3, "previous": _digest(data)}
        payload["keys"] = [to_json(keys.listed(one.public, rotates=True)) for one in (robot, who.key)]
        files["keys/3.json"] = envelope.seal("channel keys", payload, robot)
    if name == "key list that does not follow":
        payload = json.loads(json.loads(files["keys/1.json"])["signed"]) | {"version": 2, "previous": "0" * 64}
        files["keys/2.json"] = envelope.seal("channel keys", payload, who.key)
    if name == "key list withheld":
        files[NEWEST] = _signed(newest, lambda p: p.update(keys=2), who.key)
    if name == "next version does not follow":
        files["beta/index/4.json"] = _signed(newest, lambda p: p.update(version=4, previous="0" * 64), who.key)
    if name == "half a file":
        files[NEWEST] = newest[: len(newest) // 2]
    if name == "a field too many":
        files[NEWEST] = _signed(newest, lambda p: p.update(extra=1), who.key)
    if name == "a key twice":
        files[NEWEST] = _edited(newest, b'{"schema": 1,', b'{"schema": 1, "schema": 1,')
    if name == "deeply nested":
        files[NEWEST] = b"[" * 900_000
    if name == "a path that escapes":
        files[NEWEST] = _signed(newest, lambda p: p["releases"][0]["files"][0].update(path="../x"), who.key)
    if name == "bundle too large":
        files[NEWEST] = _signed(newest, lambda p: p["releases"][0].update(size_bytes=10**13), who.key)
    if name in ("wrapped otherwise", "a key list wrapped otherwise"):
        where = NEWEST if name == "wrapped otherwise" else "keys/1.json"
        known = _look({**files, where: _wrapped(files[where])}, who)
        if name == "a key list wrapped otherwise":
            rotate(who.storage, who.trust, who.key, (keys.listed(signing.new_key().public, rotates=False),), frozenset())
            files["keys/2.json"] = who.storage.read("keys/2.json", 10**6)
    if name == "a line end in a version":
        files[NEWEST] = _signed(newest, lambda p: p["releases"][0].update(version="1\n../../x\n1\ny"), who.key)
    if name == "digits of another script":
        files[NEWEST] = _signed(newest, lambda p: p["releases"][0].update(min_app="\u0661"), who.key)
    if name == "counted beyond all numbers":
        files[NEWEST] = _signed(newest, lambda p: p.update(version=2**53 + 1), who.key)
    if name == "an exponent":
        files[NEWEST] = _text(newest, '"version":3', '"version":3e0', who.key)
    if name == "a number without end":
        files[NEWEST] = _text(newest, '"version":3', '"version":' + "9" * 5000, who.key)
    if name == "not a number":
        files[NEWEST] = _text(newest, '"created_s":', '"created_s":NaN,"x":', who.key)
    if name == "a signed key twice":
        files[NEWEST] = _text(newest, '"version":3', '"version":3,"version":4', who.key)
    if name == "a release twice":
        files[NEWEST] = _signed(newest, lambda p: p["releases"].append(p["releases"][-1]), who.key)
    if name == "a path that escapes behind a line separator":
        files[NEWEST] = _signed(newest, lambda p: p["releases"][0]["files"][0].update(path="a\u2028/../../x"), who.key)
    if name == "a field that has a default left out":
        files[NEWEST] = _signed(newest, lambda p: p["releases"][0].pop("min_app"), who.key)
    if name == "a listed key twice":
        payload = json.loads(json.loads(files["keys/1.json"])["signed"]) | {
            "version": 2,
            "previous": _digest(files["keys/1.json"]),
        }
        files["keys/2.json"] = envelope.seal("channel keys", payload | {"keys": payload["keys"] * 2}, who.key)
    if name == "nothing there":
        files.clear()
    return files, known


TAMPERINGS = {
    "older index replayed": None,  # the newest lies beside it and is found
    "everything rolled back": "older-index",
    "another index of the same version": "other-history",
    "rollout moved": "bad-signature",
    "bundle swapped": "bad-signature",
    "index of another channel": "other-channel",
    "pointer forged": "key-unknown",
    "key id borrowed": "bad-signature",
    "signature of another purpose": "bad-signature",
    "key list by a stranger": "key-unknown",
    "key list by a key that may not rotate": "key-unknown",
    "key list that does not follow": "other-history",
    "key list withheld": "keys-withheld",
    "next version does not follow": "other-history",
    "half a file": "malformed",
    "a field too many": "malformed",
    "a key twice": "malformed",
    "deeply nested": "malformed",
    "a path that escapes": "malformed",
    "bundle too large": "malformed",
    "nothing there": "missing",
    "wrapped otherwise": None,
    "a key list wrapped otherwise": None,
    "a line end in a version": "malformed",
    "digits of another script": "malformed",
    "counted beyond all numbers": "malformed",
    "an exponent": "malformed",
    "a number without end": "malformed",
    "not a number": "malformed",
    "a signed key twice": "malformed",
    "a release twice": "malformed",
    "a listed key twice": "malformed",
    "a field that has a default left out": "malformed",
    "a path that escapes behind a line separator": "malformed",
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampering_is_refused_and_named(name, served):
    files, known = _tampered(name, *served)
    if TAMPERINGS[name] is None:
        assert _look(files, served[1], known).held.index.version == 3
        return
    with pytest.raises(ChannelRefused) as error:
        _look(files, served[1], known)
    assert error.value.code == TAMPERINGS[name]
    assert ".json: " in str(error.value)


@pytest.mark.parametrize("version", [2**52, index.MAX_VERSION])
def test_a_stolen_key_that_counted_far_ahead_blocks_nobody(served, blobs, version):
    """It also says that it is the year 2500, so that all that is honest would have expired."""
    files, who = served
    thiefs = _signed(files[NEWEST], lambda p: p.update(version=version, created_s=NOW * 9, expires_s=NOW * 10), who.key)
    far = {**files, NEWEST: thiefs}
    known = _look(far, who)
    assert known.held.index.version == version
    who.storage.replace(NEWEST, thiefs)
    who.storage.replace(f"beta/index/{version}.json", thiefs)
    with pytest.raises(InputError, match=r"none can follow it|days from now.* keys --remove ID --stolen"):
        publishing.publish(who, blobs("e"), describe(blobs("e")))
    who.storage.replace(NEWEST, files[NEWEST])
    with pytest.raises(ChannelRefused) as error:
        _look(files, who, known)
    assert error.value.code == "older-index"
    new = signing.new_key()
    rotate(who.storage, who.trust, who.key, (keys.listed(new.public, rotates=True),), frozenset())
    publishing.renew(dataclasses.replace(who, key=new))
    rotate(who.storage, known.trust, new, (), frozenset({who.key.public.id}), stolen=True)
    who.storage.replace(NEWEST, far[NEWEST])
    made = publishing.publish(dataclasses.replace(who, key=new), blobs("e"), describe(blobs("e")), anew=True)
    assert made.index.version == 5, "publishers count what was created, not what newest.json says"
    now = {name: who.storage.read(name, 10**6) for name in (NEWEST, "keys/2.json", "keys/3.json")}
    assert _look({**files, **now}, who, known).held.index.version == 5


def test_every_byte_of_an_index_counts(served):
    files, who = served
    newest = files[NEWEST]
    for place in range(0, len(newest), 7):
        files[NEWEST] = newest[:place] + bytes([newest[place] ^ 1]) + newest[place + 1 :]
        with pytest.raises(ChannelRefused):
            _look(files, who)


def test_expiry_and_clocks(served):
    files, who = served
    assert _look(files, who, now_s=NOW + 30 * DAY - 1).held.index.version == 3
    with pytest.raises(ChannelRefused, match=r"version 3 expired 0.0 days ago by this clock, and its publisher") as error:
        _look(files, who, now_s=NOW + 30 * DAY)
    assert error.value.code == "expired"
    assert _look(files, who, now_s=0).held, "a clock that was never set"
    late = dataclasses.replace(who, now_s=NOW + 40 * DAY)
    publishing.renew(late)
    fresh = {**files, NEWEST: who.storage.read(NEWEST, 10**6), "beta/index/4.json": who.storage.read("beta/index/4.json", 10**6)}
    known = _look(fresh, who, now_s=0)
    stale = index.opened(files[NEWEST], "beta", who.trust.publishers, "x")
    assert known.held.index.created_s > stale.index.expires_s, "what was seen tells the time"


def test_a_pointer_that_was_left_behind_is_no_matter(served):
    files, who = served
    files[NEWEST] = files["beta/index/1.json"]
    assert _look(files, who).held.index.version == 3
    del files[NEWEST]
    known = Known(trust=who.trust, held=index.opened(files["beta/index/2.json"], "beta", who.trust.publishers, "x"))
    assert _look(files, who, known).held.index.version == 3


def test_the_signed_text_is_what_openssl_would_check(served):
    outer = json.loads(served[0][NEWEST])
    key = served[1].key.public
    message = b"edgetl channel index 1\n" + outer["signed"].encode()
    key._key().verify(base64.b64decode(outer["signature"]), message)
