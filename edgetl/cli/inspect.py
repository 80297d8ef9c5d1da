"""`edgetl inspect`: did I get what I asked for? What a file is made of, and what differs from what was asked."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from edgetl.cli._options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        help="Say what a TFLite, ONNX, Core ML or Keras file is made of, and whether it is what was asked: by its run, by the "
        "options, or by its own name. Exit 1 when it is not."
    )
    def inspect(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A .tflite, .onnx, .mlpackage, .h5 or .keras.")],
        ops: Annotated[bool, typer.Option("--ops", help="List every operator, not only their types.")] = False,
        scheme: Annotated[str | None, typer.Option(metavar="SCHEME", help="Quantization scheme that it should have.")] = None,
        io: Annotated[
            Literal["float32", "uint8", "int8"] | None, typer.Option("--io", help="Type its input and output should have.")
        ] = None,
        batch: Annotated[Literal["fixed", "dynamic"] | None, typer.Option(help="Whether its batch should be free.")] = None,
        runtime: Annotated[
            str | None, typer.Option(metavar="NAME==VERSION", help="Oldest runtime or system that must load it: ios==16.")
        ] = None,
        client: Annotated[
            Literal["mediapipe"] | None, typer.Option("--client", help="Program that must load it: MediaPipe's ImageClassifier.")
        ] = None,
        device: Annotated[
            str | None, typer.Option(metavar="NAME", help="Device whose accelerators are asked which operators they take.")
        ] = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl import registry, versions
        from edgetl.errors import UnknownName
        from edgetl.inspection import Asked, apart

        if scheme is not None and scheme not in registry.names("schemes"):
            raise UnknownName("scheme", scheme, registry.names("schemes"), "--scheme")
        if runtime is not None:
            versions.wanted(runtime)
        given = any(wish is not None for wish in (scheme, io, batch, runtime, client))
        source = "the options"
        options = Asked(scheme=scheme, io=io, batch=batch, runtime=runtime, client=client, source=source) if given else None
        told: dict[str, Any] = apart.inspect(file, options, device=device, operators=ops)
        if json:
            typer.echo(json_module.dumps(told, ensure_ascii=False))
        else:
            from edgetl.cli import _audit

            _audit.show(told)
        if any(finding["level"] == "error" for finding in told["findings"]):
            raise typer.Exit(1)
