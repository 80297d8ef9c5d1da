"""Check plain values against frozen dataclasses: every fault at once, each with its place; and print the JSON Schema.

Input: the values of a YAML file and a dataclass whose fields are annotated. Output: an instance, or all faults.
Why not pydantic: importing it and building one model costs ten times bare Python's start (measured with 2.14), and
`edgetl plan`, which must load a recipe, is held to twelve times in all.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from edgetl.errors import did_you_mean

_Kind = TypeVar("_Kind")
Where = Callable[[str], str]
"""Turns a key path into the `file:line: key` that a fault starts with."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Limits of a number, for use in `Annotated`."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def fault(self, value: float) -> str | None:
        """Say what is wrong with `value`, or None."""
        tests = (
            (self.ge is not None and value < self.ge, f"at least {self.ge}"),
            (self.gt is not None and value <= self.gt, f"above {self.gt}"),
            (self.le is not None and value > self.le, f"at most {self.le}"),
            (self.lt is not None and value >= self.lt, f"below {self.lt}"),
        )
        wanted = [text for wrong, text in tests if wrong]
        return f"{value} is out of range: must be {' and '.join(wanted)}." if wanted else None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that a text must match whole, for use in `Annotated`."""

    expression: str
    meaning: str
    """What the expression stands for, in words."""

    def fault(self, value: str) -> str | None:
        """Say what is wrong with `value`, or None."""
        return None if re.fullmatch(self.expression, value) else f"{value!r} is not {self.meaning}."


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text that must be one of a set found at run time (the registry's names), for use in `Annotated`."""

    what: str
    """What the names are, in the singular."""
    known: Callable[[], Iterable[str]]

    def fault(self, value: str) -> str | None:
        """Say what is wrong with `value`, or None."""
        known = tuple(self.known())
        return None if value in known else f"no {self.what} named '{value}'. {did_you_mean(value, known)}"


@dataclass(frozen=True, slots=True)
class MinItems:
    """Least number of items in a list, for use in `Annotated`."""

    count: int

    def fault(self, value: tuple[Any, ...]) -> str | None:
        """Say what is wrong with `value`, or None."""
        return None if len(value) >= self.count else f"needs at least {self.count} item(s), has {len(value)}."


def check(kind: type[_Kind], value: Any, where: Where, faults: list[str], key: str = "") -> _Kind | None:
    """Build an instance of `kind` from plain values.

    Args:
        kind: a dataclass.
        value: dicts, lists and scalars.
        where: names the place of a key path.
        faults: receives one finished line for each fault.
        key: path of `value`; empty for the whole file.

    Returns:
        The instance, or None when something below it is wrong (then `faults` has grown).
    """
    before = len(faults)
    result = _check(kind, value, key, lambda k, what: faults.append(f"{where(k)}: {what}"))
    return typing.cast("_Kind", result) if len(faults) == before else None


@functools.cache
def hints_of(kind: type) -> dict[str, Any]:
    """Annotations of a dataclass, evaluated, with their `Annotated` parts."""
    return typing.get_type_hints(kind, include_extras=True)


