"""The README is true: its tables name exactly what there is, its commands exist, its links of names hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgetl import devices, places, registry

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLES = {
    "Data": registry.names("datasets"),
    "Backbones": registry.names("backbones"),
    "Transfer": registry.names("methods"),
    "Formats": registry.names("converters"),
    "Files": registry.names("graphs"),
    "Delegates": registry.names("delegates"),
    "Logs": registry.names("logs"),
    "Mistakes": registry.names("mistakes"),
    "Networks": registry.names("networks"),
    "Schemes": registry.names("schemes"),
    "Runtimes": registry.names("runtimes"),
    "Workflows": registry.names("workflows"),
    "Connections": registry.names("connections"),
    "Apps": registry.names("apps"),
    "Recipes": tuple(sorted(p.stem for p in places.shipped("recipes").glob("*.yaml"))),
}


def _table(section: str) -> list[list[str]]:
    body = re.split(r"\n#+ ", README.split(f"### {section}\n", 1)[1])[0]
    table = re.search(r"(?:^\|.*\n)+", body + "\n", re.M)[0]  # the first of the section
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("section", TABLES)
def test_each_table_names_exactly_what_there_is(section):
    assert sorted(row[0].strip("`") for row in _table(section)) == sorted(TABLES[section])


def test_the_table_of_devices_names_each_once():
    named = [name for row in _table("Devices") for name in row[1].replace("`", "").split()]
    assert sorted(named) == sorted(devices.device_names())


def test_the_schemes_table_lists_the_formats_that_claim_each():
    for row in _table("Schemes"):
        name = row[0].strip("`")
        claims = {c for c in registry.names("converters") if name in registry.load("converters", c).SCHEMES}
        assert set(row[1].split()) == claims, name


def test_the_formats_table_lists_the_choices_each_converter_knows():
    for row in _table("Formats"):
        known = registry.load("converters", row[0].strip("`")).OPTIONS
        assert tuple(dict.fromkeys(word for word in re.findall(r"`(\w+)", row[2]) if word not in ("int8", "uint8"))) == known


def test_each_command_of_the_readme_exists():
    text = subprocess.run([sys.executable, "-m", "edgetl", "--help"], capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^  (\w+)  ", text.split("Commands:")[1], re.M))
    used = set(re.findall(r"(?:^|`)edgetl ([a-z]+)", README, re.M))
    assert used <= commands, used - commands


def test_each_make_target_of_the_documents_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    used = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", text, re.M))
    assert used <= targets, used - targets


def test_the_recipe_in_the_readme_is_valid(tmp_path):
    recipe = re.search(r"```yaml\n(.*?)```", README, re.S)[1].replace(", ./my-board.yaml", "")
    (tmp_path / "fruit.yaml").write_text(recipe)
    done = subprocess.run(
        [sys.executable, "-m", "edgetl", "recipe", "check", str(tmp_path / "fruit.yaml")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_path_of_a_machine_stands_in_a_file():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if files.returncode:
        pytest.skip("not a git checkout")
    home = str(Path.home())
    for name in files.stdout.split():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".yaml", ".toml", ".txt", ".json", "") and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert f"{ROOT}/" not in text, name
            assert len(home) < 5 or f"{home}/" not in text, name
