"""Adding a device is one YAML file; adding a format or a backbone is one module: nothing else need know its name."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONVERTER = '''\
"""NNEF, thrown away after the test."""

TITLE, SUFFIX, SCHEMES, OPTIONS, ORIGIN, PACKAGES = "NNEF.", ".nnef", ("fp32",), (), {}, ("numpy",)


def unavailable():
    return None


def convert(source, target, out):
    raise NotImplementedError
'''
BACKBONE = '''\
"""A family of one layer, thrown away after the test."""

TITLE, LICENCE, PAPER, SPECS, BUNDLED, VARIANTS = "Newnet.", "Apache-2.0", "none", {}, (), ()


def faults(section):
    return () if section.weights == "none" else (("weights", "newnet has only weights: none."),)


def layer_names(section):
    return ("stem",)


def imagenet_file(section):
    raise NotImplementedError


def build(section):
    raise NotImplementedError
'''


@pytest.fixture
def copy(tmp_path):
    """A copy of the package, recipes and devices, and a way to call its command line."""
    home = tmp_path / "copy"
    for name in ("edgetl", "recipes", "devices"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))

    def call(*arguments, code=0):
        environment = {**os.environ, "PYTHONPATH": str(home), "PYTHONSAFEPATH": "1"}
        command = [sys.executable, "-m", "edgetl", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    return home, call


def _recipe(home, **replacements):
    """Write the quickstart's recipe with other text in places; returns its path."""
    text = (home / "recipes/quickstart.yaml").read_text()
    for old, new in replacements.values():
        assert old in text
        text = text.replace(old, new)
    path = home.parent / "quickstart.yaml"
    path.write_text(text)
    return str(path)


def _names(call, kind):
    return [row["name"] for row in json.loads(call("list", kind, "--json"))]


def test_one_module_adds_a_format(copy):
    home, call = copy
    recipe = _recipe(home, target=("format: onnx, scheme: fp32", "format: nnef, scheme: fp32"))
    assert "no converter named 'nnef'" in call("recipe", "check", recipe, code=2)
    (home / "edgetl/converters/nnef.py").write_text(CONVERTER)
    assert "nnef" in _names(call, "converters")
    targets = json.loads(call("recipe", "check", recipe, "--json"))["targets"]
    assert ("nnef", "fp32") in [(target["format"], target["scheme"]) for target in targets]
    assert "nnef" in json.loads(call("recipe", "schema"))["$defs"]["Target"]["properties"]["format"]["enum"]
    wrong = ("--set", "targets[0]={format: nnef, scheme: w8a8_qat}")
    assert "nnef cannot hold w8a8_qat. It can hold: fp32." in call("recipe", "check", recipe, *wrong, code=2)
    runtime = (home / "edgetl/runtimes/litert.py").read_text() + '\nFORMATS = ("nnef",)\n'
    (home / "edgetl/runtimes/nnef_runner.py").write_text(runtime)
    steps = call("plan", recipe)
    assert "convert nnef/fp32" in steps
    assert "benchmark nnef/fp32 nnef_runner x1" in steps


def test_a_format_that_nothing_runs_can_be_planned(copy):
    home, call = copy
    recipe = _recipe(home, target=("format: onnx, scheme: fp32", "format: nnef, scheme: fp32"))
    (home / "edgetl/converters/nnef.py").write_text(CONVERTER)
    steps = call("plan", recipe)
    assert "convert nnef/fp32" in steps
    assert "benchmark nnef/fp32" not in steps


def test_one_module_adds_a_backbone(copy):
    home, call = copy
    family = ("name: mobilenet_v2, alpha: 0.35, input_px: 64, weights: bundled", "name: newnet, weights: none")
    recipe = _recipe(home, family=family, layer=("block_6_expand", "stem"))
    assert "no backbone named 'newnet'" in call("recipe", "check", recipe, code=2)
    (home / "edgetl/backbones/newnet.py").write_text(BACKBONE)
    assert "newnet" in _names(call, "backbones")
    assert json.loads(call("recipe", "check", recipe, "--json"))["backbone"]["name"] == "newnet"
    assert "finetune" in call("plan", recipe)
    assert "newnet has only weights: none." in call("plan", recipe, "--set", "backbone.weights=imagenet", code=2)


def test_one_file_adds_a_device(copy):
    home, call = copy
    recipe = _recipe(home, device=("pixel-4", "my-phone"))
    assert "no device named 'my-phone'" in call("recipe", "check", recipe, code=2)
    text = (home / "devices/pixel-4.yaml").read_text().replace("name: pixel-4", "name: my-phone")
    (home / "devices/my-phone.yaml").write_text(text)
    assert "my-phone" in _names(call, "devices")
    assert "my-phone" in json.loads(call("recipe", "check", recipe, "--json"))["devices"]
    assert "verify tflite/fp32" in call("plan", recipe)
