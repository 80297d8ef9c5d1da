"""Change who may publish: a new list of keys, signed by a key of the list before."""

from __future__ import annotations

from edgetl.channel import keys
from edgetl.channel.keys import ListedKey, Trust
from edgetl.channel.paths import RESERVED
from edgetl.channel.standing import base, trusted
from edgetl.channel.storage import Storage
from edgetl.channel.strict_json import MAX_BYTES
from edgetl.errors import InputError
from edgetl.signing import SecretKey


def rotate(
    storage: Storage, trust: Trust, key: SecretKey, add: tuple[ListedKey, ...], remove: frozenset[str], *, stolen: bool = False
) -> Trust:
    """Write the next list.

    Args:
        storage: of the channels.
        trust: where the trust begins.
        key: signs the list; must be one that rotates.
        add: keys that may sign from now on; one that is listed is replaced.
        remove: ids of keys that may not any longer.
        stolen: whether a removed key may have signed a channel's newest index; clients then refuse that index.

    Returns:
        What is trusted now.

    Raises:
        InputError: the key may not rotate, an id is unknown, a channel still needs a removed key, or another list came first.
    """
    now = trusted(storage, trust)
    if key.public not in [listed.key for listed in now.keys if listed.rotates]:
        raise InputError(f"{storage.url}: the key {key.public.id} may not sign a key list after version {now.version}.")
    if not add and not remove and now.version:
        raise InputError(f"{storage.url}: no key to add or to remove. `edgetl channel status` shows key list {now.version}.")
    if unknown := remove - {listed.key.id for listed in now.keys}:
        listed_ids = ", ".join(listed.key.id for listed in now.keys)
        raise InputError(f"{storage.url}: no key {', '.join(sorted(unknown))} in key list {now.version}. Listed: {listed_ids}.")
    if remove and not stolen:
        channels = [name for name in storage.folders() if name not in RESERVED]
        needing = [n for n in channels if (held := base(storage, n, now).held) is not None and held.key_id in remove]
        if needing:
            rows = [f"{name}: run `edgetl channel renew --channel {name}` with another key first" for name in needing]
            raise InputError(f"{storage.url}: clients would refuse what a removed key signed. If it was stolen: --stolen.", rows)
    added = {listed.public for listed in add}
    kept = tuple(listed for listed in now.keys if listed.key.id not in remove and listed.public not in added)
    data = keys.sealed(now, (*kept, *add), key)
    where = keys.path(now.version + 1)
    if now.version:
        storage.must_exclude(keys.path(now.version), storage.read(keys.path(now.version), MAX_BYTES) or b"")
    if not storage.create(where, data):
        raise InputError(f"{storage.url}: {where}: another list came first. Look with `edgetl channel status`, then repeat.")
    return now.next(data, where)
