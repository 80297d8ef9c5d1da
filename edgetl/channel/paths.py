"""Where what lies in a channel's storage."""

from __future__ import annotations

RESERVED = ("keys", "bundles")
"""Folders that are no channel's."""


def newest_path(channel: str) -> str:
    """Of the copy of the newest index, the one file that is ever replaced."""
    return f"{channel}/newest.json"


def index_path(channel: str, version: int) -> str:
    """Of a version."""
    return f"{channel}/index/{version}.json"


def bundle_path(sha256: str) -> str:
    """Of a bundle."""
    return f"bundles/{sha256}.zip"
