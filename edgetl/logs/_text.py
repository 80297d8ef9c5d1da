"""Strict reading of the forms that logs have: lines, JSON, CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from edgetl.errors import InputError

MAX_ROWS = 100_000
"""Most lines of a log, or rows of a table."""


def lines(text: str, where: str) -> Iterator[tuple[int, str]]:
    """Count a log's lines from 1.

    Args:
        text: the log.
        where: its name.

    Yields:
        Number and content of each line, without the white space at its end.

    Raises:
        InputError: there are more than `MAX_ROWS`.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if number > MAX_ROWS and line:
            raise InputError(f"{where}: has more than {MAX_ROWS} lines; give the log of one run alone.")
        yield number, line.rstrip()


def number(text: str, place: str) -> float:
    """Read a number that a program printed.

    Args:
        text: digits, with a point and an exponent where there is one.
        place: file and line, for the message.

    Returns:
        A finite number.

    Raises:
        InputError: it is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or "_" in text:
        raise InputError(f"{place}: {text[:40]!r} is not a number. The log is damaged; take it again.")
    return found


def json_object(text: str, where: str) -> dict[str, Any]:
    """Read one JSON object, as the standard has it: no NaN, no key twice, no deep nesting.

    Args:
        text: the file.
        where: its name.

    Returns:
        The object.

    Raises:
        InputError: it is not one.
    """

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not a number that JSON knows")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError(f"a key is given twice: {', '.join(key for key, _ in pairs)[:80]}")
        return found

    try:
        found = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}:{error.lineno}: is not whole JSON: {error.msg}. Take the log again.") from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{where}: is not JSON that can be used: {reason}.") from error
    if not isinstance(found, dict):
        raise InputError(f"{where}: must be a JSON object, not a {type(found).__name__}.")
    return found


class Field:
    """A place in JSON or YAML values; says where a value is missing or wrong instead of failing."""

    def __init__(self, value: Any, where: str, key: str = "") -> None:
        """Begin at a value.

        Args:
            value: dicts, lists and scalars.
            where: name of the file.
            key: path of the value.
        """
        self.value, self.where, self.key = value, where, key

    def fault(self, what: str) -> InputError:
        """Make the error that `what` is wrong here."""
        return InputError(f"{self.where}: {self.key or 'the file'}: {what}")

    def __getitem__(self, name: str) -> Field:
        if not isinstance(self.value, dict) or name not in self.value:
            raise self.fault(f"'{name}' is missing. The log is damaged, or of another version.")
        return Field(self.value[name], self.where, f"{self.key}.{name}" if self.key else name)

    def get(self, name: str) -> Field | None:
        """The value of a key, or None where there is none."""
        if not isinstance(self.value, dict):
            raise self.fault("must be a mapping.")
        return None if self.value.get(name) is None else self[name]

    def items(self) -> Iterator[tuple[str, Field]]:
        """Keys and values of a mapping."""
        if not isinstance(self.value, dict):
            raise self.fault("must be a mapping.")
        for name in self.value:
            yield str(name), self[name]

    def elements(self) -> Iterator[Field]:
        """Values of a list."""
        if not isinstance(self.value, list):
            raise self.fault("must be a list.")
        if len(self.value) > MAX_ROWS:
            raise self.fault(f"has {len(self.value)} entries; at most {MAX_ROWS} are read.")
        for index, value in enumerate(self.value):
            yield Field(value, self.where, f"{self.key}[{index}]")

    @property
    def number(self) -> float:
        """The value, when it is a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not abs(self.value) < 1e300:
            raise self.fault(f"must be a number, not {str(self.value)[:40]!r}.")
        return float(self.value)

    @property
    def whole(self) -> int:
        """The value, when it is a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.fault(f"must be a whole number, not {str(self.value)[:40]!r}.")
        return self.value

    @property
    def text(self) -> str:
        """The value, when it is text that says something."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.fault(f"must be text, not {str(self.value)[:40]!r}.")
        return self.value.strip()


def once(found: dict[str, Any], name: str, value: Any, place: str) -> None:
    """Note what a line states, unless an earlier line stated something else.

    Args:
        found: what was stated so far; grows.
        name: of the fact.
        value: of the fact.
        place: file and line, for the message.

    Raises:
        InputError: the log contradicts itself.
    """
    if found.setdefault(name, value) != value:
        raise InputError(f"{place}: says {name} {value}, but an earlier line said {found[name]}. Give the log of one run alone.")
