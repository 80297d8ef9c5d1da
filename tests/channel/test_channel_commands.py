"""What the commands tell a publisher whose channel is in trouble, and what they refuse before anything is written."""

import base64
import json

import pytest

from edgetl import signing


@pytest.fixture
def beta(edgetl, bundle, key, tmp_path):
    """Run `edgetl channel` on a channel with two releases; returns standard output and error."""
    (tmp_path / "k.key").write_bytes(key.pem())
    (tmp_path / "k.key").chmod(0o600)
    (tmp_path / "k.pub").write_bytes(key.public.pem())
    place = ("--at", "shop", "--channel", "beta")

    def run(command, *arguments, code=0, place=place):
        given = () if command in ("status", "check", "keys") else ("--key", "k.key")
        trust = ("--trust", "k.pub") if command in ("status", "check", "keys") else ()
        done = edgetl("channel", command, *arguments, *place, *given, *trust)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_rules_are_checked_before_anything_is_written(beta, bundle, tmp_path):
    made = bundle("a")
    assert "--min-app: '2.x' must be one to four numbers" in beta("publish", made, "--min-app", "2.x", code=2)
    assert "--os: 'android14' must be NAME=VERSION" in beta("publish", made, "--os", "android14", code=2)
    assert "none.zip: is not there. Give the bundle.zip" in beta("publish", "none.zip", code=2)
    assert not (tmp_path / "shop").exists()


def test_status_tells_losses_ends_and_remedies(beta, bundle, tmp_path):
    shop = tmp_path / "shop"
    assert "is not signed" in beta("publish", bundle("a"), "--valid-days", "30")
    status = json.loads(beta("status", "--json"))
    created_s, expires_s = status["index"]["created_s"], status["index"]["expires_s"]
    assert status["warnings"] == status["faults"] == []
    assert "Expires in 2.0 days" in beta("status", "--clock", str(expires_s - 2 * 86_400))
    late = beta("status", "--clock", str(expires_s + 86_400), code=1)
    assert "release 1: a" in late and "expired 1.0 days ago" in late and "channel renew --channel beta" in late
    assert created_s
    (shop / "beta/index/1.json").unlink()
    assert "any change puts it back" in beta("status", code=1)
    assert "was gone and is back" in beta("renew")
    (shop / "beta/newest.json").write_text("<html>")
    assert "It is a copy only: `edgetl channel renew --channel beta` makes it anew" in beta("status", code=2)
    beta("renew")
    assert "Channels here: beta." in beta("status", code=2, place=("--at", "shop", "--channel", "betta"))
    (tmp_path / "k.pub").write_bytes(signing.new_key().public.pem())
    assert "Is --trust what these channels began with?" in beta("status", code=2)


def test_a_stray_key_list_is_blamed_and_not_the_key(beta, bundle, tmp_path, key):
    from edgetl.channel import envelope

    beta("publish", bundle("a"))
    thief = signing.new_key()
    text = base64.b64encode(thief.public.raw).decode()
    payload = {"schema": 1, "version": 2, "previous": "", "keys": [{"public": text, "rotates": True}]}
    (tmp_path / "shop/keys/2.json").write_bytes(envelope.seal("channel keys", payload, thief))
    for trust in ((), ("--trust", "k.pub")):
        said = beta("renew", *trust, code=2)
        assert "keys/2.json: is signed by the key" in said and "No publisher wrote that" in said
        assert "not the one that these channels began with" not in said and "Is --trust" not in said


def test_keys_prints_what_to_build_into_an_app(beta, bundle, tmp_path, key):
    beta("publish", bundle("a"))
    new = signing.new_key()
    (tmp_path / "new.pub").write_bytes(new.public.pem())
    from edgetl.channel import keys
    from edgetl.channel.rotation import rotate
    from edgetl.channel.storage import Storage

    shop = Storage(str(tmp_path / "shop"))
    rotate(shop, keys.only(key.public), key, (keys.listed(new.public, rotates=False),), frozenset())
    found = json.loads(beta("keys", "--json", place=("--at", "shop")))
    line = new.public.pem().decode().splitlines()[1]
    assert found["version"] == 2 and found["sha256"] == keys.trusted(tmp_path / "shop/keys/2.json").sha256
    assert f'ListedKey(publicKey("{line}"), false)), "{found["sha256"]}")' in found["kotlin"]
    assert f'ListedKey(key: publicKey("{line}"), rotates: false)], sha256: "{found["sha256"]}")' in found["swift"]
