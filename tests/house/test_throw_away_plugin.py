"""Adding a device is one YAML file; adding a format or a backbone is one module: nothing else need know its name."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path):
    """A copy of the package, recipes and devices, and a way to call its command line."""
    home = tmp_path / "copy"
    for name in ("edgetl", "recipes", "devices"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))

    def call(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(home), "PYTHONSAFEPATH": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "edgetl", *arguments], capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return home, call


def test_one_module_adds_a_format(copy):
    home, call = copy
    source = (home / "edgetl/converters/tflite.py").read_text().replace('".tflite"', '".nnef"').replace('"fp16", ', "")
    (home / "edgetl/converters/nnef.py").write_text(source)
    assert "nnef" in [row["name"] for row in json.loads(call("list", "converters", "--json"))]
    runtime = (home / "edgetl/runtimes/litert.py").read_text().replace('("tflite",)', '("nnef",)')
    (home / "edgetl/runtimes/nnef_runner.py").write_text(runtime)
    steps = call("plan", "quickstart", "--set", "targets=[{format: nnef, scheme: fp32}]")
    assert "convert nnef/fp32" in steps
    assert "benchmark nnef/fp32 nnef_runner x1" in steps


def test_one_module_adds_a_backbone(copy):
    home, call = copy
    source = (home / "edgetl/backbones/mobilenet_v1.py").read_text().replace("mobilenet_v1_{", "newnet_{")
    (home / "edgetl/backbones/newnet.py").write_text(source)
    assert "newnet" in [row["name"] for row in json.loads(call("list", "backbones", "--json"))]
    options = ("--set", "backbone={name: newnet, weights: none}", "--set", "train[1].unfreeze_from=conv_dw_5")
    assert "finetune" in call("plan", "quickstart", *options)


def test_one_file_adds_a_device(copy):
    home, call = copy
    text = (home / "devices/pixel-4.yaml").read_text().replace("name: pixel-4", "name: my-phone")
    (home / "devices/my-phone.yaml").write_text(text)
    assert "my-phone" in [row["name"] for row in json.loads(call("list", "devices", "--json"))]
    call("plan", "quickstart", "--set", "devices=[my-phone]")
