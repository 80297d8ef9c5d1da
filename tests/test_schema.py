"""Plain values become records or faults: every fault at once, each at its key; the JSON Schema says the same."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from edgetl.schema import Bound, MinItems, OneOf, Pattern, check, json_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Fruit:
    kind: Annotated[str, OneOf("fruit", lambda: ("apple", "pear"))]
    grams: Annotated[float, Bound(gt=0, le=500)] = 100.0

    def faults(self):
        return (("grams", "a pear is heavier."),) if self.kind == "pear" and self.grams < 50 else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stone:
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    name: Annotated[str, Pattern("[a-z]+", "a lower-case word")]
    count: Annotated[int, Bound(ge=1, lt=10)] = 1
    fresh: bool = True
    mode: Literal["whole", "cut"] | Stone = "whole"
    note: str | None = None
    fruits: Annotated[tuple[Fruit, ...], MinItems(1)] = (Fruit(kind="apple"),)


def _faults(value):
    faults = []
    found = check(Basket, value, lambda key: f"f:{key}", faults)
    assert (found is None) == bool(faults)
    return faults


def test_good_values_become_records():
    value = {"name": "a", "count": 3, "mode": {"weight": 2}, "note": None, "fruits": [{"kind": "pear", "grams": 60}]}
    faults = []
    basket = check(Basket, value, str, faults)
    assert basket == Basket(name="a", count=3, mode=Stone(weight=2), fruits=(Fruit(kind="pear", grams=60.0),))
    assert type(basket.fruits[0].grams) is float, "a whole number is good where a number is wanted"
    assert not faults


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": 3}, "f:name: must be text, not a whole number 3."),
        ({"name": "A"}, "f:name: 'A' is not a lower-case word."),
        ({"name": "a\nb"}, "f:name: 'a\\nb' is not a lower-case word."),
        ({"note": "a\0b"}, "f:note: must not contain the character NUL."),
        ({"count": 0}, "f:count: 0 is out of range: must be at least 1."),
        ({"count": 10}, "f:count: 10 is out of range: must be below 10."),
        ({"count": 1.0}, "f:count: must be a whole number, not a number 1.0."),
        ({"count": True}, "f:count: must be a whole number, not true."),
        ({"count": 16**9000}, "f:count: is too large a number."),
        ({"count": None}, "f:count: must be a whole number, not empty."),
        ({"fresh": 1}, "f:fresh: must be true or false, not a whole number 1."),
        ({"mode": "cutt"}, "f:mode: text 'cutt' is not allowed. Did you mean 'cut'? Known: cut, whole."),
        ({"mode": {"wait": 2}}, "f:mode.wait: unknown key. Did you mean 'weight'? Known: weight."),
        ({"fruits": []}, "f:fruits: needs at least 1 item(s), has 0."),
        ({"fruits": "x"}, "f:fruits: must be a list, not text 'x'."),
        ({"fruits": [3]}, "f:fruits[0]: must be a mapping of keys, not a whole number 3."),
        ({"fruits": [{"kind": "appel"}]}, "f:fruits[0].kind: no fruit named 'appel'. Did you mean 'apple'? Known: apple, pear."),
        ({"fruits": [{"kind": "pear", "grams": 9}]}, "f:fruits[0].grams: a pear is heavier."),
        ({"fruits": [{"kind": "pear", "grams": 0}]}, "f:fruits[0].grams: 0.0 is out of range: must be above 0."),
        ({"fruits": [{"kind": "pear", "grams": math.nan}]}, "f:fruits[0].grams: must be a finite number, not nan."),
        ({"fruits": [{"kind": "pear", "grams": -math.inf}]}, "f:fruits[0].grams: must be a finite number, not -inf."),
        ({"fruits": [{"kind": "pear", "grams": 10**400}]}, "f:fruits[0].grams: is too large a number."),
        ({"cuont": 1}, "f:cuont: unknown key. Did you mean 'count'? Known: count, fresh, fruits, mode, name, note."),
        ({3: 1}, "f:3: unknown key. Known: count, fresh, fruits, mode, name, note."),
    ],
)  # fmt: skip
def test_a_fault_says_where_and_what(change, fault):
    found = _faults({"name": "a", **change})
    assert found[0] == fault
    assert len(found) == (2 if "weight" in fault else 1), found  # a misspelt key is missing, too


def test_all_faults_come_at_once_and_a_missing_key_is_told_at_its_holder():
    found = _faults({"count": 99, "fresh": "no", "fruits": [{"grams": 1}, {"kind": "pear", "grams": "x"}], "x": 1})
    keys = [fault.partition(": ")[0] for fault in found]
    assert sorted(keys) == sorted(["f:x", "f:", "f:count", "f:fresh", "f:fruits[0]", "f:fruits[1].grams"])
    assert "f:: key 'name' is missing." in found
    assert _faults([]) == ["f:: must be a mapping of keys, not a list []."]


def test_the_json_schema_says_the_same():
    schema = json_schema(Basket, "a basket")
    properties = schema["properties"]
    assert (schema["title"], schema["required"], schema["additionalProperties"]) == ("a basket", ["name"], False)
    assert properties["name"] == {"type": "string", "pattern": "^(?:[a-z]+)(?![\\s\\S])"}
    assert properties["count"] == {"type": "integer", "minimum": 1, "exclusiveMaximum": 10, "default": 1}
    assert properties["mode"] == {"anyOf": [{"enum": ["whole", "cut"]}, {"$ref": "#/$defs/Stone"}], "default": "whole"}
    assert properties["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert properties["fruits"] == {"type": "array", "items": {"$ref": "#/$defs/Fruit"}, "minItems": 1}
    assert schema["$defs"]["Fruit"]["properties"]["kind"] == {"type": "string", "enum": ["apple", "pear"]}


def test_a_newline_at_the_end_does_not_pass_a_pattern():
    import jsonschema

    from edgetl.bundle import contracts

    digest = contracts.schema()["$defs"]["GoldenPhoto"]["properties"]["sha256"]
    jsonschema.validate("0" * 64, digest)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate("0" * 64 + "\n", digest)
