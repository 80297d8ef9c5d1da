"""`edgetl recipe`: the schema of a recipe, and a check of one."""

from __future__ import annotations

import json as json_module

import typer

from edgetl.cli._options import JsonOption, RecipeArgument, SetOption

group = typer.Typer(help="Recipes: print the JSON Schema, check a file.", no_args_is_help=True, rich_markup_mode=None)


@group.command(help="Print the JSON Schema of a recipe, for your editor.")
def schema() -> None:
    """Print the schema."""
    from edgetl.recipefile import recipe_json_schema

    typer.echo(json_module.dumps(recipe_json_schema(), indent=2, ensure_ascii=False))


@group.command(help="Check a recipe and print it with all defaults filled in.")
def check(recipe: RecipeArgument, set_: SetOption = None, json: JsonOption = False) -> None:
    """Print the resolved recipe."""
    from edgetl.recipefile import load_recipe
    from edgetl.types import to_json

    resolved = to_json(load_recipe(recipe, tuple(set_ or ())).recipe)
    if json:
        typer.echo(json_module.dumps(resolved, ensure_ascii=False))
        return
    import yaml

    typer.echo(yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, width=120).rstrip())


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="recipe")
