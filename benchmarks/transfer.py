"""What one phase of a recipe is worth: the recipe, and the same without it, over seeds, on the same test images.

python -m benchmarks.transfer RECIPE --without pretrain --seeds 0,1,2
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl import pipeline
from edgetl.ablation import mean_interval
from edgetl.errors import UnknownName
from edgetl.recipefile import LoadedRecipe, load_recipe
from edgetl.store import Store


def main(arguments: list[str] | None = None) -> None:
    """Measure and print.

    Args:
        arguments: command line; None = the process's.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--without", required=True, help="names of phases, between commas")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    loaded = load_recipe(options.recipe, tuple(options.overrides))
    without = options.without.split(",")
    names = [phase.phase for phase in loaded.recipe.train]
    for name in without:
        if name not in names:
            raise UnknownName("phase", name, names, "--without")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(loaded, without, [int(seed) for seed in options.seeds.split(",")], Path(folder))
    print(json.dumps(found) if options.json else text(found))


def measure(loaded: LoadedRecipe, without: list[str], seeds: list[int], folder: Path) -> dict[str, Any]:
    """Train both ways.

    Args:
        loaded: the recipe.
        without: phases to leave out.
        seeds: of everything random; the split stays.
        folder: for the store.

    Returns:
        `runs`: seed, n, top1_with, top1_without.
    """
    store = Store(folder, loaded.recipe.name)
    runs = []
    for seed in seeds:
        whole = replace(loaded.recipe, seed=seed)
        part = replace(whole, train=tuple(phase for phase in whole.train if phase.phase not in without))
        run: dict[str, Any] = {"seed": seed}
        for name, recipe in (("top1_with", whole), ("top1_without", part)):
            own = replace(loaded, recipe=recipe)
            answer = pipeline.run(own, pipeline.plan(own, "finetune"), store, pipeline.Silent()).answers["finetune"]
            run |= {name: answer["top1"], "n": answer["n"]}
        runs.append(run)
        print(run, file=sys.stderr, flush=True)
    return {"schema": 1, "recipe": loaded.recipe.name, "without": without, "runs": runs}


def text(found: dict[str, Any]) -> str:
    """Write the table.

    Args:
        found: what `measure` returned.

    Returns:
        Markdown.
    """
    runs, left_out = found["runs"], ", ".join(found["without"])
    titles = " | ".join(f"seed {run['seed']}" for run in runs)
    lines = [f"| top-1 | {titles} | mean |", f"|{'---|' * (len(runs) + 2)}"]
    for name, key in (("the recipe", "top1_with"), (f"without {left_out}", "top1_without")):
        values = [run[key] for run in runs]
        lines.append(f"| {name} | {' | '.join(f'{v:.3f}' for v in values)} | {statistics.fmean(values):.3f} |")
    gains = [run["top1_with"] - run["top1_without"] for run in runs]
    told = f"gain {statistics.fmean(gains):+.3f}"
    if len(gains) > 1:
        low, high = mean_interval([gain / 2 + 0.5 for gain in gains])
        told += f", 95 % interval over seeds {2 * low - 1:+.3f} to {2 * high - 1:+.3f}"
    return "\n".join([*lines, "", f"{found['recipe']}, {runs[0]['n']} test images each: {told}."])


if __name__ == "__main__":
    main()
