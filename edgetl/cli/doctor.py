"""`edgetl doctor`: what is installed, what can run here, and how to get what is missing."""

from __future__ import annotations

import json as json_module
import platform
from typing import Any

import typer

from edgetl.cli._options import JsonOption

_PACKAGES = (
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "coremltools",
    "ai-edge-litert",
    "numpy",
    "pillow",
    "scikit-learn",
    "protobuf",
    "h5py",
)


def examine() -> dict[str, Any]:
    """Look at this installation without importing any engine.

    Returns:
        `python`, `system`, `packages` (name → version or None), `converters` and `runtimes` (name → None or what is
        missing), `problems`: sentences, each with its remedy.
    """
    from edgetl import packages, registry

    versions = {name: packages.version(name) for name in _PACKAGES}
    problems = [f"{name} is not installed. Install it with: pip install edgetl" for name, v in versions.items() if v is None]
    tf, keras = versions["tensorflow"], versions["tf_keras"]
    if tf and keras and tf.split(".")[:2] != keras.split(".")[:2]:
        problems.append(
            f"tensorflow {tf} and tf_keras {keras} must have the same minor version. "
            f"Install it with: pip install 'tf_keras=={'.'.join(tf.split('.')[:2])}.*'"
        )
    if not (3, 11) <= tuple(map(int, platform.python_version_tuple()[:2])) <= (3, 13):
        problems.append(f"Python {platform.python_version()} is not one of 3.11, 3.12, 3.13. Use one of them.")
    able = {
        kind: {name: registry.load(kind, name).unavailable() for name in registry.names(kind)}
        for kind in ("converters", "runtimes")
    }
    system = f"{platform.system()} {platform.machine()}"
    return {"python": platform.python_version(), "system": system, "packages": versions, **able, "problems": problems}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Show versions, what can run here, and how to get what is missing. Exit 3 when something is.")
    def doctor(json: JsonOption = False) -> None:
        found = examine()
        if json:
            typer.echo(json_module.dumps(found, ensure_ascii=False))
        else:
            typer.echo(f"python {found['python']} on {found['system']}")
            for name, version in found["packages"].items():
                typer.echo(f"  {name:<32}{version or 'MISSING'}")
            for kind in ("converters", "runtimes"):
                typer.echo(f"{kind}:")
                for name, reason in found[kind].items():
                    typer.echo(f"  {name:<32}{reason or 'ready'}")
            for problem in found["problems"]:
                typer.echo(f"✗ {problem}")
            if not found["problems"]:
                typer.echo("Nothing is missing.")
        if found["problems"]:
            raise typer.Exit(3)
