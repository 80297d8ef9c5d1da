"""manifest.sig: who answers for a bundle. It signs the exact bytes of manifest.json, which names every other file's sha256."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edgetl.bundle import manifest, plain
from edgetl.bundle.faults import one
from edgetl.schema import Pattern, check
from edgetl.signing import SIGNATURE_BYTES, PublicKey, SecretKey
from edgetl.types import to_json

MAX_SIGNATURE_BYTES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The whole of manifest.sig. History: schema 1 = first."""

    schema: Literal[1]
    algorithm: Literal["Ed25519"]
    purpose: Literal["bundle"]
    key_id: Annotated[str, Pattern("[0-9a-f]{16}", "16 hexadecimal digits")]
    """See `PublicKey.id`; nothing signs it, so it is believed only of the key that checked."""
    signature: Annotated[str, Pattern("[A-Za-z0-9+/]{86}==", "64 bytes in base64")]


def sign(folder: Path, key: SecretKey) -> None:
    """Write the signature of a bundle beside its manifest; the same key and bundle give the same file.

    Args:
        folder: the bundle.
        key: of who answers for it.
    """
    signed = key.sign("bundle", (folder / manifest.FILE).read_bytes())
    plain.write(folder / manifest.SIGNATURE, to_json(_of(key.public.id, signed)))


def _of(key_id: str, signed: bytes) -> Signature:
    text = base64.b64encode(signed).decode("ascii")
    return Signature(schema=1, algorithm="Ed25519", purpose="bundle", key_id=key_id, signature=text)


def checked(data: bytes | None, signed: bytes, key: PublicKey | None, named: Path) -> str | None:
    """Check a signature before anything of the manifest is believed.

    Args:
        data: bytes of manifest.sig; None where there is none.
        signed: bytes of manifest.json.
        key: that must have signed; None = only the form is checked, and nothing is known of the origin.
        named: the bundle, for messages.

    Returns:
        The id of the key that signed; without `key`, the one that the file names; None without a signature.

    Raises:
        BundleFault: it is missing though a key is given, is not to the byte what `sign` writes, or does not fit.
    """
    if data is None:
        if key is not None:
            raise one(named, "signature missing", f"is not signed: it holds no {manifest.SIGNATURE}.")
        return None
    faults: list[str] = []
    try:
        value = plain.read(data)
        found = check(Signature, value, lambda where: where or "the file", faults)
        raw = base64.b64decode(found.signature, validate=True) if found is not None else b""
    except (ValueError, binascii.Error) as error:
        found, raw, faults = None, b"", [str(error)]
    if found is None or len(raw) != SIGNATURE_BYTES or plain.text(to_json(_of(found.key_id, raw))).encode() != data:
        why = f" ({faults[0]})" if faults else ""
        raise one(named, "signature form", f"its {manifest.SIGNATURE} is not as edgetl writes it{why}.")
    if key is None:
        return found.key_id
    if not key.accepts("bundle", signed, raw):
        if found.key_id != key.id:
            what = f"its {manifest.SIGNATURE} names the key {found.key_id}; the one given is {key.id}."
            raise one(named, "signed by another key", what)
        what = (
            f"its {manifest.SIGNATURE} does not fit its {manifest.FILE}: one of them was changed, or comes from another bundle."
        )
        raise one(named, "signature wrong", what)
    if found.key_id != key.id:
        what = f"its {manifest.SIGNATURE} names the key {found.key_id}, and {key.id} signed it; it was changed."
        raise one(named, "signature form", what)
    return key.id
