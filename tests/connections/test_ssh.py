"""The ssh connection against a real OpenSSH server on loopback."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edgetl.connections import _openssh, ssh
from edgetl.connections._served import RUNNER
from edgetl.errors import BenchmarkError, DeviceUnreachable
from edgetl.schema import check


@pytest.fixture(scope="module")
def server(sshd):
    return sshd()


@pytest.fixture
def link(server):
    link = ssh.open(ssh.Settings(**server.settings))
    yield link
    link.close()
    link.close()


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_times_and_outputs_come_from_there(server, link, networks, runtime):
    session = link.start(networks.files[runtime], runtime, 1)
    assert session.facts["values_are"] == "inference"
    assert len(session.time(20, 5.0)) == 20
    for (found,), wanted in zip(session.outputs(networks.images), networks.wanted, strict=True):
        assert np.array_equal(found, wanted)
    assert session.peak_memory_mib() is not None
    session.close()
    kept = {path.name for path in server.folder.iterdir()}
    for path in (networks.files[runtime], RUNNER):
        assert f"{hashlib.sha256(path.read_bytes()).hexdigest()}{path.suffix}" in kept
    assert any(name.endswith(".npy") for name in kept)
    link.close()
    assert not [path for path in server.folder.iterdir() if path.suffix in (".npy", ".partial")]


def test_cores_are_those_asked_for(server, networks):
    core = max(os.sched_getaffinity(0))
    link = ssh.open(ssh.Settings(**server.settings, cpus=(core,)))
    assert link.start(networks.files["onnxruntime"], "onnxruntime", 1).facts["cores"] == 1
    link.close()


def test_a_copy_is_used_again_and_a_spoiled_one_is_not(server, link, networks):
    artifact = networks.files["onnxruntime"]
    path = Path(link._wire.keep(artifact))
    inode = path.stat().st_ino
    assert link._wire.keep(artifact) == str(path) and path.stat().st_ino == inode
    path.write_bytes(b"spoiled" + artifact.read_bytes()[7:])
    assert Path(link._wire.keep(artifact)).read_bytes() == artifact.read_bytes()


def test_what_arrives_otherwise_than_it_was_sent_is_refused(server, link, tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"half")
    name = f"{'0' * 64}.onnx"
    with pytest.raises(BenchmarkError, match=r"what arrived is not what was sent \(4 of 9 bytes\)"):
        link._wire.ask("put", str(server.folder), name, "0" * 64, "9", str(2**30), source=tmp_path / "a.onnx")
    with pytest.raises(BenchmarkError, match=r"not what was sent \(4 of 4 bytes\)"):
        link._wire.ask("put", str(server.folder), name, "0" * 64, "4", str(2**30), source=tmp_path / "a.onnx")
    assert not [path for path in server.folder.iterdir() if path.name.startswith("000")]
    with pytest.raises(BenchmarkError, match="'../x' is no name of a kept file"):
        link._wire.ask("remove", str(server.folder), "../x")


def test_what_is_kept_there_is_bounded(server, link, tmp_path, monkeypatch):
    old = server.folder / f"{'a' * 64}.onnx"
    server.folder.mkdir(exist_ok=True)
    stranger = server.folder / "mine.partial"
    for path in (old, stranger):
        path.write_bytes(b"0" * 1000)
        os.utime(path, (1, 1))
    recent = server.folder / f"{'b' * 64}.onnx"
    recent.write_bytes(b"0" * 1000)
    monkeypatch.setattr(_openssh, "KEPT_BYTES", 100)
    (tmp_path / "new.onnx").write_bytes(b"new")
    there = link._wire.keep(tmp_path / "new.onnx")
    assert Path(there).read_bytes() == b"new"
    assert not old.exists() and recent.exists() and stranger.exists()


def test_a_package_is_unpacked_there_and_nothing_odd_in_it(server, link, tmp_path):
    package = tmp_path / "net.mlpackage"
    (package / "Data").mkdir(parents=True)
    (package / "Manifest.json").write_text("{}")
    (package / "Data" / "model.mlmodel").write_bytes(b"model")
    there = Path(link._wire.keep(package))
    assert there.suffix == ".mlpackage"
    assert (there / "Data" / "model.mlmodel").read_bytes() == b"model"
    assert link._wire.keep(package) == str(there)
    (package / "out").symlink_to("/etc")
    with pytest.raises(BenchmarkError, match="is neither a file nor a folder"):
        link._wire.keep(package)


@pytest.mark.parametrize("odd", ["../evil", "/evil", "a/../../evil", "link"])
def test_an_archive_that_leads_out_is_refused_there(server, link, tmp_path, odd):
    import tarfile

    archive = tmp_path / "odd.tar"
    with tarfile.open(archive, "w:") as tar:
        entry = tarfile.TarInfo(odd)
        if odd == "link":
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(entry)
    name = Path(link._wire.keep(archive)).name
    with pytest.raises(BenchmarkError, match="has no place in a package"):
        link._wire.ask("unpack", str(server.folder), name, name[:64], f"{name[:64]}.mlpackage")
    assert not (server.folder / f"{name[:64]}.mlpackage").exists()


def test_what_is_there_is_told(server):
    found = ssh.probe(ssh.Settings(**server.settings))
    assert set(found["runtimes"]) == {"litert", "onnxruntime", "coreml"}
    assert found["runtimes"]["onnxruntime"] and found["free_bytes"] > 0
    assert ssh.unreachable(ssh.Settings(**server.settings)) is None


def test_a_wrong_key_and_a_wrong_host_key(server, tmp_path):
    wrong = {**server.settings, "identity": str(server.home / "stranger")}
    assert "it refuses the key" in ssh.unreachable(ssh.Settings(**wrong))
    known = tmp_path / "known hosts"
    known.write_text(f"[127.0.0.1]:{server.settings['port']} {(server.home / 'stranger.pub').read_text()}")
    wrong = {**server.settings, "known_hosts": str(known)}
    assert "its host key is not the known one" in ssh.unreachable(ssh.Settings(**wrong))
    known.write_text("")
    assert "its host key is not the known one" in ssh.unreachable(ssh.Settings(**wrong)), "no unknown host is trusted"


def test_a_port_where_nobody_listens_and_one_where_nobody_speaks(server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = {**server.settings, "port": probe.getsockname()[1], "timeout_s": 1.0}
        reason = ssh.unreachable(ssh.Settings(**settings))
        assert "nothing listens there" in reason and f"-p {settings['port']} 127.0.0.1" in reason
        probe.listen()
        begun = time.monotonic()
        assert "no answer for 1 s" in ssh.unreachable(ssh.Settings(**settings))
        assert time.monotonic() - begun < 12


def test_a_name_that_nobody_has():
    reason = ssh.unreachable(ssh.Settings(host="no-such-device.invalid"))
    assert "no host of that name is known" in reason


def test_no_python_there_and_no_runtime_there(server, tmp_path, networks):
    settings = {**server.settings, "python": "/nowhere/python3"}
    reason = ssh.unreachable(ssh.Settings(**settings))
    assert "Install Python 3.9 or newer there" in reason and "/nowhere/python3" in reason
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    settings = ssh.Settings(**{**server.settings, "python": str(bare)})
    assert ssh.probe(settings)["runtimes"] == {"litert": None, "onnxruntime": None, "coreml": None}
    link = ssh.open(settings)
    with pytest.raises(BenchmarkError, match=r"net.onnx: ModuleNotFoundError: No module named '(numpy|onnxruntime)'"):
        link.start(networks.files["onnxruntime"], "onnxruntime", 1)
    link.close()


def test_a_server_that_dies_in_the_middle(sshd, networks):
    server = sshd()
    link = ssh.open(ssh.Settings(**server.settings))
    session = link.start(networks.files["onnxruntime"], "onnxruntime", 1)
    runner = session.facts["pid"]
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True
    ).stdout.split()

    def kill():
        time.sleep(0.5)
        server.process.kill()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    threading.Thread(target=kill).start()
    with pytest.raises(DeviceUnreachable, match="(?s)ended with 255.*Tried: ssh -p [0-9]+ 127.0.0.1. Check"):
        for _ in range(100):
            session.time(10**9, 1.0)
    session.close()
    link.close()
    for _ in range(50):
        if not Path(f"/proc/{runner}").exists():
            break
        time.sleep(0.1)
    assert not Path(f"/proc/{runner}").exists(), "the runner goes with the connection"


def test_closing_ends_what_ran_there_and_leaves_nothing_here(server, networks):
    link = ssh.open(ssh.Settings(**server.settings))
    sockets = Path(link._wire._sockets)
    assert list(sockets.iterdir())
    session = link.start(networks.files["onnxruntime"], "onnxruntime", 1)
    link.close()
    with pytest.raises(DeviceUnreachable):
        session.time(10, 1.0)
    session.close()
    assert not sockets.exists()


def test_nothing_is_left_when_this_process_is_killed(server, networks):
    """Not even asked to: SIGKILL. The connection, the runner there and the socket go, because a pipe from here ends."""
    code = (
        "import json, sys, time\n"
        "from edgetl.connections import ssh\n"
        "link = ssh.open(ssh.Settings(**json.loads(sys.argv[1])))\n"
        "session = link.start(__import__('pathlib').Path(sys.argv[2]), 'onnxruntime', 1)\n"
        "print(session.facts['pid'], link._wire._main.pid, link._wire._sockets, flush=True)\n"
        "time.sleep(60)\n"
    )
    arguments = [json.dumps(server.settings), str(networks.files["onnxruntime"])]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    runner, main, sockets = process.stdout.readline().split()
    process.kill()
    process.wait()
    for _ in range(100):
        left = [pid for pid in (runner, main) if Path(f"/proc/{pid}").exists()]
        if not left and not list(Path(sockets).iterdir()):
            break
        time.sleep(0.1)
    assert not left and not list(Path(sockets).iterdir())
    Path(sockets).rmdir()


NOISES = {
    "talks": ('echo Welcome to my board; exec sh -c "$SSH_ORIGINAL_COMMAND"', "its shell prints 'Welcome to my board"),
    "floods": ("exec yes", "its shell prints 'y"),
    "lies": ("case \"$SSH_ORIGINAL_COMMAND\" in cat) exec cat;; *) echo '[1]';; esac", "did not answer as it should"),
    "escapes": ('case "$SSH_ORIGINAL_COMMAND" in cat) exec cat;; *) printf "\\033[31m{" >&2;; esac', "\N{REPLACEMENT CHARACTER}"),
    "hangs": ('case "$SSH_ORIGINAL_COMMAND" in cat) exec cat;; *) exec sleep 60;; esac', "no answer for 1 s."),
    "floods later": ('case "$SSH_ORIGINAL_COMMAND" in cat) exec cat;; *) exec yes;; esac', "did not answer as it should"),
    "shouts": ('case "$SSH_ORIGINAL_COMMAND" in cat) exec cat;; *) exec yes >&2;; esac', "no answer for 1 s."),
    "boasts": (
        'case "$SSH_ORIGINAL_COMMAND" in cat) exec cat;; *) echo \'{"runtimes": {"tpu": 1}}\';; esac',
        "where versions of runtimes were due",
    ),
    "leaves": ("exit 3", "no answer for 10 s, or a closed line"),
}


@pytest.mark.parametrize("noise", NOISES)
def test_a_hostile_device_is_told_in_words(sshd, tmp_path, monkeypatch, noise):
    command, told = NOISES[noise]
    if told == "no answer for 1 s.":
        monkeypatch.setattr(_openssh, "ANSWER_S", 1.0)
    script = tmp_path / "shell"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    server = sshd(f"ForceCommand {script}")
    begun = time.monotonic()
    reason = ssh.unreachable(ssh.Settings(**server.settings))
    assert told in reason
    assert time.monotonic() - begun < 20 and len(reason) < 3000
    assert "\033" not in reason


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "-oProxyCommand=touch /tmp/x"),
        ("host", "pi@-oProxyCommand=x"),
        ("host", "a b"),
        ("host", "a\nb"),
        ("host", "$(id)"),
        ("host", ""),
        ("port", 0),
        ("port", 70000),
        ("identity", "-x"),
        ("identity", 'a"b'),
        ("known_hosts", "%h"),
        ("known_hosts", "a\nb"),
        ("python", "-c"),
        ("python", "a; b"),
        ("folder", "~/x y"),
        ("folder", "$HOME"),
        ("cpus", [-1]),
        ("timeout_s", 0),
    ],
)
def test_no_setting_can_become_an_option_or_a_command(key, value):
    faults = []
    given = {"host": "pi@board.local", key: value}
    assert check(ssh.Settings, given, lambda k: k, faults) is None
    assert len(faults) == 1 and faults[0].startswith(key)


def test_settings_that_are_right():
    given = {"host": "pi@192.168.1.7", "port": 2222, "identity": "~/.ssh/id my", "cpus": [0, 1], "folder": "/var/tmp/edgetl"}
    assert check(ssh.Settings, given, lambda k: k, []) is not None
    assert shutil.which("ssh") is None or ssh.unavailable() is None
