"""Ed25519 signatures over bytes, each for one purpose: a signature of a bundle is none of a channel's index.

Keys are PEM files (PKCS #8 and SubjectPublicKeyInfo), as `openssl genpkey -algorithm ed25519` writes them. A secret key comes
from a file or from the environment, never from the command line, where other users of the computer could read it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgetl.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VARIABLE = "EDGETL_SIGNING_KEY"
"""Environment variable that may hold the PEM text of a secret key."""
SIGNATURE_BYTES = 64
_MAX_BYTES = 10_000
Purpose = Literal["bundle", "channel index", "channel keys"]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a signature is checked with."""

    raw: bytes
    """The 32 bytes of RFC 8032."""

    @property
    def id(self) -> str:
        """First 16 hexadecimal digits of the sha256 of `raw`: a name for people and files; nothing is trusted by it."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def pem(self) -> bytes:
        """The key as a PEM file."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        found: bytes = self._key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return found

    def accepts(self, purpose: Purpose, data: bytes, signature: bytes) -> bool:
        """Whether a signature is this key's, for that purpose, over exactly these bytes."""
        from cryptography.exceptions import InvalidSignature

        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            self._key().verify(signature, _message(purpose, data))
        except InvalidSignature:
            return False
        return True

    def _key(self) -> Ed25519PublicKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return Ed25519PublicKey.from_public_bytes(self.raw)


@dataclass(frozen=True, slots=True)
class SecretKey:
    """What signs. Its text is never shown."""

    key: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """The key that others check with."""
        return PublicKey(self.key.public_key().public_bytes_raw())

    def sign(self, purpose: Purpose, data: bytes) -> bytes:
        """Sign bytes: 64 bytes, always the same for the same key, purpose and data (RFC 8032)."""
        signed: bytes = self.key.sign(_message(purpose, data))
        return signed

    def pem(self) -> bytes:
        """The key as a PEM file, unencrypted."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        found: bytes = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return found


def _message(purpose: Purpose, data: bytes) -> bytes:
    return f"edgetl {purpose} 1\n".encode() + data


def new_key() -> SecretKey:
    """Draw a new key from the system's randomness."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return SecretKey(Ed25519PrivateKey.generate())


def new_pair(name: Path) -> tuple[Path, Path, str]:
    """Draw a key and write it and its public half beside each other.

    Args:
        name: path of both files, without their ending.

    Returns:
        `NAME.key`, which only its owner can read; `NAME.pub`; the key's id.

    Raises:
        InputError: one of them is there already, or they cannot be written.
    """
    if name.name in ("", ".."):
        raise InputError(f"{name}: is no name for a pair of keys.")
    secret, public = name.with_name(f"{name.name}.key"), name.with_name(f"{name.name}.pub")
    there = [path for path in (secret, public) if path.exists() or path.is_symlink()]
    if there:
        raise InputError(f"{there[0]}: is there already, and a key is never overwritten. Choose another name.")
    key = new_key()
    made: list[Path] = []
    try:
        for path, data, mode in ((secret, key.pem(), 0o600), (public, key.public.pem(), 0o644)):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                made.append(path)
                file.write(data)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise InputError(f"{error.filename or name}: cannot be written ({error.strerror or error}).") from error
    return secret, public, key.public.id


def secret_key(file: Path | None) -> SecretKey | None:
    """Load the key to sign with.

    Args:
        file: a PEM file that only its owner can read; None = what the environment variable holds.

    Returns:
        The key; None where neither is given.

    Raises:
        InputError: it is no Ed25519 secret key, or others can read the file.
    """
    if file is None:
        text = os.environ.get(VARIABLE)
        return None if not text else SecretKey(_secret(text.encode(), f"${VARIABLE}"))
    data = _read(file)
    if b"PUBLIC KEY" in data:
        raise InputError(f"{file}: is a public key, which checks and cannot sign. Give the secret one (NAME.key).")
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise InputError(f"{file}: others can read this secret key. Run: chmod 600 {file}")
    return SecretKey(_secret(data, str(file)))


def public_key(file: Path) -> PublicKey:
    """Load a key to check with.

    Raises:
        InputError: it is no Ed25519 public key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = _read(file)
    if b"PRIVATE KEY" in data:
        raise InputError(f"{file}: is a secret key. Give the public one; keep this one to yourself.")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{file}: is no public key in PEM. `edgetl ship key NAME` makes a pair.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{file}: is a key of another kind; must be Ed25519.")
    return PublicKey(key.public_bytes_raw())


def _secret(data: bytes, where: str) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise InputError(f"{where}: is no unencrypted secret key in PEM. `edgetl ship key NAME` makes a pair.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{where}: is a key of another kind; must be Ed25519.")
    return key


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error}).") from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"{file}: is too large for a key.")
    return data
