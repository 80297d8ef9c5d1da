"""A channel in memory, keys, and bundles that are whole but tiny."""

import hashlib
import uuid

import pytest

from edgetl import signing
from edgetl.channel import keys
from edgetl.channel.choice import Client
from edgetl.channel.commit import Publisher
from edgetl.channel.index import File, Release
from edgetl.channel.storage import Storage

from .. import small_bundle

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
    """Write a whole bundle of a TFLite file and a Core ML package; returns its zip."""

    def make(name="m", failed=()):
        (tmp_path / name).mkdir()
        return small_bundle.make(tmp_path / name, name, failed).with_suffix(".zip")

    return make
