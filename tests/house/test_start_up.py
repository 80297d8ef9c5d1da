"""`--help`, `list` and `plan` import nothing heavy and start within twelve times bare Python, in the same run."""

import compileall
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgetl

pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "onnx", "tf2onnx", "onnxruntime", "coremltools",
    "ai_edge_litert", "sklearn", "scipy", "numpy", "PIL", "rich", "h5py", "psutil", "pydantic",
)  # fmt: skip
COMMANDS = (["--help"], ["list"], ["plan", str(ROOT / "recipes" / "quickstart.yaml")])
LIMIT = 12.0


@pytest.fixture(scope="module", autouse=True)
def bytecode():
    compileall.compile_dir(next(iter(edgetl.__path__)), quiet=1)


def test_a_blocked_import_is_noticed(tmp_path):
    code = "import sys\nsys.modules['yaml'] = None\nfrom edgetl.cli.main import main\nmain()\n"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # where the traceback of a bug goes
    command = [sys.executable, "-c", code, *COMMANDS[2]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 70
    assert "import of yaml halted" in done.stderr


@pytest.mark.parametrize("command", [*COMMANDS, ["recipe", "check", COMMANDS[2][1]], ["doctor"]], ids=lambda c: c[0])
def test_no_heavy_package_is_imported(command, tmp_path):
    code = f"import sys\nfor n in {HEAVY!r}: sys.modules[n] = None\nfrom edgetl.cli.main import main\nmain()\n"
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_it_starts_within_twelve_times_bare_python(command, tmp_path):
    def seconds(*arguments):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, cwd=tmp_path, check=True)
        return time.perf_counter() - begun

    pairs = [(seconds("-m", "edgetl", *command), seconds("-c", "pass")) for _ in range(15)]
    ours, bare = (min(times) for times in zip(*pairs, strict=True))  # what others on this host take can only be added
    ratio = ours / bare
    assert ratio <= LIMIT, f"{ratio:.1f} times bare Python"
