"""Against an S3-compatible server in a process of its own: publishers that die, publishers at once, clients that watch."""

import hashlib
import json
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edgetl.channel import client, index, memory, publishing
from edgetl.channel.choice import choose
from edgetl.channel.latest import Known, latest
from edgetl.channel.storage import Storage
from edgetl.channel.transport import Address
from edgetl.errors import InputError
from tests.channel import storm
from tests.channel.conftest import NOW, describe, someone

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def s3(monkeypatch, tmp_path, key):
    """Address of a bucket, over S3 and over plain HTTP."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))  # for the forkserver
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "k.key").write_bytes(key.pem())
    (tmp_path / "k.key").chmod(0o600)
    command = [sys.executable, str(Path(__file__).parent / "s3server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        fs = Storage("s3://shop")._fs
        fs.mkdir("shop")
        everyone = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop/*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone]})
        fs.call_s3("put_bucket_policy", Bucket="shop", Policy=policy)
        yield "s3://shop/models", Address(base=f"{url}/shop/models")
        server.kill()


class Watcher(threading.Thread):
    """A client that polls, and notes whatever must not be."""

    newest_seen = 0
    """By any watcher."""

    def __init__(self, name, folder, address, trust):
        super().__init__(daemon=True)
        self.me, self.folder, self.address, self.trust = someone(id=name), folder, address, trust
        self.faults, self.went, self.polls, self.over = [], [], 0, False

    def run(self):
        while not self.over:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - told by the test
                self.faults.append(repr(error))
            time.sleep(0.3)

    def look(self):
        before, floor = memory.read(self.folder), Watcher.newest_seen
        outcome = client.update(self.folder, self.address, "beta", self.trust, self.me, NOW)
        self.polls += 1
        if outcome.code == "missing" and not floor:
            return
        if outcome.status == "kept" and outcome.code != "not-offered":
            self.faults.append(f"{outcome.code}: {outcome.message}")
        if outcome.index_version < floor:
            self.faults.append(f"version {outcome.index_version}, though {floor} was seen")
        Watcher.newest_seen = max(Watcher.newest_seen, outcome.index_version)
        if outcome.installed:
            data = memory.bundle_file(self.folder, outcome.installed).read_bytes()
            if hashlib.sha256(data).hexdigest() != outcome.installed.sha256:
                self.faults.append(f"release {outcome.installed.release} is not whole")
            old = before.installed.release if before.installed else 0
            self.went.append((outcome.index_version, old, outcome.installed.release))


def _history(storage, trust):
    """Every version, held against the one before it."""
    versions, previous = [], ""
    while (data := storage.read(f"beta/index/{len(versions) + 1}.json", 10**6)) is not None:
        held = index.opened(data, "beta", trust.publishers, "index")
        assert (held.index.version, held.index.previous) == (len(versions) + 1, previous)
        versions.append(held.index)
        previous = held.sha256
    assert storage.read(f"beta/index/{len(versions) + 2}.json", 10**6) is None
    return versions


def _storm(s3, tmp_path, processes, seed, longest=1.2):
    """Start publishers, three at once; kill each at a random moment up to `longest` medians of a change; returns figures."""
    url, address = s3
    draw = random.Random(seed)
    who = storm.publisher(tmp_path, url)
    storage = who.storage
    Watcher.newest_seen = 0
    watchers = [Watcher(name, tmp_path / name, address, who.trust) for name in ("c1", "c2")]
    [watcher.start() for watcher in watchers]
    context = multiprocessing.get_context("forkserver")
    settings = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    context.set_forkserver_preload(["s3fs", "tests.channel.storm"])
    slots, killed, finished, started, spans = [], 0, 0, 0, [2.0]
    while started < processes or slots:
        while started < processes and len(slots) < 3:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=storm.work, args=(tmp_path, url, started, theirs, settings), daemon=True)
            process.start()
            theirs.close()
            slots.append([process, ours, None, None])
            started += 1
        for slot in list(slots):
            process, ours, begun, until = slot
            said = []
            try:
                while ours.poll():
                    said.append(ours.recv())
            except EOFError:
                process.join()
            now = time.monotonic()
            if said and begun is None:
                slot[2], slot[3] = now, now + draw.uniform(0, longest * sorted(spans)[len(spans) // 2])
            if "done" in said or not process.is_alive():
                process.join()
                assert process.exitcode in (0, None), f"publisher failed with {process.exitcode}"
                finished += 1
                spans.append(now - (slot[2] or now))
                slots.remove(slot)
            elif slot[3] is not None and now > slot[3]:
                process.kill()
                process.join()
                killed += 1
                slots.remove(slot)
        time.sleep(0.005)
    for watcher in watchers:
        watcher.over = True
    for watcher in watchers:
        watcher.join()
        assert not watcher.faults, watcher.faults[:5]
    versions = _history(storage, latest(storage.read, "beta", Known(trust=who.trust), NOW).trust)
    back = 0
    for watcher in watchers:
        assert watcher.polls > 3
        before = 0
        for version, old, new in watcher.went:
            expected = choose(versions[version - 1], watcher.me).release
            assert expected is None or expected.number == new, "what was installed is what that version offers"
            if new < old:
                back += 1
                between = {entry.action for entry in versions[before:version]}
                assert between & {"rollback", "rollout"}, "went back without a signed word"
            before = version
    for release in {release.sha256: release for entry in versions for release in entry.releases}.values():
        assert storage.sha256(publishing.bundle_path(release.sha256)) == release.sha256
    path = storm.blob(tmp_path, 999)
    made = publishing.publish(who, path, describe(path))
    assert made.index.version == len(versions) + 1
    assert storage.read("beta/newest.json", 10**6) == made.data
    for watcher in watchers:
        outcome = client.update(watcher.folder, address, "beta", who.trust, watcher.me, NOW)
        assert outcome.status == "installed", outcome
        assert (outcome.index_version, outcome.installed.release) == (made.index.version, made.index.version)
    actions = {name: sum(entry.action == name for entry in versions) for name in ("publish", "rollback", "rollout", "renew")}
    polls = sum(watcher.polls for watcher in watchers)
    return {"killed": killed, "finished": finished, "versions": len(versions), **actions, "polls": polls, "went_back": back}


def test_storage_excludes_and_answers(s3):
    storage = Storage(s3[0])
    assert storage.read("a/b", 10) is None and storage.size_bytes("a/b") is None
    assert storage.create("a/b", b"one") and storage.create("a/b", b"one"), "the second is known as our own"
    assert not storage.create("a/b", b"two")
    storage.must_exclude("a/b", b"one")
    assert storage.read("a/b", 10) == b"one"
    with pytest.raises(InputError, match="is larger than 1 bytes"):
        storage.replace("a/b", b"two")
        storage.read("a/b", 1)
    assert storage.folders() == ["a"]
    assert s3[1].read("a/b", 10) == b"two" and s3[1].read("a/c", 10) is None
    with pytest.raises(InputError, match="s3://nowhere/x: a: the storage does not do it"):
        Storage("s3://nowhere/x").replace("a", b"")


def test_publishers_are_killed(s3, tmp_path):
    figures = _storm(s3, tmp_path, 24, 1)
    print(figures)
    assert figures["killed"] >= 8


@pytest.mark.slow
def test_200_publishers_are_killed(s3, tmp_path):
    figures = _storm(s3, tmp_path, 420, 2, 2.0)
    print(figures)
    assert figures["killed"] >= 200
