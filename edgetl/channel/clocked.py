"""HTTP that obeys a clock: urllib's time limit is one of silence, and a server may send a byte just before each ends."""

from __future__ import annotations

import http.client
import io
import socket
import urllib.request
from collections.abc import Callable
from typing import Any, cast

Left = Callable[[], float]
"""Seconds that what comes next may take; none = it is over."""


class _Clocked(io.RawIOBase):
    """What comes from a socket, until it is over."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, left_s: Left) -> None:
        self._raw, self._sock, self._left_s = raw, sock, left_s

    def readable(self) -> bool:
        """See io."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """See io."""
        left_s = self._left_s()
        if left_s <= 0:
            raise TimeoutError("it takes too long")
        self._sock.settimeout(left_s)
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        """See io."""
        self._raw.close()
        super().close()


def handlers(left_s: Left) -> tuple[urllib.request.BaseHandler, ...]:
    """Of http and https for `urllib.request.build_opener`: status line, headers and body all obey the clock.

    Args:
        left_s: asked before each reading of the network.
    """

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp = io.BufferedReader(_Clocked(self.fp.detach(), sock, left_s))

    class Plain(http.client.HTTPConnection):
        response_class = Response

    class Secure(http.client.HTTPSConnection):
        response_class = Response

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Plain, req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Secure, req)

    return Http(), Https()
