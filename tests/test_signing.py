"""Signatures: of RFC 8032's kind, for one purpose, by keys that others cannot read."""

import subprocess
from pathlib import Path

import pytest

from edgetl import signing
from edgetl.errors import InputError


@pytest.fixture
def files(tmp_path):
    key = signing.new_key()
    secret, public = tmp_path / "release.key", tmp_path / "release.pub"
    secret.write_bytes(key.pem())
    secret.chmod(0o600)
    public.write_bytes(key.public.pem())
    return secret, public


def test_a_signature_holds_for_its_purpose_its_bytes_and_its_key(files):
    secret, public = signing.secret_key(files[0]), signing.public_key(files[1])
    signature = secret.sign("bundle", b"manifest")
    assert signature == secret.sign("bundle", b"manifest"), "deterministic"
    assert public.accepts("bundle", b"manifest", signature)
    assert not public.accepts("channel index", b"manifest", signature)
    assert not public.accepts("bundle", b"manifesT", signature)
    assert not public.accepts("bundle", b"manifest", signature[:-1])
    assert not signing.new_key().public.accepts("bundle", b"manifest", signature)


def test_the_message_and_the_keys_are_what_openssl_understands(files, tmp_path):
    (tmp_path / "message").write_bytes(b"edgetl bundle 1\nmanifest")
    signature = signing.secret_key(files[0]).sign("bundle", b"manifest")
    (tmp_path / "signature").write_bytes(signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", files[1], "-rawin", "-in", "message", "-sigfile", "signature"]
    try:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")


def test_a_key_others_can_read_is_refused(files):
    files[0].chmod(0o640)
    with pytest.raises(InputError, match=r"release\.key: others can read this secret key. Run: chmod 600"):
        signing.secret_key(files[0])


def test_the_key_may_stand_in_the_environment_and_is_never_shown(files, monkeypatch):
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    assert signing.secret_key(None) is None
    monkeypatch.setenv(signing.VARIABLE, files[0].read_text())
    key = signing.secret_key(None)
    assert key.public == signing.public_key(files[1])
    assert files[0].read_text().splitlines()[1] not in repr(key)
    monkeypatch.setenv(signing.VARIABLE, "nonsense")
    with pytest.raises(InputError, match=r"\$EDGETL_SIGNING_KEY: is no unencrypted secret key"):
        signing.secret_key(None)


def test_other_files_are_refused_in_words(files, tmp_path):
    with pytest.raises(InputError, match=r"release\.pub: is a public key, which checks and cannot sign"):
        signing.secret_key(files[1])
    with pytest.raises(InputError, match="is a secret key. Give the public one"):
        signing.public_key(files[0])
    other = tmp_path / "rsa.pub"
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    other.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(InputError, match="must be Ed25519"):
        signing.public_key(other)
    for content in (b"", b"\x00" * 100, b"x" * 20_000):
        other.write_bytes(content)
        with pytest.raises(InputError):
            signing.public_key(other)
    with pytest.raises(InputError, match="cannot be read"):
        signing.public_key(Path(tmp_path / "absent.pub"))
