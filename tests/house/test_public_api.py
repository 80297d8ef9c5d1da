"""What `import edgetl` offers."""

import subprocess
import sys

import edgetl


def test_every_public_name_is_there():
    assert edgetl.__all__ == ["__version__", "load_device", "load_recipe", "plan", "run"]
    for name in edgetl.__all__:
        assert getattr(edgetl, name)


def test_importing_it_costs_nothing():
    code = "import sys, edgetl; print(sorted(n for n in sys.modules if n.startswith('edgetl')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['edgetl']"
