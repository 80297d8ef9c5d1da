"""The architecture, linted: who imports whom, how long a module is, what it may be called."""

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "edgetl"
MODULES = sorted(PACKAGE.rglob("*.py"))
BANNED = {
    "manager",
    "handler",
    "helper",
    "helpers",
    "utils",
    "util",
    "common",
    "misc",
    "factory",
    "engine",
    "processor",
    "wrapper",
}


def test_the_floors_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed; make dev brings it")
    done = subprocess.run([linter, "--no-cache"], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_modules_are_short():
    lengths = {path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines()) for path in MODULES}
    assert not {name: length for name, length in lengths.items() if length > 350}
    assert statistics.median(lengths.values()) <= 100


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_names_say_what_things_are(path):
    tree = ast.parse(path.read_text())
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    words = {word.lower() for name in (path.stem, *classes) for word in re.findall(r"[A-Z]?[a-z0-9]+", name)}
    assert not words & BANNED
