"""Every recipe that comes with edgetl loads, is named like its file, and can be planned."""

import pytest

from edgetl import pipeline, places
from edgetl.recipefile import load_recipe

RECIPES = sorted(places.shipped("recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_it_loads_and_plans(path, photos):
    loaded = load_recipe(path.stem)
    assert loaded.recipe.name == path.stem
    assert loaded.recipe.description
    sources = {name: getattr(loaded.recipe, name) for name in ("data", "test", "unlabelled")}
    elsewhere = [f"{name}.path={photos}" for name, source in sources.items() if source and source.source == "folder"]
    loaded = load_recipe(path.stem, tuple(elsewhere))
    steps = [p.step for p in pipeline.plan(loaded)]
    assert len({step.key for step in steps}) == len(steps) > 5
