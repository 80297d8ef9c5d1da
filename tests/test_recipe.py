"""A faulty recipe is refused with every fault, each at its file, line and key; nothing is written."""

import json

import pytest

from edgetl import places
from edgetl.errors import InputError, RecipeError
from edgetl.recipefile import load_recipe, recipe_json_schema
from edgetl.yamlfile import read_yaml

GOOD = """\
schema: 1
name: toy
data: {source: builtin, name: digits}
backbone: {name: mobilenet_v1, alpha: 0.25, input_px: 64, weights: none}
train:
  - {phase: head, freeze: all, epochs: 2, learning_rate: 1e-3}
quantize: {scheme: w8a8_qat}
targets:
  - {format: tflite, scheme: w8a8_qat}
devices: [pixel-4]
gates: {min_top1: 0.5}
"""

FAULTS = {
    "unknown key": ("epochs: 2", "epoch: 2", "6: train[0].epoch: unknown key. Did you mean 'epochs'?"),
    "missing key": ("name: toy\n", "", "1: key 'name' is missing."),
    "wrong type": ("epochs: 2", "epochs: many", "6: train[0].epochs: must be a whole number, not text 'many'."),
    "true is no number": ("epochs: 2", "epochs: true", "6: train[0].epochs: must be a whole number, not true."),
    "out of range": ("epochs: 2", "epochs: 0", "6: train[0].epochs: 0 is out of range: must be at least 1."),
    "not a number": ("1e-3", ".nan", "6: train[0].learning_rate: must be a finite number, not nan."),
    "unknown format": (
        "format: tflite",
        "format: tflit",
        "9: targets[0].format: no converter named 'tflit'. Did you mean 'tflite'?",
    ),
    "scheme the format lacks": (
        "- {format: tflite, scheme: w8a8_qat}",
        "- {format: onnx, scheme: fp16}",
        "9: targets[0].scheme: onnx cannot hold fp16.",
    ),
    "training without a section": (
        "quantize: {scheme: w8a8_qat}\n",
        "",
        "8: targets[0].scheme: w8a8_qat is trained: it needs a 'quantize' section with scheme: w8a8_qat.",
    ),
    "target twice": (
        "devices:",
        "  - {format: tflite, scheme: w8a8_qat}\ndevices:",
        "10: targets[1]: tflite/w8a8_qat is given twice.",
    ),
    "unknown layer": (
        "freeze: all",
        "freeze: {until: conv_dw_99}",
        "6: train[0].freeze.until: mobilenet_v1 has no layer 'conv_dw_99'. Did you mean 'conv_dw_9'?",
    ),
    "too many layers": (
        "freeze: all",
        "freeze: {last: 28}",
        "6: train[0].freeze.last: mobilenet_v1 has 27 convolutions; use freeze: none to train all.",
    ),
    "bad pattern": (
        "freeze: all",
        "freeze: {match: '('}",
        "6: train[0].freeze.match: is not a regular expression: missing ), unterminated subpattern at position 0.",
    ),
    "freeze by a word": ("freeze: all", "freeze: some", "6: train[0].freeze: text 'some' is not allowed."),
    "gradual from nothing": (
        "freeze: all",
        "freeze: none, unfreeze: {layers: 2}",
        "6: train[0].unfreeze: needs freeze: all, {until: …} or {last: …} to start from.",
    ),
    "schedule's keys": (
        "freeze: all",
        "schedule: step",
        "6: train[0]: key 'schedule_epochs' is missing: schedule step needs it.",
    ),
    "key of another schedule": (
        "freeze: all",
        "schedule_factor: 0.5",
        "6: train[0].schedule_factor: does not go with schedule cosine.",
    ),
    "key of another optimizer": ("freeze: all", "momentum: 0.5", "6: train[0].momentum: does not go with optimizer adam."),
    "mixed images of a frozen network": (
        "freeze: all",
        "freeze: all, mixup: 0.2",
        "6: train[0].mixup: changes the images of every step: set features: recomputed, or unfreeze something.",
    ),
    "key the method does not read": (
        "freeze: all",
        "freeze: all, confidence: 0.5",
        "6: train[0].confidence: supervised does not read it.",
    ),
    "pupil without teacher": (
        "freeze: all",
        "distill: true",
        "1: distill: a phase has distill: true, and there is no such section.",
    ),
    "a teacher with other eyes": (
        "freeze: all, epochs: 2, learning_rate: 1e-3}",
        "epochs: 2, distill: true}\ndistill: {backbone: {name: mobilenet_v1, weights: none}, train: [{phase: t, epochs: 1}]}",
        "7: distill.backbone.input_px: must be 64, as the backbone's: both look at the same prepared photos.",
    ),
    "labels in two ways": (
        "quantize:",
        "labels: {share: 0.5, per_class: 3}\nquantize:",
        "7: labels.share: give either 'share' or 'per_class'.",
    ),
    "float layers of a float scheme": (
        "quantize: {scheme: w8a8_qat}",
        "quantize: {scheme: w8a16, keep_float: auto}",
        "7: quantize.keep_float: w8a16 has no int8 layers to except; schemes that have: w8a8_cqat, w8a8_pcqat, w8a8_pqat, "
        "w8a8_ptq, w8a8_qat.",
    ),
    "a loss that nothing reads": (
        "quantize: {scheme: w8a8_qat}",
        "quantize: {scheme: w8a8_qat, keep_float: [a], max_top1_drop: 0.1}",
        "7: quantize.max_top1_drop: is read with keep_float: auto only; the limit of every artifact is gates.max_top1_drop.",
    ),
    "a float layer twice": (
        "quantize: {scheme: w8a8_qat}",
        "quantize: {scheme: w8a8_qat, keep_float: [a, b, a]}",
        "7: quantize.keep_float: 'a' is given twice.",
    ),
    "neither auto nor a list": (
        "quantize: {scheme: w8a8_qat}",
        "quantize: {scheme: w8a8_qat, keep_float: all}",
        "7: quantize.keep_float: text 'all' is not allowed: must be 'auto' or a list.",
    ),
    "pooling in the middle": (
        "train:",
        "head: {layers: [{dense: 4}, global_average_pool]}\ntrain:",
        "5: head.layers[1]: the pooling can only be the first layer.",
    ),
    "unknown device": ("pixel-4", "pixel-44", "10: devices[0]: no device named 'pixel-44'. Did you mean 'pixel-4'?"),
    "split": (
        "name: digits",
        "name: digits, split: {train: 0.9, val: 0.2, test: 0.2}",
        "3: data.split: train + val + test make 1.3; they must make 1.",
    ),
    "no such weights": (
        "weights: none",
        "weights: bundled",
        "4: backbone.weights: mobilenet_v1 has no bundled weights; use imagenet, none, or a file.",
    ),
    "width without weights": (
        "alpha: 0.25, input_px: 64, weights: none",
        "alpha: 0.3, weights: imagenet",
        "4: backbone.alpha: mobilenet_v1 has no imagenet weights at alpha 0.3, only at 0.25, 0.5, 0.75, 1.",
    ),
    "variant of a family without": (
        "alpha: 0.25",
        "variant: small, alpha: 0.25",
        "4: backbone.variant: mobilenet_v1 has no variants; leave the key out.",
    ),
    "folder without a path": (
        "source: builtin, name: digits",
        "source: folder",
        "3: data: key 'path' is missing: source folder needs it.",
    ),
    "name with a path in it": (
        "name: toy",
        "name: ../toy",
        "2: name: '../toy' is not a name of lower-case letters, digits, '_', '-' and '.'.",
    ),
    "empty list": ("devices: [pixel-4]", "devices: [pixel-4]\nhead:", "11: head: must be a mapping of keys, not empty."),
    "schema of the future": ("schema: 1", "schema: 2", "1: schema: a whole number 2 is not allowed."),
    "too large": ("1e-3", "1" + "0" * 400, "6: train[0].learning_rate: is too large a number."),
    "NUL": ("[pixel-4]", '["a\\0.yaml"]', "10: devices[0]: must not contain the character NUL."),
    "both sources": ("name: digits", "name: digits, path: x", "3: data.path: does not go with source builtin."),
    "empty split": (
        "name: digits",
        "name: digits, split: {train: 0.8, val: 0.0, test: 0.2}",
        "3: data.split.val: must be above 0.",
    ),
    "device twice": ("[pixel-4]", "[pixel-4, pixel-4]", "10: devices[1]: 'pixel-4' is given twice."),
    "another training": (
        "quantize: {scheme: w8a8_qat}",
        "quantize: {scheme: fp16}",
        "9: targets[0].scheme: w8a8_qat is trained: it needs a 'quantize' section with scheme: w8a8_qat.",
    ),
    "unknown scheme": (
        "format: tflite, scheme: w8a8_qat",
        "format: tflite, scheme: int8",
        "9: targets[0].scheme: no scheme named 'int8'.",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_is_named_at_its_line(case, tmp_path):
    old, new, message = FAULTS[case]
    path = tmp_path / "toy.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path))
    first, *others = [
        fault.partition(" Known: ")[0].partition(" It can hold: ")[0] for fault in caught.value.faults
    ]  # the list of names grows
    assert first == f"{path}:{message}"
    assert others == ([f"{path}:6: train[0]: key 'epochs' is missing."] if case == "unknown key" else [])


def test_all_faults_come_at_once(tmp_path, edgetl):
    text = GOOD
    for case in ("unknown key", "unknown format", "unknown device", "not a number"):
        text = text.replace(*FAULTS[case][:2], 1)
    (tmp_path / "toy.yaml").write_text(text)
    before = set(tmp_path.rglob("*"))
    done = edgetl("run", "toy.yaml")
    assert done.returncode == 2
    assert done.stderr.count("toy.yaml:") == 6, done.stderr  # the heading, four faults, and the missing `epochs`
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert set(tmp_path.rglob("*")) == before


BROKEN_FILES = {
    "not YAML": (b"schema: [1\nname: x", "not valid YAML"),
    "tab": (b"schema:\n\t1", "not valid YAML"),
    "not UTF-8": (b"name: \xff\xfe", "is not UTF-8 text"),
    "empty": (b"", "is empty"),
    "huge": (b"#" * 1_100_000, "larger than"),
    "a key twice": (b"name: a\nname: b\n", "2: name: given twice"),
    "alias bomb": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "aliases (*name) are not allowed"),
    "python object": (b"name: !!python/object/apply:os.system ['true']\n", "not a plain value"),
    "deep": (b"[" * 30_000 + b"]" * 30_000, "is nested more than 32 deep"),
    "a list": (b"- 1\n", "must be a mapping of keys"),
    "two documents": (b"a: 1\n---\nb: 2\n", "not valid YAML"),
}


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_file_that_is_no_recipe_is_exit_2(case, tmp_path, edgetl):
    content, message = BROKEN_FILES[case]
    (tmp_path / "x.yaml").write_bytes(content)
    done = edgetl("run", "x.yaml")
    assert [p.name for p in tmp_path.iterdir()] == ["x.yaml"], "nothing is written"
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_overrides_are_checked_like_the_file(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(GOOD)
    changed = load_recipe(str(path), ("train[0].epochs=7", "gates.min_top1=0.25", "backbone.weights.path=w.h5")).recipe
    assert changed.train[0].epochs == 7
    assert changed.train[0].learning_rate == 0.001, "1e-3 of the file is a number"
    assert changed.gates.min_top1 == 0.25
    assert changed.backbone.weights.path == "w.h5"
    for text, message in (
        ("train[0].epochs=x", "--set train[0].epochs: must be a whole number"),
        ("train[4].epochs=1", "--set train[4].epochs=1: there is no item [4]."),
        ("nonsense", "--set nonsense: must be key.path=value"),
        ("colour=1", "--set colour: unknown key."),
        ("name.first=1", "name: must be text, not a mapping"),
        ("name=2", "--set name: must be text, not a whole number 2. Digits alone are a number: write --set \"KEY='2'\""),
    ):
        with pytest.raises(InputError) as caught:
            load_recipe(str(path), (text,))
        assert message in str(caught.value)


def test_paths_are_relative_to_the_file_or_to_the_working_folder(tmp_path):
    path = tmp_path / "deep" / "toy.yaml"
    path.parent.mkdir()
    path.write_text(GOOD.replace("source: builtin, name: digits", "source: folder, path: photos"))
    assert load_recipe(str(path)).recipe.data.path == str(path.parent / "photos")
    assert load_recipe(str(path), ("data.path=photos",)).recipe.data.path == "photos"


def test_the_digest_changes_with_the_content_only(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(GOOD)
    one = load_recipe(str(path)).sha256
    path.write_text("# a comment\n" + GOOD)
    assert load_recipe(str(path)).sha256 == one
    assert load_recipe(str(path), ("seed=4",)).sha256 != one


def _unfit(value, schema, root, at="recipe"):
    """What the part of JSON Schema that edgetl writes says against a value."""
    if "$ref" in schema:
        return _unfit(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        answers = [_unfit(value, option, root, at) for option in schema["anyOf"]]
        return [] if [] in answers else [f"{at}: {value!r} fits nothing: {answers}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: {value!r} is not of {schema['enum']}"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if not isinstance(value, kinds.get(schema["type"], type(None))):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if schema["type"] == "object":
        wrong = [f"{at}: {k}" for k in {*schema.get("required", ())} - {*value} | {*value} - {*schema["properties"]}]
        known = [k for k in value if k in schema["properties"]]
        return wrong + [w for k in known for w in _unfit(value[k], schema["properties"][k], root, f"{at}.{k}")]
    if schema["type"] == "array":
        return [w for i, item in enumerate(value) for w in _unfit(item, schema["items"], root, f"{at}[{i}]")]
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum", schema.get("exclusiveMaximum"))
    return [at] if (low is not None and value < low) or (high is not None and value > high) else []


def test_the_json_schema_describes_the_file(tmp_path):
    schema = json.loads(json.dumps(recipe_json_schema()))
    assert set(schema["required"]) == {"schema", "name", "data", "backbone", "train", "targets"}
    assert schema["additionalProperties"] is False
    assert "tflite" in schema["$defs"]["Target"]["properties"]["format"]["enum"]
    assert schema["$defs"]["Phase"]["properties"]["epochs"]["minimum"] == 1
    toy = tmp_path / "toy.yaml"
    toy.write_text(GOOD)
    for file in (*places.shipped("recipes").glob("*.yaml"), toy):
        assert _unfit(read_yaml(file).value, schema, schema) == []
    for case in ("unknown key", "missing key", "wrong type", "out of range", "unknown format", "schema of the future"):
        toy.write_text(GOOD.replace(*FAULTS[case][:2], 1))
        assert _unfit(read_yaml(toy).value, schema, schema), case


def test_what_a_bundle_would_refuse_is_refused_before_anything_runs():
    from edgetl.recipe.output import Ship
    from edgetl.schema import check

    faults: list[str] = []
    told = {"title": "a\u202eb", "author": "\x9b2J", "licence": "two\nlines"}
    assert check(Ship, told, str, faults) is None
    assert [fault.partition(":")[0] for fault in faults] == ["title", "author", "licence"]
