"""Versions that are gone: no publisher signs something else under a number that clients may have seen."""

import dataclasses
import json

import pytest

from edgetl import signing
from edgetl.channel import keys, publishing
from edgetl.channel.index import opened
from edgetl.channel.latest import Known, latest
from edgetl.channel.rotation import rotate
from edgetl.channel.standing import base
from edgetl.errors import ChannelRefused, InputError
from tests.channel.conftest import DAY, NOW, describe

NEWEST = "beta/newest.json"


def put(who, path, **rules):
    return publishing.publish(who, path, describe(path, **rules))


def seen(who, known=None):
    return latest(who.storage.read, who.channel, known or Known(trust=who.trust), NOW)


def remove(who, *paths):
    for path in paths:
        who.storage._fs.rm(who.storage._at(path))


def test_a_lost_version_comes_back_from_newest(who, blobs):
    """A deleted file must not undo a rollback, nor make clients that saw it refuse what follows."""
    put(who, blobs("a"))
    put(who, blobs("b"))
    publishing.rollback(who)
    known, third = seen(who), who.storage.read("beta/index/3.json", 10**6)
    remove(who, "beta/index/3.json")
    made = publishing.renew(who)
    assert who.storage.read("beta/index/3.json", 10**6) == third
    assert made.index.version == 4 and [r.number for r in made.index.releases] == [1]
    assert "beta/index/3.json was gone and is back" in who.notes[0]
    assert seen(who, known).held.index.version == 4
    remove(who, *(f"beta/index/{n}.json" for n in (1, 2, 3)))
    assert publishing.renew(who).index.version == 5, "older ones are missed by nobody who can start from newest.json"


def test_the_first_version_and_one_that_began_anew_come_back_too(who, blobs):
    first = put(who, blobs("a"))
    remove(who, "beta/index/1.json")
    assert publishing.renew(who).index.previous == first.sha256
    new = signing.new_key()
    rotate(who.storage, who.trust, who.key, (keys.listed(new.public, rotates=True),), frozenset())
    rotate(who.storage, who.trust, new, (), frozenset({who.key.public.id}), stolen=True)
    honest = dataclasses.replace(who, key=new)
    publishing.publish(honest, blobs("b"), describe(blobs("b")), anew=True)
    remove(who, "beta/index/3.json")
    assert publishing.renew(honest).index.version == 4


def test_a_version_that_follows_nothing_is_not_published_over(who, blobs):
    """What a stolen key counted ahead, or what an old backup lacks: the evidence stays, and both ways on are named."""
    made = put(who, blobs("a"))
    for number in range(2, 5):
        made = put(who, blobs(f"b{number}"))
    remove(who, "beta/index/3.json", "beta/index/4.json")
    evidence = who.storage.read(NEWEST, 10**6)
    for change in (lambda: publishing.renew(who), lambda: put(who, blobs("c")), lambda: publishing.rollback(who)):
        with pytest.raises(InputError) as error:
            change()
        for part in (f"{NEWEST}: is version 4", "beta/index/4.json is gone", "--past 4", f"--remove {made.key_id} --stolen"):
            assert part in str(error.value)
    assert who.storage.read(NEWEST, 10**6) == evidence


def test_a_thief_who_counted_ahead_is_told_and_shaken_off(who, blobs):
    ci = signing.new_key()
    rotate(who.storage, who.trust, who.key, (keys.listed(ci.public, rotates=False),), frozenset())
    put(who, blobs("a"))
    index = opened(who.storage.read(NEWEST, 10**6), "beta", (who.key.public,), "x").index
    evil = dataclasses.replace(index, version=900, created_s=NOW + 3650 * DAY, expires_s=NOW + 3651 * DAY, previous="0" * 64)
    who.storage.replace(NEWEST, evil.sealed(ci))
    known = seen(who)
    assert known.held.index.version == 900
    with pytest.raises(InputError, match=f"--remove {ci.public.id} --stolen"):
        publishing.renew(who)
    with pytest.raises(InputError, match="is version 900"):
        rotate(who.storage, who.trust, who.key, (), frozenset({ci.public.id}))
    rotate(who.storage, who.trust, who.key, (), frozenset({ci.public.id}), stolen=True)
    put(who, blobs("b"))
    assert seen(who, known).held.index.version == 2


def test_a_gap_is_not_filled_with_something_else(who, blobs):
    for name in "abcde":
        put(who, blobs(name))
    remove(who, NEWEST, "beta/index/3.json")
    with pytest.raises(InputError, match=r"beta/index/3.json: is gone, and version 4 is there. .*renew --past 4"):
        put(who, blobs("f"))
    who.storage.replace(NEWEST, who.storage.read("beta/index/2.json", 10**6))
    with pytest.raises(InputError, match=r"beta/index/3.json: is gone, and version 4 is there"):
        publishing.rollback(who)
    data = json.loads(who.storage.read("beta/index/4.json", 10**6))
    who.storage.replace("beta/index/4.json", json.dumps({**data, "key": signing.new_key().public.id}).encode())
    with pytest.raises(InputError, match=r"which no listed key signed: .* Remove beta/index/4.json"):
        publishing.renew(who)
    remove(who, "beta/index/4.json", "beta/index/5.json")
    assert base(who.storage, "beta", keys.follow(who.trust, who.storage.read)).version == 2


def test_a_publisher_counts_on_past_what_clients_saw(who, blobs):
    for name in "abcde":
        put(who, blobs(name))
    known = seen(who)
    remove(who, "beta/index/4.json", "beta/index/5.json")
    who.storage.replace(NEWEST, who.storage.read("beta/index/3.json", 10**6))
    with pytest.raises(ChannelRefused, match="version 5, seen before, is gone"):
        seen(who, known)
    made = publishing.renew(dataclasses.replace(who, past=5))
    assert made.index.version == 6 and seen(who, known).held.index.releases[0].number == 3
    assert publishing.rollback(who).index.releases[0].number == 2, "no version is missing"
    with pytest.raises(InputError, match="more than 1000 versions before 5000"):
        publishing.renew(dataclasses.replace(who, past=5000))


def test_all_but_a_publication_keeps_the_span(who, blobs):
    put(dataclasses.replace(who, valid_days=365), blobs("a"))
    mine = dataclasses.replace(who, valid_days=None)
    for made in (publishing.rollout(mine, 5000), publishing.renew(mine)):
        assert made.index.expires_s - made.index.created_s == 365 * DAY
    assert put(mine, blobs("b")).index.expires_s == NOW + 90 * DAY
