"""Core ML: away from a Mac it says so and what to do, and never claims a result."""

import sys

import pytest

from edgetl import registry


@pytest.mark.skipif(sys.platform == "darwin", reason="this is a Mac")
def test_it_is_unavailable_with_a_reason():
    reason = registry.load("runtimes", "coreml").unavailable()
    assert "macOS only" in reason
    assert "on a Mac" in reason
