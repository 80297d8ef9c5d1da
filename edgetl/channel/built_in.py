"""What an app is built to trust, as a line of its source: `Trust` of the update clients in Kotlin and Swift."""

from __future__ import annotations

from edgetl.channel.keys import ListedKey, Trust


def kotlin(trust: Trust) -> str:
    """For `UpdateClient` in Kotlin."""
    keys = ", ".join(f"ListedKey({_key(one)}, {_flag(one)})" for one in trust.keys)
    return f'Trust({trust.version}, listOf({keys}), "{trust.sha256}")'


def swift(trust: Trust) -> str:
    """For `UpdateClient` in Swift."""
    keys = ", ".join(f"ListedKey(key: {_key(one)}, rotates: {_flag(one)})" for one in trust.keys)
    return f'Trust(version: {trust.version}, keys: [{keys}], sha256: "{trust.sha256}")'


def _key(one: ListedKey) -> str:
    line = "".join(one.key.pem().decode().splitlines()[1:-1])  # as a .pub file holds it, between BEGIN and END
    return f'publicKey("{line}")'


def _flag(one: ListedKey) -> str:
    return "true" if one.rotates else "false"
