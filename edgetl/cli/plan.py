"""`edgetl plan`: what a run would do, and why; nothing is run."""

from __future__ import annotations

import json as json_module
import sys

import typer

from edgetl.cli._options import JsonOption, RecipeArgument, SetOption, TargetOption


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Say for each step whether it would run or is kept, and why. Runs nothing.")
    def plan(recipe: RecipeArgument, set_: SetOption = None, target: TargetOption = None, json: JsonOption = False) -> None:
        from edgetl import pipeline
        from edgetl.recipefile import load_recipe
        from edgetl.store import ROOT, Store

        loaded = pipeline.restrict(load_recipe(recipe, tuple(set_ or ())), tuple(target or ()))
        store = Store(ROOT, loaded.recipe.name)
        rows = [(p.step, store.status(p.step)) for p in pipeline.plan(loaded)]
        if json:
            listing = [
                {"step": s.label, "key": s.key, "status": "cached" if st.cached else "run", "reasons": list(st.reasons)}
                for s, st in rows
            ]
            typer.echo(json_module.dumps({"recipe": loaded.recipe.name, "steps": listing}, ensure_ascii=False))
            return
        width = max(len(step.label) for step, _ in rows)
        for step, status in rows:
            typer.echo(f"{step.label:<{width}}  {'cached' if status.cached else 'RUN   '}  {'; '.join(status.reasons)}".rstrip())
        typer.echo(f"{sum(not st.cached for _, st in rows)} of {len(rows)} steps would run, then ship.", file=sys.stderr)
