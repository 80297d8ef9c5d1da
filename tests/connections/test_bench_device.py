"""`edgetl bench FILE --device NAME` over a real connection: evidence, or a clear word and a ledger as it was."""

import json
import time

import pytest
import yaml


@pytest.fixture
def desk(sshd, tmp_path):
    """connections.yaml with a board over ssh, one that is unplugged, one that hangs, and an emulated one."""
    server = sshd()
    import socket

    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    ways = {
        "intel-n100": {"via": "ssh", **server.settings},
        "raspberry-pi-4": {"via": "ssh", **server.settings},
        "raspberry-pi-5": {"via": "ssh", **server.settings, "port": closed},
        "raspberry-pi-3": {"via": "ssh", **server.settings, "port": silent.getsockname()[1]},
        "firefly-rk3588": {"via": "arm64_emulated"},
    }
    (tmp_path / "connections.yaml").write_text(yaml.safe_dump(ways))
    yield server
    silent.close()
    server.process.kill()


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_a_measurement_becomes_evidence_of_that_file(edgetl, desk, networks, tmp_path, runtime):
    path = networks.files[runtime]
    done = edgetl("bench", path, "--device", "intel-n100", "--threads", "1", "--seconds", "0.2", "--json")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    reading = record["reading"]
    assert record["how"] == "measured" and record["log"] == "ssh" and record["device"] == "intel-n100"
    assert len(reading["values_ms"]) >= 36 and reading["threads"] == 1 and reading["accelerator"] == "cpu"
    assert reading["runtime"] == {"litert": "tflite", "onnxruntime": "onnxruntime"}[runtime]
    listed = json.loads(edgetl("evidence", "list", "--json").stdout)["records"]
    assert [one["artifact_sha256"] for one in listed] == [record["artifact_sha256"]]


@pytest.mark.parametrize(
    ("device", "code", "words"),
    [
        ("raspberry-pi-4", 2, "and raspberry-pi-4 is not"),
        ("raspberry-pi-5", 5, "refused"),
        ("raspberry-pi-3", 5, "timed out"),
        ("firefly-rk3588", 2, "never gives times"),
        ("pixel-4", 2, "no way to the device 'pixel-4'"),
        ("nokia-3310", 2, "no device named 'nokia-3310'"),
    ],
)
def test_what_goes_wrong_is_told_and_leaves_no_evidence(edgetl, desk, networks, tmp_path, device, code, words):
    begun = time.monotonic()
    done = edgetl("bench", networks.files["litert"], "--device", device)
    assert done.returncode == code and words in done.stderr.lower(), done.stderr
    assert time.monotonic() - begun < 60
    assert not (tmp_path / "evidence").exists()
