"""Whether a bundle that an index names is there, whole: as clients fetch it, and as storage gives it to publishers."""

from __future__ import annotations

import hashlib
from typing import IO

from edgetl.channel.index import Release
from edgetl.channel.paths import bundle_path
from edgetl.channel.storage import Storage
from edgetl.channel.transport import Address
from edgetl.errors import ChannelRefused


def fetch(address: Address, release: Release, sink: IO[bytes]) -> None:
    """Copy a bundle as a client does.

    Args:
        address: where the channel is served.
        release: names it.
        sink: takes its bytes; they are worth something only when this returns.

    Raises:
        ChannelRefused: `missing`, `too-large`, `truncated`, `unreachable` or `bundle-differs`.
    """
    path, digest = bundle_path(release.sha256), hashlib.sha256()
    for chunk in address.chunks(path, release.size_bytes):
        digest.update(chunk)
        sink.write(chunk)
    _same(digest.hexdigest(), release, f"{address.base}: {path}")


def look(storage: Storage, release: Release) -> None:
    """See that a bundle lies in a storage.

    Raises:
        ChannelRefused: `missing`, `too-large`, `truncated` or `bundle-differs`.
        InputError: the storage does not answer.
    """
    path = bundle_path(release.sha256)
    where, found = f"{storage.url}: {path}", storage.size_bytes(path)
    if found is None:
        raise ChannelRefused("missing", f"{where}: is not there.")
    if found != release.size_bytes:
        code = "too-large" if found > release.size_bytes else "truncated"
        raise ChannelRefused(code, f"{where}: has {found} bytes; the bundle of that name has {release.size_bytes}.")
    _same(storage.sha256(path), release, where)


def _same(sha256: str, release: Release, where: str) -> None:
    if sha256 != release.sha256:
        raise ChannelRefused("bundle-differs", f"{where}: is not the bundle of that name.")
