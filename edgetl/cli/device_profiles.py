"""`edgetl device list`, `fit`, `crossval`, `calibrate`: what profiles say about speed, and how far they may be trusted."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetl.cli._console import console
from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.calibrations import Calibrated, LeftOut


def add(device: typer.Typer) -> None:
    """Add the commands to `edgetl device`.

    Args:
        device: the command group.
    """

    @device.command(name="list", help="List the device profiles: what they are, and what they were calibrated from.")
    def list_(json: JsonOption = False) -> None:
        from edgetl.estimator.atlas import known_devices
        from edgetl.types import to_json

        known = known_devices()
        if json:
            found = [
                {**to_json(one.profile), "sources": _sources(one), "calibrations": to_json(one.calibrations)}
                for one in known.values()
            ]
            typer.echo(json_module.dumps(found, ensure_ascii=False))
            return
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for title in ("device", "chip", "formats", "budget ms", "calibrated on"):
            table.add_column(title, overflow="fold")
        for name, one in known.items():
            kinds: dict[str, int] = {}
            for calibrated in one.calibrations:
                key = f"{calibrated.runtime} {calibrated.accelerator}"
                kinds[key] = kinds.get(key, 0) + calibrated.rows
            rows = ", ".join(f"{kind} ({count} rows)" for kind, count in sorted(kinds.items(), key=lambda k: -k[1])[:3])
            more = f" and {len(kinds) - 3} more" if len(kinds) > 3 else ""
            budget = one.profile.budget.latency_p90_ms
            table.add_row(
                name,
                one.profile.soc.name,
                " ".join(one.profile.format_names),
                f"{budget:g}" if budget else "–",
                rows + more or "–",
            )
        console().print(table, highlight=False, markup=False)

    @device.command(help="Make a profile from your own measurements of one device; five rows are a start.")
    def fit(
        rows: Annotated[Path, typer.Argument(metavar="ROWS.csv", help="Columns as in devices/measurements.")],
        name: Annotated[str, typer.Option("--name", help="Of the new profile.")],
        out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for it.")] = Path(),
        json: JsonOption = False,
    ) -> None:
        import re

        from edgetl.errors import InputError
        from edgetl.estimator.fit import fit as fit_rows
        from edgetl.types import to_json

        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", name):
            raise InputError(f"--name: {name!r} is not a name of lower-case letters, digits, '_', '-' and '.'.")
        with _told() as tell:
            path, found = fit_rows(rows, name, out, tell)
        if json:
            typer.echo(json_module.dumps({"schema": 1, "profile": str(path), "calibrations": to_json(found)}, ensure_ascii=False))
            return
        _print_calibrations([(name, one) for one in found])
        typer.echo(f"Wrote {path}. Ask it: edgetl estimate --device {path} --backbone mobilenet_v2")

    @device.command(help="How wrong the estimates are: networks, families, devices left out, beside the simplest predictors.")
    def crossval(
        device: Annotated[str | None, typer.Option("--device", help="Only this profile.")] = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.errors import InputError, UnknownName
        from edgetl.estimator import report
        from edgetl.estimator.atlas import known_devices
        from edgetl.types import to_json

        if device is not None and device not in known_devices():
            raise UnknownName("device", device, known_devices(), "--device")
        names = report.pools_of(device)
        if not names:
            raise InputError(f"--device: {device} was not measured by anybody whose rows come with edgetl.")
        with _told() as tell:
            found = [report.crossval_pool(pool, device, tell) for pool in names]
        if json:
            plain = [
                {
                    "pool": one.pool,
                    "rows": one.rows,
                    "settings": one.settings,
                    "left_out": to_json(one.left_out),
                    "profiles": [{"device": name, **to_json(calibrated)} for name, calibrated in one.calibrations],
                }
                for one in found
            ]
            typer.echo(json_module.dumps({"schema": 1, "pools": plain}, ensure_ascii=False))
            return
        for one in found:
            typer.echo(f"\n{one.pool}: {one.rows} rows, {one.settings} settings")
            _print_left_out(one.left_out)
            if device is not None:
                _print_calibrations(list(one.calibrations))

    @device.command(help="Calibrate all profiles of this checkout anew from devices/measurements. For maintainers.")
    def calibrate(
        keep: Annotated[bool, typer.Option("--keep-strengths", help="Take what was learned of each pool as it is.")] = False,
        rows: Annotated[
            Path | None, typer.Option("--rows", metavar="ROWS.csv", help="Choose the rows anew from this collection first.")
        ] = None,
    ) -> None:
        from edgetl.estimator.maintain import calibrate_all

        if rows is not None:
            from edgetl.estimator import atlas
            from edgetl.estimator.collect import collect

            names = frozenset(atlas.profiles_by_published_name())
            _, left_out = collect(rows, names, atlas.measurements())
            for reason, count in left_out.items():
                typer.echo(f"left out {count}: {reason}")
        with _told() as tell:
            found = calibrate_all(tell, learn=not keep)
        for pool, count in found.items():
            typer.echo(f"{pool}: {count} settings")


def _sources(one: Any) -> list[str]:
    """Documents that a profile's facts and calibrations come from, each once."""
    profile = one.profile
    facts = [profile.os, profile.soc, profile.cpu, *profile.accelerators, profile.memory, profile.isa, *profile.formats]
    named = [fact.source for fact in facts if fact is not None]
    return list(dict.fromkeys([*named, *(source for calibrated in one.calibrations for source in calibrated.sources)]))


@contextmanager
def _told() -> Iterator[Callable[[str], None]]:
    """Show what is being done on standard error."""
    from rich.console import Console

    err = Console(stderr=True)
    if not err.is_terminal:
        yield lambda text: err.print(text, highlight=False, markup=False)
        return
    with err.status("") as status:
        yield lambda text: status.update(text)


def _print_left_out(left_out: dict[str, LeftOut]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    titles = (
        "left\nout",
        "rows",
        "median\nerror",
        "p90",
        "within\n10 %",
        "within\n20 %",
        "rank",
        "in its\n90 %",
        "ns/MAC",
        "log-\nlinear",
    )
    for title in titles:
        table.add_column(title, justify="left" if title.startswith("left") else "right")
    for question, one in left_out.items():
        own = one.estimator
        plain = [f"{other.median:.1%}" if other is not None else "–" for other in (one.ns_per_mac, one.log_linear)]
        table.add_row(
            question.replace("_known_", " known\n").replace("_", " "), str(own.rows), f"{own.median:.1%}", f"{own.p90:.1%}",
            f"{own.within_10:.0%}", f"{own.within_20:.0%}", f"{own.rank:.3f}", f"{own.covered or 0:.0%}", *plain,
        )  # fmt: skip
    console().print(table, highlight=False, markup=False)


def _print_calibrations(found: list[tuple[str, Calibrated]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("device", "setting", "rows", "models out", "in 90 %", "families out", "misses"):
        table.add_column(title, overflow="fold")
    for name, one in found:
        threads = f" x{one.threads}" if one.threads else ""
        setting = " ".join(filter(None, (one.runtime, one.runtime_version, one.accelerator + threads, one.precision)))
        models, families = one.models_left_out, one.families_left_out
        table.add_row(
            name,
            setting,
            str(one.rows),
            f"{models.estimator.median:.1%}" if models else "–",
            f"{models.estimator.covered:.0%}" if models and models.estimator.covered is not None else "–",
            f"{families.estimator.median:.1%}" if families else "–",
            "; ".join(one.misses) or "nothing",
        )
    console().print(table, highlight=False, markup=False)
