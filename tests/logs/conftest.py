"""Logs to read: small, in the form that each tool's code prints."""

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture
def data():
    """Return the folder of the stored logs."""
    return DATA


@pytest.fixture
def log():
    """Return the text of a stored log."""
    return lambda name: (DATA / name).read_text(encoding="utf-8")
