"""What `import edgetl` offers."""

import subprocess
import sys

import pytest

import edgetl


def test_every_public_name_is_there():
    assert edgetl.__all__ == [
        "BundleFault", "EdgetlError", "__version__", "estimate", "load_device", "load_recipe", "plan", "run", "verify_bundle",
    ]  # fmt: skip
    for name in edgetl.__all__:
        assert getattr(edgetl, name)


def test_what_it_raises_can_be_caught_by_public_names(tmp_path):
    """A bundle that is none is a fault of the bundle; a key that is none is not."""
    with pytest.raises(edgetl.BundleFault) as caught:
        edgetl.verify_bundle(str(tmp_path / "nothing.zip"))
    assert caught.value.found[0].kind == "not a bundle"
    with pytest.raises(edgetl.EdgetlError, match="nothing.pub: cannot be read") as other:
        edgetl.verify_bundle(str(tmp_path), str(tmp_path / "nothing.pub"))
    assert not isinstance(other.value, edgetl.BundleFault)


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
