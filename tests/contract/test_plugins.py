"""Every plug-in of every kind keeps its kind's contract: names, signatures, light import, a stated availability."""

import importlib
import inspect
import subprocess
import sys

import pytest

from edgetl import registry
from edgetl.errors import UnknownName

PROTOCOLS = {
    "backbones": "BackboneModule",
    "converters": "ConverterModule",
    "datasets": "DatasetModule",
    "runtimes": "RuntimeModule",
    "schemes": "SchemeModule",
}
PLUGINS = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_it_defines_what_its_protocol_declares(kind, name):
    module = registry.load(kind, name)
    protocol = getattr(importlib.import_module(f"edgetl.{kind}._base"), PROTOCOLS[kind])
    for member, declared in vars(protocol).items():
        if member.startswith("_"):
            continue
        assert hasattr(module, member), f"{kind}/{name}.py does not define {member}"
        if inspect.isfunction(declared):
            wanted = [p for p in inspect.signature(declared).parameters if p != "self"]
            assert list(inspect.signature(getattr(module, member)).parameters) == wanted, member


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_importing_it_is_light(kind, name):
    heavy = ("tensorflow", "tf_keras", "onnx", "onnxruntime", "coremltools", "ai_edge_litert", "sklearn", "numpy", "PIL")
    code = f"import sys\nfor n in {heavy!r}: sys.modules[n] = None\nimport edgetl.{kind}.{name}"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("kind", "name"), [p for p in PLUGINS if p[0] in ("converters", "datasets", "runtimes")])
def test_availability_is_a_sentence_or_none(kind, name):
    reason = registry.load(kind, name).unavailable()
    assert reason is None or (isinstance(reason, str) and reason.endswith("."))


@pytest.mark.parametrize("name", registry.names("converters"))
def test_a_converter_claims_schemes_and_origins_that_exist(name):
    module = registry.load("converters", name)
    assert set(module.SCHEMES) <= set(registry.names("schemes"))
    for scheme, origin in module.ORIGIN.items():
        assert scheme in module.SCHEMES
        assert scheme in registry.load("converters", origin).SCHEMES


def test_a_runtime_exists_for_every_format():
    formats = {f for n in registry.names("runtimes") for f in registry.load("runtimes", n).FORMATS}
    assert formats == set(registry.names("converters"))


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UnknownName, match="no converter named 'tflit'. Did you mean 'tflite'"):
        registry.load("converters", "tflit")
    with pytest.raises(UnknownName, match="no backbone named '../errors'"):
        registry.load("backbones", "../errors")
