"""Commands that only tell."""

import json
import os
import subprocess
import sys

import pytest

from edgetl import __version__
from edgetl.registry import KINDS, names


@pytest.mark.parametrize("kind", [*KINDS, "devices", "recipes"])
def test_every_kind_can_be_listed(kind, edgetl):
    rows = json.loads(edgetl("list", kind, "--json").stdout)
    assert rows
    assert all(row["name"] for row in rows)
    assert rows[0]["name"] in edgetl("list", kind).stdout


def test_all_kinds_come_in_one_answer(edgetl):
    tables = json.loads(edgetl("list", "--json").stdout)
    assert sorted(tables) == sorted([*KINDS, "devices", "recipes"])
    assert {row["name"] for row in tables["converters"]} == set(names("converters"))


def test_a_device_is_listed_with_its_chip_where_devices_are_asked_for(edgetl):
    row = {"name": "pixel-4", "title": "Google Pixel 4", "soc": "Qualcomm Snapdragon 855", "formats": "tflite onnx"}
    assert row in json.loads(edgetl("list", "devices", "--json").stdout)
    assert {"name": "pixel-4"} in json.loads(edgetl("list", "--json").stdout)["devices"]


def test_an_unknown_kind_is_exit_2(edgetl):
    done = edgetl("list", "device")
    assert done.returncode == 2
    assert "no kind named 'device'. Did you mean 'devices'? Known: apps, backbones, " in done.stderr
    assert done.stdout == ""


def test_doctor_tells_versions_and_what_can_run(edgetl):
    done = edgetl("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["packages"]["tensorflow"]
    assert found["converters"]["tflite"] is None
    assert done.returncode == (3 if found["problems"] else 0)
    for kind in ("converters", "runtimes"):
        assert set(found[kind]) == set(names(kind))
    plain = edgetl("doctor")
    assert plain.returncode == done.returncode
    assert all(name in plain.stdout for name in (*found["packages"], *found["converters"], *found["problems"]))


def test_version_and_a_wrong_option(edgetl):
    assert edgetl("--version").stdout.strip() == f"edgetl {__version__}"
    assert edgetl("run", "--nonsense").returncode == 2
    done = edgetl("run", "absent")
    assert done.returncode == 2
    assert "no recipe named 'absent'" in done.stderr


def test_recipe_schema_and_check(edgetl):
    assert json.loads(edgetl("recipe", "schema").stdout)["title"] == "edgetl recipe"
    checked = json.loads(edgetl("recipe", "check", "quickstart", "--json", "--set", "seed=5").stdout)
    assert checked["seed"] == 5
    assert checked["train"][0]["batch_size"] == 32


def test_init_writes_a_recipe_that_can_be_planned(edgetl, photos, tmp_path):
    done = edgetl("init", tmp_path / "My Fruit", "--photos", photos)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "My Fruit" / "recipe.yaml"
    assert "72 photos in 3 classes" in done.stdout
    assert json.loads(edgetl("plan", path, "--json").stdout)["recipe"] == "my-fruit"
    again = edgetl("init", tmp_path / "My Fruit", "--photos", photos)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert edgetl("init", tmp_path / "x", "--photos", tmp_path / "absent").returncode == 2
    assert not (tmp_path / "x").exists()


def test_a_reader_that_left_is_exit_141_and_no_failed_gate(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        command = [sys.executable, "-m", "edgetl", "list"]
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_does_no_harm(closed, tmp_path):
    shell = ["/bin/sh", "-c", f'"$0" -m edgetl list {closed}', sys.executable]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_that_lacks_a_letter_gets_its_number(tmp_path):
    command = [sys.executable, "-m", "edgetl", "recipe", "check", "quickstart", "--set", "description=→"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "description: \\u2192" in done.stdout


def test_all_kinds_name_the_families_of_networks_and_one_kind_their_members(edgetl):
    assert "efficientnet_b0" not in edgetl("list").stdout
    assert "mobilenet_edgetpu" in edgetl("list").stdout
    assert "efficientnet_b0" in edgetl("list", "networks").stdout