def _check(hint: Any, value: Any, key: str, fault: Callable[[str, str], None]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(value, int) and value.bit_length() > 64:  # may neither fit a float nor be printable
        fault(key, "is too large a number.")
        return None
    if origin is typing.Annotated:
        seen: list[str] = []

        def note(where: str, what: str) -> None:
            seen.append(what)
            fault(where, what)

        result = _check(arguments[0], value, key, note)
        for limit in arguments[1:] if not seen and result is not None else ():
            complaint = limit.fault(result)
            if complaint:
                fault(key, complaint)
        return result
    if origin in (typing.Union, types.UnionType):
        return _check_union(arguments, value, key, fault)
    if origin is Literal:
        if value in arguments and any(type(value) is type(a) for a in arguments):
            return value
        fault(key, f"{_show(value)} is not allowed. {did_you_mean(str(value), map(str, arguments))}")
        return None
    if origin is tuple:
        if not isinstance(value, list):
            fault(key, f"must be a list, not {_show(value)}.")
            return None
        return tuple(_check(arguments[0], item, f"{key}[{index}]", fault) for index, item in enumerate(value))
    if origin is dict:
        return _check_mapping(arguments, value, key, fault)
    if dataclasses.is_dataclass(hint):
        return _check_record(typing.cast("type", hint), value, key, fault)
    return _check_scalar(hint, value, key, fault)


def _check_mapping(arguments: tuple[Any, ...], value: Any, key: str, fault: Callable[[str, str], None]) -> Any:
    if not isinstance(value, dict):
        fault(key, f"must be a mapping, not {_show(value)}.")
        return None
    names, items = arguments
    return {_check(names, name, key, fault): _check(items, item, f"{key}.{name}", fault) for name, item in value.items()}


def _check_record(kind: type, value: Any, key: str, fault: Callable[[str, str], None]) -> Any:
    if not isinstance(value, dict):
        fault(key, f"must be a mapping of keys, not {_show(value)}.")
        return None
    hints = hints_of(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    path = f"{key}." if key else ""
    clean = True

    def note(where: str, what: str) -> None:
        nonlocal clean
        clean = False
        fault(where, what)

    for name in value:
        if name not in fields:
            note(f"{path}{name}", f"unknown key. {did_you_mean(str(name), fields)}")
    arguments = {}
    for name, field in fields.items():
        if name in value:
            arguments[name] = _check(hints[name], value[name], f"{path}{name}", note)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            note(key, f"key '{name}' is missing.")
    if not clean:
        return None
    record = kind(**arguments)
    for name, what in getattr(record, "faults", lambda: ())():
        note(f"{path}{name}" if name else key, what)
    return record


def _check_union(arguments: tuple[Any, ...], value: Any, key: str, fault: Callable[[str, str], None]) -> Any:
    if value is None and type(None) in arguments:
        return None
    options = [a for a in arguments if a is not type(None)]
    records = [a for a in options if dataclasses.is_dataclass(a)]
    others = [a for a in options if not dataclasses.is_dataclass(a)]
    if isinstance(value, dict) and records:
        # the record that shares most keys is the one that was meant; its faults are the ones to tell
        best = max(records, key=lambda r: len({f.name for f in dataclasses.fields(r)} & set(value)))
        return _check(best, value, key, fault)
    lists = [a for a in others if typing.get_origin(a) is tuple]
    if len(others) == 1 or (isinstance(value, list) and len(lists) == 1):
        return _check(lists[0] if isinstance(value, list) and lists else others[0], value, key, fault)
    for option in others:
        complaints: list[str] = []
        result = _check(option, value, key, lambda _, what, c=complaints: c.append(what))  # type: ignore[misc]
        if not complaints:
            return result
    fault(key, f"{_show(value)} is not allowed: must be {' or '.join(map(_name, options))}.")
    return None


def _check_scalar(hint: Any, value: Any, key: str, fault: Callable[[str, str], None]) -> Any:
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        fault(key, f"must be a finite number, not {value}.")
        return None
    if isinstance(value, str) and "\0" in value:
        fault(key, "must not contain the character NUL.")
        return None
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    fault(key, f"must be {_name(hint)}, not {_show(value)}.")
    return None


def _show(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return f"{_name(type(value))} {text if len(text) <= 60 else text[:57] + '...'}"


_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    dict: "a mapping",
    list: "a list",
}


def _name(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return " or ".join(repr(a) for a in typing.get_args(hint))
    if dataclasses.is_dataclass(hint):
        fields = dataclasses.fields(typing.cast("type", hint))
        return "{" + ", ".join(f"{f.name}: …" for f in fields) + "}"
    if typing.get_origin(hint) is tuple:
        return "a list"
    return _NAMES.get(hint, getattr(hint, "__name__", str(hint)))


def json_schema(kind: type, title: str) -> dict[str, Any]:
    """Write the JSON Schema (draft 2020-12) of a dataclass, for editors.

    Args:
        kind: the dataclass of the whole file.
        title: what the file is.

    Returns:
        The schema as plain values; every nested record under `$defs`.
    """
    definitions: dict[str, Any] = {}
    _schema(kind, definitions)
    root = definitions.pop(kind.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        schema = _schema(arguments[0], definitions)
        for limit in arguments[1:]:
            schema.update(_limit_schema(limit))
        return schema
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_schema(a, definitions) for a in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is dict:
        names, items = (_schema(a, definitions) for a in arguments)
        return {"type": "object", "propertyNames": names, "additionalProperties": items}
    if dataclasses.is_dataclass(hint):
        record = typing.cast("type", hint)
        if record.__name__ not in definitions:
            definitions[record.__name__] = {}
            definitions[record.__name__] = _record_schema(record, definitions)
        return {"$ref": f"#/$defs/{record.__name__}"}
    kinds = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}
    return {"type": kinds[hint]}


def _limit_schema(limit: Any) -> dict[str, Any]:
    if isinstance(limit, Bound):
        words = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
        return {word: getattr(limit, name) for name, word in words.items() if getattr(limit, name) is not None}
    if isinstance(limit, Pattern):
        return {"pattern": rf"^(?:{limit.expression})(?![\s\S])"}  # `$` lets a last newline pass in Python's validators
    if isinstance(limit, OneOf):
        return {"enum": sorted(limit.known())}
    return {"minItems": limit.count} if isinstance(limit, MinItems) else {}


def _record_schema(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = hints_of(kind)
    required, properties = [], {}
    for field in dataclasses.fields(kind):
        schema = _schema(hints[field.name], definitions)
        if field.default is not dataclasses.MISSING:
            if isinstance(field.default, bool | int | float | str):
                schema = {**schema, "default": field.default}
        elif field.default_factory is dataclasses.MISSING:
            required.append(field.name)
        properties[field.name] = schema
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        schema["required"] = required
    return schema
