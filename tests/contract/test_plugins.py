"""Every plug-in of every kind keeps its kind's contract: names, signatures, light import, a stated availability."""

import dataclasses
import importlib
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from edgetl import pipeline, registry
from edgetl.errors import UnknownName
from edgetl.schema import json_schema
from edgetl.types import Evidence

PROTOCOLS = {
    "apps": "AppModule",
    "backbones": "BackboneModule",
    "connections": "ConnectionModule",
    "converters": "ConverterModule",
    "datasets": "DatasetModule",
    "delegates": "DelegateModule",
    "graphs": "GraphModule",
    "logs": "LogModule",
    "methods": "MethodModule",
    "mistakes": "MistakeModule",
    "networks": "NetworkModule",
    "runtimes": "RuntimeModule",
    "schemes": "SchemeModule",
    "workflows": "WorkflowModule",
}
README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
PLUGINS = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]


def _members(kind, protocol):
    declared = vars(getattr(importlib.import_module(f"edgetl.{kind}._base"), protocol))
    return {member: value for member, value in declared.items() if not member.startswith("_")}


def test_every_kind_has_its_protocol():
    assert set(PROTOCOLS) == set(registry.KINDS)
    assert all(len(_members(kind, protocol)) >= 3 for kind, protocol in PROTOCOLS.items())


@pytest.mark.parametrize(
    ("kind", "name", "protocol"),
    [(k, n, PROTOCOLS[k]) for k, n in PLUGINS] + [("stages", s, "StageModule") for s in (*pipeline.STAGES, "ship", "adopt")],
)
def test_it_defines_what_its_protocol_declares(kind, name, protocol):
    module = importlib.import_module(f"edgetl.{kind}.{name}")
    for member, declared in _members(kind, protocol).items():
        assert hasattr(module, member), f"{kind}/{name}.py does not define {member}"
        if inspect.isfunction(declared):
            wanted = [p for p in inspect.signature(declared).parameters if p != "self"]
            assert list(inspect.signature(getattr(module, member)).parameters) == wanted, member


@pytest.mark.parametrize("kind", registry.KINDS)
def test_importing_one_is_light(kind):
    heavy = (
        "tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "onnx", "tf2onnx", "onnxruntime", "coremltools",
        "ai_edge_litert", "sklearn", "scipy", "numpy", "PIL", "h5py",
    )  # fmt: skip
    code = f"import sys\nfor n in {heavy!r}: sys.modules[n] = None\n"
    code += "".join(f"import edgetl.{kind}.{name}\n" for name in registry.names(kind))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("kind", "name"), [p for p in PLUGINS if p[0] in ("connections", "converters", "datasets", "delegates", "runtimes")]
)
def test_availability_is_a_sentence_or_none(kind, name):
    reason = registry.load(kind, name).unavailable()
    assert reason is None or (isinstance(reason, str) and reason.endswith("."))


@pytest.mark.parametrize("name", registry.names("connections"))
def test_a_connection_says_what_it_must_be_told(name):
    module = registry.load("connections", name)
    assert module.EVIDENCE in typing.get_args(Evidence)
    assert set(module.RUNTIMES) <= set(registry.names("runtimes"))
    assert module.Settings.__dataclass_params__.frozen
    assert json_schema(module.Settings, name)["additionalProperties"] is False
    assert set(getattr(module.Settings, "PATHS", ())) <= {field.name for field in dataclasses.fields(module.Settings)}


@pytest.mark.parametrize("name", registry.names("converters"))
def test_a_converter_claims_schemes_and_origins_that_exist(name):
    module = registry.load("converters", name)
    assert set(module.SCHEMES) <= set(registry.names("schemes"))
    for scheme, origin in module.ORIGIN.items():
        assert scheme in module.SCHEMES
        assert scheme in registry.load("converters", origin).SCHEMES


@pytest.mark.parametrize("name", registry.names("schemes"))
def test_a_trained_scheme_can_be_trained_and_some_format_holds_each(name):
    module = registry.load("schemes", name)
    assert module.NEEDS in ("nothing", "calibration", "training")
    if module.NEEDS == "training":
        assert hasattr(module, "wrap") or hasattr(module, "constraint")
    else:
        assert not hasattr(module, "constraint")
    promises = [hasattr(module, name) for name in ("ZEROS", "ZEROS_OF_FOUR", "VALUES")]
    assert hasattr(module, "constraint") == any(promises), "what is trained is checked in the file, and the reverse"
    assert any(name in registry.load("converters", c).SCHEMES for c in registry.names("converters"))


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_the_readme_names_it(kind, name):
    assert f"`{name}`" in README


def test_a_runtime_exists_for_every_format():
    formats = {f for n in registry.names("runtimes") for f in registry.load("runtimes", n).FORMATS}
    assert formats == set(registry.names("converters"))


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UnknownName, match="no converter named 'tflit'. Did you mean 'tflite'"):
        registry.load("converters", "tflit")
    with pytest.raises(UnknownName, match="no backbone named '../errors'"):
        registry.load("backbones", "../errors")
