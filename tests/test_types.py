"""Records survive JSON; so does a whole recipe."""

import dataclasses
import json

import pytest

from edgetl import places, types
from edgetl.recipe import Recipe, Target
from edgetl.recipefile import load_recipe
from edgetl.stages._base import Job
from edgetl.types import Artifact, Companion, Measurement, Preprocess, TensorSpec, Verdict, flatten, from_json, to_json

SPEC = TensorSpec(name="image", shape=(1, 8, 8, 3), dtype="int8", layout="NHWC", scale=0.5, zero_point=-1)
RECORDS = [
    SPEC,
    Preprocess(resize_px=73, crop_px=64, interpolation="bicubic", mean=0.5, std=2.0),
    Artifact(
        format="tflite", scheme="fp32", path="a.tflite", sha256="0" * 64, size_bytes=3, inputs=(SPEC,), outputs=(SPEC, SPEC),
        converter="x 1", notes=("1 CONV_2D",), normalise="graph", companions=(Companion(path="a.ort", sha256="1" * 64, size_bytes=2),),
    ),
    Companion(path="a.ort", sha256="0" * 64, size_bytes=3),
    Measurement(name="latency_ms", values=(1.0, 2.5), evidence="host", environment={"cpu": "x"}),
    Verdict(
        format="tflite", scheme="fp32", device=None, gate="min_top1", outcome="pass", value=0.5, interval=(0.4, 0.6), limit=0.3,
        evidence="measured", reason="because",
    ),
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_comes_back_equal(record):
    assert from_json(type(record), json.loads(json.dumps(to_json(record)))) == record


def test_every_record_that_is_written_is_tried():
    records = {n for n, v in vars(types).items() if dataclasses.is_dataclass(v) and v.__module__ == types.__name__}
    assert records - {type(r).__name__ for r in RECORDS} == {"Sample", "Dataset"}, "these two hold functions: never written"


@pytest.mark.parametrize("record", RECORDS[1:], ids=lambda r: type(r).__name__)
def test_a_missing_field_is_refused_not_guessed(record):
    value = to_json(record)
    value.pop(next(f.name for f in dataclasses.fields(record) if f.default is dataclasses.MISSING))
    with pytest.raises(TypeError, match="missing"):
        from_json(type(record), value)


def test_every_recipe_that_comes_with_edgetl_survives():
    for path in places.shipped("recipes").glob("*.yaml"):
        recipe = load_recipe(str(path)).recipe
        assert from_json(Recipe, json.loads(json.dumps(to_json(recipe)))) == recipe


def test_a_recipe_comes_back_equal_inside_a_job():
    overrides = ("backbone.weights={path: w.h5}", "benchmark.threads=[1, 2]")
    recipe = load_recipe("quickstart", overrides).recipe
    assert from_json(Recipe, json.loads(json.dumps(to_json(recipe)))) == recipe
    job = Job(stage="convert", target="tflite/fp32", recipe=recipe, inputs={"a": "b"}, out="o", extra={"x": [1]})
    back = from_json(Job, json.loads(json.dumps(to_json(job))))
    assert back == job
    assert back.wanted == Target(format="tflite", scheme="fp32")


def test_another_schema_and_a_strange_field_are_refused():
    value = {**to_json(SPEC), "schema": 1}
    assert from_json(TensorSpec, value) == SPEC
    with pytest.raises(TypeError, match="schema 2 is not 1"):
        from_json(TensorSpec, {**value, "schema": 2})
    with pytest.raises(TypeError):
        from_json(TensorSpec, {**value, "colour": "red"})
    recipe = to_json(load_recipe("quickstart", ("backbone.weights={path: w.h5}",)).recipe)
    recipe["backbone"]["weights"]["colour"] = "red"
    with pytest.raises(TypeError, match="colour"):
        from_json(Recipe, recipe)


def test_flatten_names_every_scalar_by_its_path():
    assert flatten({"a": [{"b": 1}, {"b": None}], "c": []}, "x") == {"x.a[0].b": 1, "x.a[1].b": None, "x.c": []}
    assert flatten(dataclasses.replace(SPEC, scale=None), "t")["t.shape[3]"] == 3
