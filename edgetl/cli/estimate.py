"""`edgetl estimate`: latency on a device that is not here, with an interval and how it is known."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.estimator.estimate import Estimate


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Estimate the latency of a file, or of a backbone that was never built, from published measurements.")
    def estimate(
        file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A .tflite, .onnx or .mlpackage.")] = None,
        device: Annotated[list[str] | None, typer.Option("--device", help="A device, or a profile's file. Repeatable.")] = None,
        backbone: Annotated[
            str | None, typer.Option("--backbone", help="A backbone, or any network of `edgetl list networks`.")
        ] = None,
        variant: Annotated[str | None, typer.Option("--variant", help="Of a backbone that has several [its first].")] = None,
        alpha: Annotated[float | None, typer.Option("--alpha", help="Width of the backbone.")] = None,
        input_px: Annotated[int | None, typer.Option("--input-px", help="Side of its input in pixels.")] = None,
        scheme: Annotated[str | None, typer.Option("--scheme", help="A scheme of `edgetl list schemes` [fp32].")] = None,
        runtime: Annotated[
            str, typer.Option("--runtime", help="tflite, onnxruntime, coreml, or as tables name it [tflite].")
        ] = "",
        accelerator: Annotated[str, typer.Option("--accelerator", help="cpu, gpu, npu … [cpu]")] = "",
        threads: Annotated[int | None, typer.Option("--threads", min=1, max=256, help="CPU threads [the profile's].")] = None,
        batch: Annotated[Path | None, typer.Option("--batch", metavar="ROWS.csv", help="Answer a table of questions.")] = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.errors import InputError

        if batch is not None:
            given = {"FILE": file, "--backbone": backbone, "--variant": variant, "--alpha": alpha, "--input-px": input_px,
                     "--scheme": scheme, "--threads": threads}  # fmt: skip
            extra = [name for name, value in given.items() if value]
            if extra:
                raise InputError(f"--batch: cannot be combined with {', '.join(extra)}; the table says it all.")
            _show_batch(batch, device or [], json)
            return
        if (file is None) == (backbone is None):
            raise InputError("Give either a FILE or --backbone (or a table with --batch).")
        if not device:
            raise InputError("--device: is missing. Known devices: edgetl device list.")
        from edgetl.estimator.one import estimate_one

        answers = [
            (name, estimate_one(name, file, backbone, alpha, input_px, scheme, runtime, accelerator, threads, variant))
            for name in device
        ]
        if json:
            found = [{"device": name, **_plain(answer)} for name, answer in answers]
            typer.echo(json_module.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False))
            return
        for name, answer in answers:
            typer.echo(f"{name}: {_words(answer)}")


def _show_batch(path: Path, profiles: list[str], as_json: bool) -> None:
    from edgetl.cli._progress import Bar
    from edgetl.errors import InputError
    from edgetl.estimator.ask import Asker
    from edgetl.estimator.estimate import nothing
    from edgetl.estimator.rows import read_questions

    if len(profiles) > 1 or any(not name.endswith((".yaml", ".yml")) for name in profiles):
        raise InputError("--batch: takes one --device at most, the file of a profile of yours; the table names all others.")
    asker = Asker(Path(profiles[0]) if profiles else None)
    rows = read_questions(path)
    answers = []
    with Bar() as bar:
        for number, row in enumerate(rows):
            if number % 50 == 0:
                bar.told(number / len(rows), f"row {number} of {len(rows)}")
            answers.append(nothing(row) if isinstance(row, str) else asker.answer(row))
    if as_json:
        typer.echo(json_module.dumps([_plain(answer) for answer in answers], ensure_ascii=False))
        return
    for number, answer in enumerate(answers, 1):
        typer.echo(f"row {number}: {_words(answer)}")


def _plain(answer: Estimate) -> dict[str, Any]:
    return {
        "latency_ms": answer.latency_ms,
        "interval": list(answer.interval) if answer.interval else None,
        "evidence": answer.evidence,
        "reason": answer.reason,
        "outside": list(answer.outside),
    }


def _words(answer: Estimate) -> str:
    if answer.latency_ms is None or answer.interval is None:
        return f"cannot be estimated: {answer.reason}"
    low, high = answer.interval
    return f"{answer.latency_ms:.3g} ms (90 %: {low:.3g} to {high:.3g}), estimated: {answer.reason}"
