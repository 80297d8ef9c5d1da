"""Real clients and the programs they need: where they are, or a skip with the reason (where EDGETL_CI is set, a failure)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / ".clients"
"""What `make clients` makes."""


def _absent(what: str, remedy: str) -> NoReturn:
    if os.environ.get("EDGETL_CI"):
        pytest.fail(f"{what} is not here: {remedy}")
    pytest.skip(f"{what} is not here: {remedy}")


def _program(*names: str) -> Path:
    for name in names:
        if found := shutil.which(name):
            return Path(found)
    _absent(names[0], "install it with your system's package manager.")


def node() -> Path:
    """Node.js, 18 or newer."""
    return _program("node")


def chromium() -> Path:
    """Chromium or Chrome, for pages."""
    return _program("chromium", "chromium-browser", "google-chrome")


def kotlinc() -> Path:
    """The Kotlin compiler, 1.3 or newer (Debian: kotlin)."""
    return _program("kotlinc")


def java() -> Path:
    """A Java 17 runtime, on which compiled Kotlin runs."""
    return _program("java")


def swiftc() -> Path:
    """A Swift compiler: one on the PATH, or Debian's for Linux, which `make clients` makes; where neither is, always a skip.

    It is the one client that CI may lack: Apple's toolchain is the real one.
    """
    found = CLIENTS / "swift" / "bin" / "swiftc"
    if not found.exists():
        found = Path(shutil.which("swiftc") or "")
    if not found.is_file():
        pytest.skip("swiftc is not here: run `make clients`, which says why where it cannot make it.")
    return found


def openssl() -> Path:
    """OpenSSL's command, 3.0 or newer."""
    return _program("openssl")


def node_modules() -> Path:
    """onnxruntime-web, @mediapipe/tasks-vision, axe-core and playwright-core."""
    found = CLIENTS / "node_modules"
    if not (found / "onnxruntime-web").is_dir():
        _absent("node_modules", "run `make clients`.")
    return found


def mediapipe_python() -> Path:
    """A Python of its own with MediaPipe Tasks."""
    found = CLIENTS / "mediapipe" / "bin" / "python"
    if not found.exists():
        _absent("MediaPipe", "run `make clients`.")
    return found
