"""Damaged copies of real files: inspected or refused with a reason, never a hang, a bug, a dead parent or a written file."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edgetl.errors import InputError
from edgetl.inspection import apart, inspect

SERVER = Path(__file__).with_name("fork_server.py")


def _damage(data, rng):
    """A copy with a part cut off, bits flipped (anywhere or in its head), a block emptied, or a number made huge."""
    data = bytearray(data)
    kind = rng.choice(["cut", "bits", "head", "block", "huge"])
    if kind == "cut":
        del data[int(rng.integers(0, len(data))) :]
    elif kind in ("bits", "head"):
        end = len(data) if kind == "bits" else min(len(data), 4096)
        for place in rng.integers(0, end, int(rng.integers(1, 65))):
            data[place] ^= 1 << int(rng.integers(0, 8))
    elif kind == "block":
        start = int(rng.integers(0, len(data)))
        data[start : start + 512] = bytes(len(data[start : start + 512]))
    else:
        for place in rng.integers(0, len(data) // 4, 4):
            data[4 * place : 4 * place + 4] = bytes(rng.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80"]))
    return str(kind), bytes(data)


def _models(material):
    return sorted(p for p in (material / "models").rglob("*") if p.suffix in (".tflite", ".onnx", ".h5"))


def _look(material, folder, count):
    """Inspect so many damaged copies, each in a child of its own; returns what became of them."""
    models, rng = _models(material), np.random.default_rng(6)
    for name in ("files", "elsewhere", "temporary"):
        (folder / name).mkdir()
    environment = {**os.environ, **apart.ENVIRONMENT, "TMPDIR": str(folder / "temporary")}
    server = subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder / "elsewhere", env=environment,
    )  # fmt: skip
    became = Counter()
    for number in range(count):
        model = models[number % len(models)]
        kind, data = _damage(model.read_bytes(), rng)
        path = folder / "files" / f"{number}_{model.name}"
        path.write_bytes(data)
        server.stdin.write(f"{path}\n")
        server.stdin.flush()
        line = server.stdout.readline()
        assert line, f"{path.name} ({kind}): the parent is gone"
        done = json.loads(line)
        what = f"{path.name} ({kind}): {done}"
        assert not done["late"], what
        assert done["code"] <= 0, what  # 1: an exception that is no refusal
        became["died" if done["code"] else "refused" if "refused" in done["told"] else "inspected"] += 1
        assert path.read_bytes() == data
        path.unlink()
    server.stdin.close()
    assert server.wait(60) == 0
    server.stdout.close()
    assert [list((folder / name).iterdir()) for name in ("files", "elsewhere", "temporary")] == [[], [], []]
    return became


def test_sixty_damaged_copies(material, tmp_path):
    became = _look(material, tmp_path, 60)
    assert became["refused"] >= 10
    assert became["inspected"] >= 5
    assert became["died"] <= 3


@pytest.mark.slow
def test_a_thousand_damaged_copies(material, tmp_path):
    became = _look(material, tmp_path, 1000)
    print(dict(became))
    assert became["died"] <= 10


def test_a_reader_that_dies_or_hangs_is_a_refusal(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, threading\n"
        "if 'edgetl.inspection.child' in sys.orig_argv:\n"
        "    import signal, time\n"
        "    time.sleep(60) if os.environ['HOW'] == 'hang' else os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    (tmp_path / "x.onnx").write_bytes(b"")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("HOW", "die")
    with pytest.raises(InputError, match=r"x\.onnx: is damaged or hostile: its reading was ended by SIGSEGV"):
        apart.inspect(tmp_path / "x.onnx")
    monkeypatch.setenv("HOW", "hang")
    with pytest.raises(InputError, match=r"x\.onnx: was not read within 1 s"):
        apart.inspect(tmp_path / "x.onnx", time_s=1.0)


def test_every_model_of_the_material_is_inspected(material):
    for path in _models(material):
        found = inspect(path)
        assert len(found.facts.graph.operators) > 5
        assert not found.errors, path.name
