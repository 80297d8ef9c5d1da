"""What a channel signs: a JSON text carried as one string beside its signature, so that nobody needs a canonical form of JSON.

`{"schema": 1, "key": ID, "signature": BASE64, "signed": TEXT}`; signed is `edgetl PURPOSE 1`, a line end and TEXT in UTF-8.
Two files are the same when their TEXT is: anybody can write what lies around it in another way, and the signature still holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edgetl.channel.strict_json import parsed
from edgetl.errors import ChannelRefused
from edgetl.schema import check
from edgetl.signing import PublicKey, Purpose, SecretKey
from edgetl.types import to_json

_FIELDS = {"schema", "key", "signature", "signed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """What a key signed."""

    payload: dict[str, Any]
    key_id: str
    sha256: str
    """Of the signed text: what the next version names as the one before it."""


def seal(purpose: Purpose, payload: dict[str, Any], key: SecretKey) -> bytes:
    """Sign a payload.

    Args:
        purpose: what the signature is for.
        payload: plain JSON values.
        key: signs.

    Returns:
        The bytes of the file; the same each time (Ed25519 draws nothing).
    """
    text = json.dumps(payload, separators=(",", ":"))
    signature = base64.b64encode(key.sign(purpose, text.encode())).decode()
    return json.dumps({"schema": 1, "key": key.public.id, "signature": signature, "signed": text}).encode()


def unseal(purpose: Purpose, data: bytes, keys: Iterable[PublicKey], where: str) -> Unsealed:
    """Read what one of `keys` signed.

    Args:
        purpose: what the signature must be for.
        data: of the file.
        keys: that may have signed it.
        where: names the file in messages.

    Returns:
        The payload, the id of its key, and the text's digest.

    Raises:
        ChannelRefused: `malformed`, `key-unknown` or `bad-signature`.
    """
    outer = parsed(data, where)
    if set(outer) != _FIELDS or outer["schema"] != 1 or not all(isinstance(outer[n], str) for n in _FIELDS - {"schema"}):
        raise ChannelRefused("malformed", f"{where}: is no signed file of a channel, or of another version of edgetl.")
    found = [key for key in keys if key.id == outer["key"]]
    if not found:
        raise ChannelRefused("key-unknown", f"{where}: is signed by the key {outer['key'][:16]!r}, which may not.")
    try:
        signature = base64.b64decode(outer["signature"], validate=True)
        signed = outer["signed"].encode()
    except (binascii.Error, ValueError) as error:
        raise ChannelRefused("malformed", f"{where}: its signature is no base64.") from error
    if not any(key.accepts(purpose, signed, signature) for key in found):
        raise ChannelRefused("bad-signature", f"{where}: is not what the key {outer['key']} signed as a {purpose}.")
    return Unsealed(payload=parsed(signed, where), key_id=outer["key"], sha256=hashlib.sha256(signed).hexdigest())


def record_of(kind: type, payload: dict[str, Any], where: str) -> Any:
    """Make a record of a payload.

    Raises:
        ChannelRefused: `malformed`: a field is missing, unknown or out of range.
    """
    faults: list[str] = []
    record = check(kind, payload, lambda key: key or "all of it", faults)
    if record is None:
        raise ChannelRefused("malformed", f"{where}: does not hold: {'; '.join(faults[:5])[:600]}")
    if to_json(record) != payload:  # defaults are for who writes; other languages know none
        raise ChannelRefused("malformed", f"{where}: lacks a field.")
    return record
