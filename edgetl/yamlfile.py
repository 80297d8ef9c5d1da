"""Read a YAML file as plain values, remembering the line of every key.

Input: a path. Output: the value tree and a map from each key path (`targets[1].format`) to its line.
Why not `yaml.safe_load` alone: it forgets lines, accepts a key given twice, and expands aliases without bound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgetl.errors import InputError

MAX_BYTES = 1_000_000
"""A recipe or a profile is a few kilobytes; a larger file is a mistake or an attack."""

MAX_DEPTH = 32
"""Deepest nesting of lists and mappings; a recipe needs five."""
EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$")


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The content of one file."""

    path: str
    """As the user gave it: the name that errors carry."""
    value: Any
    """dicts, lists and scalars."""
    lines: dict[str, int] = field(default_factory=dict)
    """Key path → line, counted from 1. The root is the empty path."""

    def where(self, key: str) -> str:
        """Return `file:line: key` for a key path, falling back to the nearest parent that has a line."""
        probe = key
        while probe not in self.lines and probe:
            probe = probe[: max(probe.rfind("."), probe.rfind("["), 0)]
        return f"{self.path}:{self.lines.get(probe, 1)}: {key}" if key else f"{self.path}:{self.lines.get('', 1)}"


def read_yaml(path: Path, stop: str = "") -> YamlFile:
    """Read one YAML document.

    Args:
        path: the file.
        stop: a top-level key whose section, the last of the file, is not read: for what is long and not needed.

    Returns:
        Its values and lines.

    Raises:
        InputError: the file is missing, too large, not UTF-8, not YAML, uses an alias, or gives a key twice.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file.") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}.") from error
    return parse_yaml(data, name, stop)


def parse_yaml(data: bytes, name: str, stop: str = "") -> YamlFile:
    """Read one YAML document that is already in memory.

    Args:
        data: the document, UTF-8.
        name: of the file it came from; starts the errors.
        stop: see `read_yaml`.

    Returns:
        Its values and lines.

    Raises:
        InputError: it is too large, not UTF-8, not YAML, uses an alias, or gives a key twice.
    """
    import yaml

    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES} bytes; this cannot be a recipe, a device profile or a log.")
    loading = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = data.decode("utf-8")
        if stop:
            before, found, after = text.partition(f"\n{stop}:")
            later = re.search(r"^[^\s#-].*", after.partition("\n")[2], re.M)
            if later:
                raise InputError(f"{name}: {later[0][:40]!r} stands after {stop!r}, which must be the last section.")
            text = before + "\n" if found else text
        if _too_deep(yaml.parse(text, Loader=loading)):  # the composer recurses, in C without a limit
            raise InputError(f"{name}: is nested more than {MAX_DEPTH} deep; this cannot be a recipe, a device profile or a log.")
        loader = loading(text)
        # YAML 1.2 reads 1e-3 and 1.5e2 as numbers; PyYAML's 1.1 rules would make them text.
        loader.yaml_implicit_resolvers = {
            first: [*resolvers, ("tag:yaml.org,2002:float", EXPONENT)]
            for first, resolvers in loader.yaml_implicit_resolvers.items()
        }
        node = loader.get_single_node()
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is not UTF-8 text (byte {error.start}).") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}:{line}: not valid YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: not valid YAML: {' '.join(str(error).split())}.") from error
    if node is None:
        raise InputError(f"{name}: is empty.")
    lines: dict[str, int] = {}
    faults: list[str] = []
    value = _plain(loader, node, "", lines, faults, name, seen=set())
    if faults:
        raise InputError(f"{name}: cannot be used.", faults)
    return YamlFile(name, value, lines)


def _too_deep(events: Any) -> bool:
    """Tell whether a stream of YAML events nests deeper than `MAX_DEPTH`; stops there, for the parser's time is quadratic."""
    import yaml

    now = 0
    for event in events:
        now += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if now > MAX_DEPTH:
            return True
    return False


def _plain(loader: Any, node: Any, key: str, lines: dict[str, int], faults: list[str], name: str, seen: set[int]) -> Any:
    import yaml

    line = node.start_mark.line + 1
    lines.setdefault(key, line)
    if id(node) in seen:
        faults.append(f"{name}:{line}: {key}: aliases (*name) are not allowed; write the value out.")
        return None
    seen.add(id(node))
    if isinstance(node, yaml.CollectionNode) and node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
        faults.append(f"{name}:{line}: {key}: {node.tag}: not a plain value; tags are not allowed.")
        return None
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                faults.append(f"{name}:{key_node.start_mark.line + 1}: a key must be a plain word.")
                continue
            word = key_node.value
            path = f"{key}.{word}" if key else word
            if word in mapping:
                faults.append(f"{name}:{key_node.start_mark.line + 1}: {path}: given twice.")
            lines[path] = key_node.start_mark.line + 1
            mapping[word] = _plain(loader, value_node, path, lines, faults, name, seen)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, f"{key}[{index}]", lines, faults, name, seen) for index, item in enumerate(node.value)]
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        faults.append(f"{name}:{line}: {key}: not a plain value: {' '.join(str(error).split())}.")
        return None
