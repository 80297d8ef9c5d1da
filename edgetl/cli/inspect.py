"""`edgetl inspect`: what a converted file is made of, operator by operator."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from edgetl.cli._options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Say what a TFLite, ONNX or Core ML file is made of: multiply-accumulates, bytes, and what is in integers.")
    def inspect(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A .tflite, .onnx or .mlpackage.")],
        ops: Annotated[bool, typer.Option("--ops", help="List every operator, not only their types.")] = False,
        json: JsonOption = False,
    ) -> None:
        from edgetl import registry
        from edgetl.errors import InputError
        from edgetl.types import to_json

        if not file.exists():
            raise InputError(f"{file}: no such file.")
        by_suffix = {registry.load("graphs", name).SUFFIX: name for name in registry.names("graphs")}
        if file.suffix not in by_suffix:
            raise InputError(f"{file}: must be a converted file, its name ending in {', '.join(sorted(by_suffix))}.")
        facts = registry.load("graphs", by_suffix[file.suffix]).read(file)
        totals: dict[str, Any] = {
            "schema": 1,
            "format": facts.format,
            "file_bytes": facts.file_bytes,
            "macs": facts.macs,
            "int8_mac_share": facts.int8_mac_share,
            "weight_bytes": sum(operator.weight_bytes for operator in facts.operators),
            "types": to_json(facts.by_type()),
        }
        if json:
            operators = {"operators": to_json(facts.operators)} if ops else {}
            typer.echo(json_module.dumps({**totals, **operators}, ensure_ascii=False))
            return
        from rich.console import Console
        from rich.table import Table

        console = Console()
        share = "" if facts.int8_mac_share is None else f", {facts.int8_mac_share:.1%} of them in integers"
        console.print(
            f"{file.name}: {facts.file_bytes / 1e6:.2f} MB, {len(facts.operators)} operators, {facts.macs / 1e6:.1f} million "
            f"multiply-accumulates{share}",
            highlight=False,
            soft_wrap=True,
        )
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        first = ("operator", "type", "in") if ops else ("type", "count", "in integers")
        for number, title in enumerate((*first, "MMAC", "weights kB", "reads kB", "writes kB")):
            table.add_column(title, justify="left" if number < (3 if ops else 1) else "right", no_wrap=number > 0)
        rows: Any = facts.operators if ops else facts.by_type()
        for row in rows:
            cells = (row.name, row.type, row.arithmetic) if ops else (row.type, str(row.count), str(row.quantized))
            sizes = (f"{size / 1e3:.1f}" for size in (row.weight_bytes, row.input_bytes, row.output_bytes))
            table.add_row(*cells, f"{row.macs / 1e6:.3f}", *sizes)
        console.print(table, highlight=False, markup=False)
