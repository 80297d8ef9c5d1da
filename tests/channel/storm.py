"""A publisher in a process of its own, to be killed: `tests/channel/test_s3.py` starts many."""

import hashlib
import os
import random
from pathlib import Path

from edgetl.channel import keys, publishing
from edgetl.channel.commit import Publisher
from edgetl.channel.storage import Storage
from edgetl.errors import InputError
from edgetl.signing import secret_key
from tests.channel.conftest import NOW, describe

TOLD = ("by now, not", "nothing to go back to", "has no release", "none of them for everyone")


def blob(folder: Path, number: int) -> Path:
    """A bundle of 20 to 600 kB that only its number decides."""
    path = folder / f"blob-{number}.zip"
    data = hashlib.shake_128(str(number).encode()).digest(20_000 + number * 7919 % 580_000)
    if not path.exists() or path.stat().st_size != len(data):
        path.write_bytes(data)
    return path


def publisher(folder: Path, url: str) -> Publisher:
    """Whoever has the key in `folder`."""
    key = secret_key(folder / "k.key")
    return Publisher(storage=Storage(url), channel="beta", key=key, trust=keys.only(key.public), now_s=NOW, valid_days=30)


def work(folder: Path, url: str, number: int, ready, settings: dict[str, str]) -> None:
    """Connect, say so, and make one change."""
    os.environ.update(settings)  # it was forked by a server that may be older than they are
    draw = random.Random(number)
    who, path = publisher(folder, url), blob(folder, number)
    who.storage.read("keys/1.json", 10**6)
    ready.send(number)
    what = draw.choice(("publish", "publish", "publish", "rollback", "rollout", "renew"))
    try:
        if what == "publish":
            publishing.publish(who, path, describe(path, rollout=draw.choice((1000, 5000, 10_000))))
        elif what == "rollback":
            publishing.rollback(who)
        elif what == "rollout":
            publishing.rollout(who, draw.choice((5000, 10_000)))
        else:
            publishing.renew(who)
    except InputError as error:  # another was faster, or there is nothing to go back to: told, and nothing done
        if not any(words in str(error) for words in TOLD):
            raise
    ready.send("done")
