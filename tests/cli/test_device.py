"""`edgetl device`: what answers, what does not, and how to mend it."""

import json
import socket

from edgetl import registry


def test_doctor_without_a_file_tells_what_this_host_has(edgetl):
    done = edgetl("device", "doctor", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["devices"] == [] and found["connections"]["local"] is None
    assert set(found["connections"]) == set(registry.names("connections"))
    plain = edgetl("device", "doctor").stdout
    assert "no connections.yaml here" in plain and "arm64_emulated" in plain


def test_doctor_of_this_host(edgetl):
    found = json.loads(edgetl("device", "doctor", "local", "--json").stdout)
    (row,) = found["devices"]
    assert (row["reachable"], row["reason"], row["evidence"]) == (True, None, "host")
    assert row["runtimes"]["litert"]
    assert "connections" not in found


def test_a_named_device_that_does_not_answer_is_exit_5(edgetl, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        text = f"board: {{via: ssh, host: 127.0.0.1, port: {port}}}\nhere: {{via: local}}\n"
        (tmp_path / "connections.yaml").write_text(text)
        done = edgetl("device", "doctor", "board")
        assert done.returncode == 5
        assert "board via ssh (measured): unreachable" in done.stdout
        assert "✗ 127.0.0.1: nothing listens there" in done.stdout or "openssh-client" in done.stdout
        whole = edgetl("device", "doctor", "--json")
        assert whole.returncode == 0
        assert [row["reachable"] for row in json.loads(whole.stdout)["devices"]] == [False, True]


def test_wrong_names_and_wrong_files_are_exit_2(edgetl, tmp_path):
    assert "Did you mean 'local'?" in edgetl("device", "doctor", "locl").stderr
    assert edgetl("device", "doctor", "ssh").returncode == 2
    done = edgetl("device", "prepare", "local")
    assert (done.returncode, done.stdout) == (2, "")
    assert "local needs nothing prepared" in done.stderr
    (tmp_path / "connections.yaml").write_text("a: {via: x}\nb: 3\n")
    done = edgetl("device", "doctor")
    assert done.returncode == 2
    assert "connections.yaml: 2 fault(s)." in done.stderr
