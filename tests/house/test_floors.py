"""The architecture, linted: who imports whom, how long a module is, what it may be called."""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edgetl import registry

PACKAGE = Path(__file__).resolve().parents[2] / "edgetl"
MODULES = sorted(PACKAGE.rglob("*.py"))
SETTINGS = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]
HEAVY = {
    "tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "onnx", "tf2onnx", "onnxruntime", "coremltools",
    "ai_edge_litert", "sklearn", "scipy",
}  # fmt: skip
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
    assert re.search(r"Contracts: (\d+) kept, 0 broken", done.stdout)[1] == str(len(SETTINGS["importlinter"]["contracts"]))


def _imports(tree, everywhere):
    """Dotted names that a module imports: everywhere, or as soon as it is itself imported."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if everywhere or not (typing_only or function):
            waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_heavy_packages_wait_until_a_function_needs_them(path):
    banned = set(SETTINGS["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"])
    assert banned >= HEAVY
    if path.parent.name != "nn":  # the networks themselves, imported by functions only
        roots = {name.partition(".")[0] for name in _imports(ast.parse(path.read_text()), everywhere=False)}
        assert not roots & banned


def test_a_plugin_is_imported_by_the_registry_only():
    for path in MODULES:
        for name in _imports(ast.parse(path.read_text()), everywhere=True):
            root, kind, plugin, *_ = [*name.split("."), "", ""]
            if root == "edgetl" and kind in registry.KINDS and path.parent.name != kind:
                assert plugin.startswith("_"), f"{path.name} imports {name}"


def test_modules_are_short():
    lengths = {path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines()) for path in MODULES}
    assert not {name: length for name, length in lengths.items() if length > 350}
    assert statistics.median(lengths.values()) <= 100


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_names_say_what_things_are(path):
    tree = ast.parse(path.read_text())
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    words = {word.lower() for name in (path.parent.name, path.stem, *classes) for word in re.findall(r"[A-Z]?[a-z0-9]+", name)}
    assert not words & BANNED
