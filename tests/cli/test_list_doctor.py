"""Commands that only tell."""

import json

import pytest

from edgetl import __version__
from edgetl.registry import KINDS


@pytest.mark.parametrize("kind", [*KINDS, "devices", "recipes"])
def test_every_kind_can_be_listed(kind, edgetl):
    rows = json.loads(edgetl("list", kind, "--json").stdout)
    assert rows
    assert all(row["name"] for row in rows)
    assert rows[0]["name"] in edgetl("list", kind).stdout


def test_an_unknown_kind_is_exit_2(edgetl):
    done = edgetl("list", "device")
    assert done.returncode == 2
    assert "Did you mean 'devices'?" in done.stderr


def test_doctor_tells_versions_and_what_can_run(edgetl):
    done = edgetl("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["packages"]["tensorflow"]
    assert found["converters"]["tflite"] is None
    assert (done.returncode == 0) == (not found["problems"])


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
