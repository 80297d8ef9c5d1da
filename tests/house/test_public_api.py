"""What `import edgetl` offers."""

import subprocess
import sys

import pytest

import edgetl


def test_every_public_name_is_there():
    assert edgetl.__all__ == ["__version__", "estimate", "load_device", "load_recipe", "plan", "run", "verify_bundle"]
    for name in edgetl.__all__:
        assert getattr(edgetl, name)


def test_importing_it_costs_nothing():
    code = (
        "import sys\nbefore = set(sys.modules)\nimport edgetl\n"
        "print(sorted(n for n in set(sys.modules) - before if n.partition('.')[0] not in sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['edgetl']"


def test_a_name_that_is_not_there_is_refused_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'edgetl' has no attribute 'colour'"):
        _ = edgetl.colour
    assert edgetl.load_device("pixel-4").name == "pixel-4"
