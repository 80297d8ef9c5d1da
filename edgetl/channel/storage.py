"""Where a channel lies: any of fsspec's file systems that can create a file exclusively, which decides between two publishers.

`create` either makes a whole file where there was none, or makes nothing: a hard link in a folder, `If-None-Match: *` in S3,
`ifGenerationMatch=0` in Google's storage, `overwrite=False` in Azure's. Other file systems are refused: fsspec would look first
and write then, which two publishers can do at once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgetl.errors import EdgetlError, InputError, MissingDependency

EXCLUSIVE = ("file", "local", "memory", "s3", "s3a", "gs", "gcs", "abfs", "az")
"""Protocols that can create exclusively; folders, memory and S3 were seen to, the others say so."""
_CHUNK_BYTES = 1 << 20
_MEMORY = threading.Lock()


class Storage:
    """A folder on a file system."""

    def __init__(self, url: str) -> None:
        """Open it.

        Args:
            url: a folder, or what fsspec understands: `s3://bucket/models`, `memory://x`. S3's address and credentials come
                from where boto3 takes them (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...).

        Raises:
            InputError: no such file system, or one that cannot create exclusively.
            MissingDependency: its package is not installed.
        """
        import fsspec

        try:
            with _told(url):
                fs, root = fsspec.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
        except ImportError as error:
            raise MissingDependency(str(error), url, "pip install 'edgetl[s3]' (S3), or the package named") from error
        protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
        if not protocols & set(EXCLUSIVE):
            raise InputError(
                f"{url}: {'/'.join(sorted(protocols))} cannot create a file only where there is none, so two publishers "
                f"could undo each other. Use one of: {', '.join(EXCLUSIVE)}."
            )
        self.url, self._fs, self._root = url, fs, root.rstrip("/")
        self._local, self._memory = "file" in protocols, "memory" in protocols

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """Bytes of a file; None where there is none.

        Raises:
            InputError: it is larger than `limit_bytes`, or the storage does not answer.
        """
        with _told(f"{self.url}: {path}"):
            try:
                data: bytes = self._fs.cat_file(self._at(path), start=0, end=limit_bytes + 1)
            except FileNotFoundError:
                return None
        if len(data) > limit_bytes:
            raise InputError(f"{self.url}: {path}: is larger than {limit_bytes} bytes; it is none of a channel's.")
        return data

    def size_bytes(self, path: str) -> int | None:
        """Size of a file; None where there is none."""
        with _told(f"{self.url}: {path}"):
            try:
                return int(self._fs.info(self._at(path))["size"])
            except FileNotFoundError:
                return None

    def folders(self) -> list[str]:
        """Names of the folders in it."""
        with _told(self.url):
            try:
                return sorted(
                    row["name"].rsplit("/", 1)[-1] for row in self._fs.ls(self._root, detail=True) if row["type"] == "directory"
                )
            except FileNotFoundError:
                return []

    def create(self, path: str, data: bytes) -> bool:
        """Make a file whole where there is none.

        Returns:
            Whether the file holds `data` now; False = another was first.
        """
        with _told(f"{self.url}: {path}"):
            try:
                self._create(path, data)
            except Exception:  # S3 says it in several ways; what lies there decides, as it does where an answer was lost
                found = self.read(path, max(len(data), 1 << 20))
                if found is None:
                    raise
                return found == data
        return True

    def must_exclude(self, path: str, data: bytes) -> None:
        """See that the storage refuses to create a file anew that is there with just these bytes.

        Raises:
            InputError: it does not; no two publishers would be safe.
        """
        try:
            self._create(path, data)
        except Exception:  # noqa: BLE001 - whatever it says, it did not write
            return
        raise InputError(f"{self.url}: takes a second file of one name where it was told not to; no channel can be kept there.")

    def replace(self, path: str, data: bytes) -> None:
        """Make or replace a file, whole."""
        with _told(f"{self.url}: {path}"):
            if not self._local:
                self._fs.pipe_file(self._at(path), data)
                return
            with self._beside(path) as temporary:
                temporary.write_bytes(data)
                os.replace(temporary, self._at(path))

    def put(self, path: str, file: Path) -> None:
        """Make or replace a large file, whole."""
        with _told(f"{self.url}: {path}"):
            if not self._local:
                self._fs.put_file(str(file), self._at(path))
                return
            with self._beside(path) as temporary:
                self._fs.put_file(str(file), str(temporary))
                os.replace(temporary, self._at(path))

    def sha256(self, path: str) -> str:
        """Of a file that is there, as the storage gives it."""
        digest = hashlib.sha256()
        with _told(f"{self.url}: {path}"), self._fs.open(self._at(path), "rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def _create(self, path: str, data: bytes) -> None:
        if self._memory:
            with _MEMORY:
                self._fs.pipe_file(self._at(path), data, mode="create")
        elif self._local:
            with self._beside(path) as temporary:
                with temporary.open("xb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.link(temporary, self._at(path))
        else:
            self._fs.pipe_file(self._at(path), data, mode="create")

    @contextmanager
    def _beside(self, path: str) -> Iterator[Path]:
        """A name in the same folder that nobody else has; gone afterwards."""
        target = Path(self._at(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            yield temporary
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Tell any error of a file system as one of the place that was asked."""
    try:
        yield
    except (EdgetlError, ImportError):
        raise
    except Exception as error:  # noqa: BLE001 - each file system has errors of its own
        text: Any = getattr(error, "strerror", None) or error
        raise InputError(f"{where}: the storage does not do it ({type(error).__name__}: {str(text)[:300]}).") from error
