"""A channel in memory, keys, and bundles that are whole but tiny."""

import hashlib
import json
import uuid
import zipfile

import pytest

from edgetl import signing
from edgetl.channel import keys
from edgetl.channel.choice import Client
from edgetl.channel.commit import Publisher
from edgetl.channel.index import File, Release
from edgetl.channel.storage import Storage

NOW = 1_790_000_000
DAY = 86_400


def describe(path, **rules):
    """A release of any file, as if it were a bundle with one artifact of each format."""
    data = path.read_bytes()
    files = tuple(File(path=f"artifacts/m.{f}", format=f, size_bytes=1) for f in ("tflite", "onnx"))
    given = {"number": 1, "version": "1", "title": path.stem, "rollout": 10_000, "salt": "-", "files": files, **rules}
    return Release(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data), **given)


def someone(**facts):
    given = {"app": "2.0", "system": "android", "system_version": "14", "device": "Pixel 8", "id": "c1", "formats": ("tflite",)}
    return Client(**{**given, **facts})


@pytest.fixture(scope="session")
def key():
    return signing.new_key()


@pytest.fixture
def blobs(tmp_path):
    """Write the bundle of a name; returns its path."""

    def make(name, size_bytes=2000):
        path = tmp_path / f"{name}.zip"
        path.write_bytes(hashlib.shake_128(name.encode()).digest(size_bytes))
        return path

    return make


@pytest.fixture
def who(key):
    """A publisher of `beta` in a memory of its own."""
    return Publisher(
        storage=Storage(f"memory://{uuid.uuid4()}"),
        channel="beta",
        key=key,
        trust=keys.only(key.public),
        now_s=NOW,
        valid_days=30,
    )


@pytest.fixture
def bundle(tmp_path):
    """Write a whole bundle of two artifacts; returns its zip."""

    def make(name="m", **more):
        rows = {
            "artifacts/m.tflite": b"TFL3" + name.encode(),
            "artifacts/m.onnx": b"onnx" + name.encode(),
            "labels.txt": b"a\nb\n",
            "preprocess.json": json.dumps({"schema": 1, "resize_px": 32, "crop_px": 32, "steps": []}).encode(),
            "golden/golden.json": b'{"schema": 1}',
        }
        files = {n: {"sha256": hashlib.sha256(d).hexdigest(), "size_bytes": len(d)} for n, d in rows.items()}
        artifacts = [{"path": f"artifacts/m.{f}", "format": f, "scheme": "w8a8_qat"} for f in ("tflite", "onnx")]
        manifest = {"schema": 1, "name": name, "classes": ["a", "b"], "artifacts": artifacts, "files": files, **more}
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for inner, data in {**rows, "manifest.json": json.dumps(manifest).encode()}.items():
                archive.writestr(f"{name}/{inner}", data)
        return path

    return make
