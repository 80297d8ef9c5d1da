"""`edgetl diagnose layers`: where a file leaves the network it was made from."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    import numpy as np

    from edgetl.layers.diagnosis import Diagnosis
    from edgetl.layers.measuring import Measure
    from edgetl.layers.subject import Subject

_SHOWN = 12
_BARS = "▁▂▃▄▅▆▇█"
_FULL_DB = 60.0
"""SQNR at which a bar is full."""
_MOST_BARS = 50
"""Of a deeper network a bar stands for several layers, the lowest of them."""
_NAME_WIDTH = 17
"""Characters of a layer's name before it is folded: with the longest fault, a row has 80."""


def add(diagnose: typer.Typer) -> None:
    """Add the command."""

    @diagnose.command(
        help="Walk a file beside the network it was made from, layer by layer: where it leaves it, why, and what to do. "
        "Exit 1 when a fault is named."
    )
    def layers(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A .tflite, .onnx or .mlpackage.")],
        against: Annotated[
            Path | None,
            typer.Option(
                "--against",
                metavar="CHECKPOINT|FILE",
                help="The float network: a checkpoint's folder or a file [what its run says].",
            ),
        ] = None,
        data: Annotated[
            Path | None, typer.Option("--data", metavar="FOLDER", help="Photos, a folder a class [those of its run's recipe].")
        ] = None,
        limit: Annotated[int, typer.Option("--limit", min=2, max=1000, help="Photos to use, the classes in turn.")] = 16,
        device: Annotated[str | None, typer.Option("--device", help="Estimate on it what layers in float would cost.")] = None,
        every: Annotated[bool, typer.Option("--all", help="List every layer, in order, not only the worst.")] = False,
        json: JsonOption = False,
    ) -> None:
        from edgetl.cli._progress import Bar
        from edgetl.layers import diagnosis
        from edgetl.layers.subject import subject
        from edgetl.types import to_json

        asked = subject(file, against)
        with Bar() as bar:
            bar.told(0.0, "reading photos")
            found = diagnosis.diagnose(asked, _pixels(asked, data, limit), device, bar.told)
        if json:
            typer.echo(json_module.dumps({"schema": 1, **to_json(found)}, ensure_ascii=False))
        else:
            _show(found, every)
        if found.causes:
            raise typer.Exit(1)


def _pixels(asked: Subject, data: Path | None, limit: int) -> np.ndarray:
    """Some photos as the network's input takes them, uint8 (N, px, px, 3)."""
    import numpy as np

    from edgetl import photos, registry
    from edgetl.errors import DataError, InputError
    from edgetl.preprocess import ImageFault, to_pixels

    if data is not None:
        return photos.gather(data, asked.class_names, limit=limit).pixels(asked.preprocess)
    if asked.recipe is None or not asked.recipe.is_file():
        raise InputError(f"{asked.path}: nothing says which photos to use. Give a folder of them with --data.")
    from edgetl.recipefile import load_recipe

    source = load_recipe(str(asked.recipe)).recipe.data
    samples = registry.load("datasets", source.source).load(source).samples
    chosen = [samples[i * len(samples) // limit] for i in range(min(limit, len(samples)))]
    try:
        return np.stack([to_pixels(sample.read(), asked.preprocess) for sample in chosen])
    except ImageFault as fault:
        raise DataError(f"{asked.recipe}: a photo of its data cannot be used: {fault}. Give others with --data.") from fault


def _show(found: Diagnosis, every: bool) -> None:
    from rich.table import Table

    from edgetl.cli._console import console

    out = console()

    def say(text: str) -> None:
        out.print(text, highlight=False, markup=False, soft_wrap=True)

    beside = f" and {found.source}" if found.source else ""
    say(f"{found.file} beside {found.reference}{beside}: {found.tied} of {found.layers} layers tied, {found.images} photos")
    say(f"logits {found.logits_db:.1f} dB, {found.agreement:.0%} answered alike")
    cumulative = [m.sqnr_db for m in found.measures if m.sqnr_db is not None]
    group = -(-len(cumulative) // _MOST_BARS) or 1
    bars = [min(cumulative[at : at + group]) for at in range(0, len(cumulative), group)]
    say(f"SQNR by depth  {''.join(map(_bar, bars))}  {_FULL_DB:.0f} dB = {_BARS[-1]}")
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("layer", overflow="fold", max_width=_NAME_WIDTH)
    for title in ("SQNR", "own", "worst", "shift", "range", "ends"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("fault", no_wrap=True)
    faults = {cause.place: cause.rule for cause in found.causes}
    rows = list(found.measures) if every else sorted(found.measures, key=lambda m: (m.place not in faults, _own(m)))[:_SHOWN]
    for m in rows:
        table.add_row(
            m.name, _db(m.sqnr_db), _db(m.local_db), _db(min(m.channels_db) if m.channels_db else None),
            _sigmas(m.mean_shift), _percent(m.range_share), _percent(m.saturated), faults.get(m.place, ""),
        )  # fmt: skip
    out.print(table, highlight=False, markup=False)
    say("SQNR, own, worst channel: dB; range: used; ends: integers at its ends")
    for cause in found.causes:
        say(f"{cause.layer}: {cause.rule}: {cause.evidence}\n  → {cause.remedy}")
    say(found.summary)
    if found.advice:
        _advice(found, say)
    elif found.advice is not None:
        say("No single layer would bring 0.1 dB if it stayed in float.")


def _advice(found: Diagnosis, say: object) -> None:
    assert callable(say)
    say("Layers to keep in float, most gain for its cost first:")
    for one in (found.advice or ())[:_SHOWN]:
        slower = "" if one.latency_ms is None else f", +{one.latency_ms:.3g} ms (estimated)"
        say(
            f"  {one.layer}: +{one.gain_db:.1f} dB, {one.agreement_gain:+.1%} answered alike; {one.macs_share:.1%} of the "
            f"multiply-accumulates, +{one.size_bytes / 1e3:.1f} kB{slower}"
        )
    names = ", ".join(dict.fromkeys((*found.keep_float, *(one.layer for one in (found.advice or ())[:3]))))
    already = " (with those it keeps already)" if found.keep_float else ""
    say(f"In its recipe{already}:\n  quantize: {{keep_float: [{names}]}}")
    say(f"Converted without a recipe:\n  edgetl convert MODEL --set 'keep_float=[{names}]'")
    if found.latency is not None:
        say(f"  latency on {found.latency.device}: {found.latency.reason}")


def _own(measure: Measure) -> float:
    """What a layer is sorted by: its own SQNR, else the one it ends with."""
    figures = [v for v in (measure.local_db, measure.sqnr_db) if v is not None]
    return figures[0] if figures else float("inf")


def _bar(db: float) -> str:
    return _BARS[min(len(_BARS) - 1, max(0, int(db / _FULL_DB * len(_BARS))))]


def _db(value: float | None) -> str:
    return "–" if value is None else "exact" if value >= 200 else f"{value:.1f}"


def _sigmas(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:+.2f}σ"  # + 0.0: no -0.00


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}" if value >= 0.01 or value == 0 else f"{value:.1%}"
