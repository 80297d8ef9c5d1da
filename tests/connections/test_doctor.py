"""`edgetl device doctor` against a real server."""

import json
import sys


def test_a_device_without_runtimes_is_exit_3_and_told_how_to_get_them(edgetl, tmp_path, sshd):
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    settings = {**sshd().settings, "python": str(bare)}
    (tmp_path / "connections.yaml").write_text(f"board: {json.dumps({'via': 'ssh', **settings})}\n")
    done = edgetl("device", "doctor", "board")
    assert done.returncode == 3, done.stderr
    assert "board via ssh (measured): answers" in done.stdout
    assert "litert          not there. Install there: python3 -m pip install ai-edge-litert numpy" in done.stdout
    settings["python"] = sys.executable
    (tmp_path / "connections.yaml").write_text(f"board: {json.dumps({'via': 'ssh', **settings})}\n")
    found = edgetl("device", "doctor", "board", "--json")
    assert found.returncode == 0
    assert json.loads(found.stdout)["devices"][0]["runtimes"]["onnxruntime"]
