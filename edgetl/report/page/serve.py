"""The page over HTTP, for this computer alone: GET and HEAD of a fixed list of paths, nothing else, until it is interrupted.

Nothing of a request becomes a path of a file. The name in `Host` must be this computer's, so that no other site's page can be
pointed here under its own name (DNS rebinding). COOP and COEP isolate the page, which gives its script an exact clock.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError
from edgetl.report.page import render, trial

HOST = "127.0.0.1"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
    "worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_KINDS = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".wasm": "application/wasm",
}  # fmt: skip
_PICTURES = {
    b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp", b"BM": "image/bmp",
}  # fmt: skip
_HERE = Path(__file__).resolve().parent
_PAGE = ("style.css", "page.js", "try.js", "decode.js", "preprocess.js", "size.js")


def contents(report: dict[str, Any], folder: Path, bundle: OpenBundle | None, missing: str, web: Path) -> dict[str, bytes | Path]:
    """List what is served.

    Args:
        report: content of report.json.
        folder: of the run.
        bundle: its bundle, opened; None where nothing can be tried.
        missing: why nothing can be tried, or "".
        web: where onnxruntime-web is.

    Returns:
        Path of a request → what it gets.

    Raises:
        InputError: the record or the bundle is not what edgetl writes.
    """
    found: dict[str, bytes | Path] = {f"/{name}": _HERE / name for name in _PAGE}
    names: list[str] = []
    if bundle is not None:
        tried = trial.trial(bundle, web)
        names = [artifact["name"] for artifact in tried.record["artifacts"]]
        missing = missing or ("" if names else "This bundle holds no ONNX file that takes pixels.")
        found |= {"/try.json": json.dumps(tried.record, ensure_ascii=False).encode(), **tried.files}
    found["/"] = render.html(report, folder, {"names": names, "missing": missing}).encode("utf-8", "replace")
    return found


def server(listed: Mapping[str, bytes | Path], port: int) -> ThreadingHTTPServer:
    """Open the port; call `serve_forever` on what is returned.

    Args:
        listed: see `contents`.
        port: to listen on; 0 = any free one.

    Returns:
        The server; `server_address[1]` is its port.

    Raises:
        InputError: the port is taken, or not allowed.
    """

    class Answer(_Answer):
        files = listed

    try:
        opened = _Server((HOST, port), Answer)
    except (OSError, OverflowError) as error:
        raise InputError(f"--port: {port}: cannot be used ({error}); choose another, or 0 for any free one.") from error
    return opened


class _Server(ThreadingHTTPServer):
    """One that says nothing of a client that went away."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless the connection did."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Answer(BaseHTTPRequestHandler):
    """One connection."""

    files: Mapping[str, bytes | Path] = {}
    server_version, sys_version = "edgetl", ""
    timeout = 60

    def do_GET(self) -> None:
        """Answer with a listed file, or refuse."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        path = self.path.partition("?")[0]
        if host not in (HOST, "localhost"):
            self._refuse(HTTPStatus.FORBIDDEN)
        elif path not in self.files:
            self._refuse(HTTPStatus.NOT_FOUND)
        else:
            self._give(path, self.files[path])

    do_HEAD = do_GET  # noqa: N815 - the standard library's name

    def _give(self, path: str, found: bytes | Path) -> None:
        try:
            file = io.BytesIO(found) if isinstance(found, bytes) else found.open("rb")
        except OSError:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with file:
            head = file.read(16)
            size = file.seek(0, 2)
            file.seek(0)
            self._begin(HTTPStatus.OK, _kind(path, head), size)
            if self.command != "HEAD":
                shutil.copyfileobj(file, self.wfile)

    def _refuse(self, status: HTTPStatus, **more: str) -> None:
        text = f"{status.value} {status.phrase}\n".encode()
        self._begin(status, "text/plain; charset=utf-8", len(text), **more)
        if self.command != "HEAD":
            self.wfile.write(text)

    def _begin(self, status: HTTPStatus, kind: str, size: int, **more: str) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **more, "Content-Type": kind, "Content-Length": str(size)}.items():
            self.send_header(name, value)
        self.end_headers()

    def __getattr__(self, name: str) -> Any:
        """Any method of HTTP but GET and HEAD."""
        if name.startswith("do_"):
            return lambda: self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


def _kind(path: str, head: bytes) -> str:
    if path == "/":
        return _KINDS[".html"]
    known = _KINDS.get(Path(path).suffix)
    pictures = (kind for start, kind in _PICTURES.items() if head.startswith(start))
    return known or next(pictures, "application/octet-stream")
