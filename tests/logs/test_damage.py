"""Whatever becomes of a log, its reader gives checked readings or says what is wrong, in the log's name."""

import random
import re

import pytest

from edgetl import evidence, registry
from edgetl.errors import InputError

WORDS = (
    "nan",
    "inf",
    "-1",
    "0",
    "1e400",
    "9" * 5000,
    "\0",
    '"',
    ",",
    "{",
    "[",
    "null",
    "é",
    "\t",
    "\x85",
    "²",
    "*a",
    "!!x y",
    "1_0",
)
NUMBER = re.compile(r"-?[0-9][0-9.e+]*")


def _damaged(text, rng):
    """Cut, repeat, replace or insert something, once or a few times."""
    for _ in range(rng.choice((1, 1, 1, 4))):
        begin = rng.randrange(len(text) + 1)
        end = min(len(text), begin + rng.choice((1, 10, 100)))
        numbers = list(NUMBER.finditer(text))
        spot = rng.choice(numbers) if numbers else re.match("", text)
        text = rng.choice(
            (
                text[:begin] + text[end:],
                text[:begin],
                text[:begin] + text[begin:end] * 3 + text[end:],
                text[:begin] + rng.choice(WORDS) + text[begin:],
                text[: spot.start()] + rng.choice(WORDS) + text[spot.end() :],
            )
        )
    return text


def test_a_damaged_log_is_refused_in_its_name_or_read_whole(data):
    rng = random.Random(3)
    refused = 0
    for path in sorted(data.iterdir()):
        reader = registry.load("logs", evidence.load(path).kind)
        text = path.read_text(encoding="utf-8")
        for _ in range(60):
            try:
                assert reader.read(_damaged(text, rng), "some.log")
            except InputError as error:
                refused += 1
                assert str(error).startswith("some.log")
    assert refused > 400


@pytest.mark.parametrize("name", registry.names("logs"))
def test_each_reader_refuses_what_is_no_log_of_its_kind(name):
    reader = registry.load("logs", name)
    for text in ("", "\n", "hello", "{}", "[]", "a: 1", "a,b\n1,2\n", "\0" * 100):
        assert not reader.recognises(text, "x.log")
        with pytest.raises(InputError, match="some.log"):
            reader.read(text, "some.log")
