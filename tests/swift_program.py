"""The Swift of an app, compiled with stubs of Apple's frameworks (tests/apps/stubs/swift) into a program for tests."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

NEED = runpy.run_path(str(Path(__file__).parent / "clients" / "need.py"))
STUBS = Path(__file__).parent / "apps" / "stubs" / "swift"
MODULES = re.findall(r"\w+", "CryptoKit Compression CoreGraphics ImageIO Answers OnnxRuntimeBindings CoreVideo CoreML XCTest")
"""Each after those that it imports."""


def compile_(*arguments):
    """Run the compiler; it must say nothing at all."""
    done = subprocess.run([*map(str, (NEED["swiftc"](), *arguments))], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stdout + done.stderr == "", done.stdout + done.stderr


def stubs(folder):
    """Compile the stubs; returns what code that imports them needs."""
    if sys.platform == "darwin":
        pytest.skip("the stubs stand for what Apple's systems have; there `swift test` in the package is the test")
    given = ("-I", folder, "-I", STUBS / "libcrypto", "-I", STUBS / "libz")
    for name in MODULES:
        made = ("-o", folder / f"{name}.o", "-emit-module-path", folder / f"{name}.swiftmodule")
        compile_("-c", "-parse-as-library", "-swift-version", "5", "-module-name", name, *made, *given, STUBS / f"{name}.swift")
    return given


def build(sources, folder, given=None):
    """Compile an app's sources; returns `run`: (rows, **environment) → lines printed, messages; `given`.

    `given`: of a program built before, whose stubs are taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = given or stubs(folder)
    sources = [*sorted(sources), STUBS / "Resources.swift", STUBS / "main.swift"]
    objects = [given[1] / f"{name}.o" for name in MODULES]
    how = ("-swift-version", "5", "-module-name", "Program", "-lcrypto", "-lz")
    compile_("-o", folder / "program", *how, *given, *sources, *objects)

    def run(rows, **environment):
        lines = "".join("\t".join(map(str, row)) + "\n" for row in rows)
        variables = {**os.environ, "TMPDIR": str(folder), "HOME": str(folder), **{k: str(v) for k, v in environment.items()}}
        done = subprocess.run(
            [folder / "program"], input=lines, capture_output=True, text=True, timeout=120, env=variables, restore_signals=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines(), done.stderr

    return SimpleNamespace(run=run, given=given)
