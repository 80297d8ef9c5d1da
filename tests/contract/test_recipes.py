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
    if loaded.recipe.data.source == "folder":
        loaded = load_recipe(path.stem, (f"data.path={photos}",))
    steps = [p.step for p in pipeline.plan(loaded)]
    assert len({step.key for step in steps}) == len(steps) > 5
