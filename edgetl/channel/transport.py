"""Read a channel as clients do: files below an http, https or file address; size, time and redirects have bounds."""

from __future__ import annotations

import http.client
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgetl.channel.clocked import handlers
from edgetl.errors import ChannelRefused, InputError

MAX_REDIRECTS = 3
_ABSENT = (403, 404, 410)
"""403: S3 gives it for a missing file to those who may not list."""
_CHUNK_BYTES = 1 << 16


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A few, and never to a weaker protocol."""

    max_redirections = MAX_REDIRECTS
    max_repeats = MAX_REDIRECTS

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """See urllib."""
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise ChannelRefused(
                "unreachable", f"{req.full_url}: redirects from {before} to {after or newurl[:40]}; not followed."
            )
        fp.close()  # urllib would read all that comes with it
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a channel is served."""

    base: str
    """`https://…`, `http://…` or `file:///…`."""
    wait_s: float = 20.0
    """Longest silence, and longest time for an index or a key list."""
    download_s: float = 900.0
    """Longest time for a bundle, however steadily it trickles."""
    look_s: float = 120.0
    """Longest time for all indexes and key lists of one look."""
    tick: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Refuse other protocols."""
        if urlsplit(self.base).scheme not in ("http", "https", "file"):
            raise InputError(f"{self.base}: must begin with https://, http:// or file://.")

    def look(self) -> Callable[[str, int], bytes | None]:
        """What reads for as long as one look may take (`keys.Read`)."""
        end = self.tick() + self.look_s
        return lambda path, limit_bytes: self.read(path, limit_bytes, end)

    def read(self, path: str, limit_bytes: int, end: float = math.inf) -> bytes | None:
        """Bytes of a small file; None where there is none.

        Raises:
            ChannelRefused: `too-large`, or `unreachable`.
        """
        end = min(end, self.tick() + self.wait_s)
        with self._open(path, end) as stream:
            return None if stream is None else b"".join(self._chunks(stream, path, limit_bytes, end))

    def chunks(self, path: str, size_bytes: int) -> Iterator[bytes]:
        """Read a large file that must have this size.

        Raises:
            ChannelRefused: `missing`, `too-large`, `truncated` or `unreachable`.
        """
        end = self.tick() + self.download_s
        with self._open(path, end) as stream:
            if stream is None:
                raise ChannelRefused("missing", f"{self.base}: {path}: is not there.")
            left = size_bytes
            for chunk in self._chunks(stream, path, size_bytes, end):
                yield chunk
                left -= len(chunk)
        if left:
            raise ChannelRefused("truncated", f"{self.base}: {path}: {left} of {size_bytes} bytes did not arrive. Try again.")

    def _chunks(self, stream: Any, path: str, limit_bytes: int, end: float) -> Iterator[bytes]:
        left = limit_bytes
        read = getattr(stream, "read1", stream.read)  # read1: what has come so far, so that a trickle meets the clock
        while chunk := self._guarded(path, read, min(_CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ChannelRefused("too-large", f"{self.base}: {path}: is larger than the {limit_bytes} bytes it may have.")
            if self.tick() > end:
                raise ChannelRefused("unreachable", f"{self.base}: {path}: did not arrive in time.")
            yield chunk
        if getattr(stream, "length", None):  # of an HTTP answer: what its Content-Length still promises
            raise ChannelRefused("truncated", f"{self.base}: {path}: the connection ended early. Try again.")

    def _guarded(self, path: str, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except ChannelRefused:
            raise
        except http.client.IncompleteRead as error:
            raise ChannelRefused("truncated", f"{self.base}: {path}: the connection ended early. Try again.") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ChannelRefused("unreachable", f"{self.base}: {path}: cannot be read ({str(error)[:200]}).") from error

    @contextmanager
    def _open(self, path: str, end: float) -> Iterator[Any]:
        if urlsplit(self.base).scheme == "file":
            file = Path(urllib.request.url2pathname(urlsplit(self.base).path)) / path
            stream = self._guarded(path, lambda: file.open("rb") if file.is_file() else None)
        else:
            opener = urllib.request.build_opener(_Redirects, *handlers(lambda: min(self.wait_s, end - self.tick())))
            request = urllib.request.Request(f"{self.base.rstrip('/')}/{path}", headers={"Cache-Control": "no-cache"})
            stream = self._guarded(path, _answer, opener, request, max(0.001, min(self.wait_s, end - self.tick())))
        try:
            yield stream
        finally:
            if stream is not None:
                stream.close()


def _answer(opener: urllib.request.OpenerDirector, request: urllib.request.Request, wait_s: float) -> Any:
    try:
        return opener.open(request, timeout=wait_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _ABSENT:
            return None
        raise
