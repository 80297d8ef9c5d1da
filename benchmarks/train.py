"""edgetl's training beside the loop that tutorials show: accuracy of the whole recipe, and CPU time of training a head.

    python -m benchmarks.train RECIPE --seeds 0,1,2 --pairs 3 --set data.path=photos

Everything runs in fresh processes; pairs that are compared take turns.
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

from benchmarks import process
from benchmarks.loops import FINE_TUNING_RATES
from edgetl import pipeline
from edgetl.errors import EdgetlError
from edgetl.recipefile import load_recipe
from edgetl.store import Store

EPOCHS = (10, 20)
_USUAL = {key: value for key, value in process.ENVIRONMENT.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
"""As a user of TensorFlow has it: oneDNN on."""


def main(arguments: list[str] | None = None) -> None:
    """Measure and print.

    Args:
        arguments: command line; None = the process's.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    seeds = [int(seed) for seed in options.seeds.split(",") if seed]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.recipe, options.overrides, seeds, options.pairs, Path(folder))
    print(json.dumps(found) if options.json else text(found))


def measure(recipe: str, overrides: list[str], seeds: list[int], pairs: int, folder: Path) -> dict[str, Any]:
    """Train everything.

    Args:
        recipe: file or name.
        overrides: as `--set`.
        seeds: for the accuracies.
        pairs: interleaved repetitions for the times.
        folder: for what is written.

    Returns:
        Raw values: `accuracy` (one entry a seed), `head` (one entry a pair and number of epochs).
    """
    loaded = load_recipe(recipe, tuple(overrides))
    store, accuracy = Store(folder / "store", loaded.recipe.name), []
    first = pipeline.plan(loaded, "prepare")
    pipeline.run(loaded, first, store, pipeline.Silent())
    prepared = str(store.path(first[0].step))
    for seed in seeds:
        own = replace(loaded, recipe=replace(loaded.recipe, seed=seed))
        answer = pipeline.run(own, pipeline.plan(own, "finetune"), store, pipeline.Silent()).answers["finetune"]
        plain = _ask("tutorial_both", recipe, overrides, prepared, folder, seed=seed)
        accuracy.append({"seed": seed, "n": answer["n"], "edgetl": answer["top1"], **plain})
        print(f"seed {seed}: {accuracy[-1]}", file=sys.stderr, flush=True)
    head = []
    for number in range(pairs):
        for epochs in EPOCHS:
            kept = str(folder / f"kept_{number}_{epochs}")
            tutorial = _ask("tutorial_head", recipe, overrides, prepared, folder, epochs=epochs, seed=number)
            ways = {
                way: _ask("own_head", recipe, overrides, prepared, folder, epochs=epochs, seed=number, kept=kept)
                for way in ("cold", "warm")
            }
            head.append({"pair": number, "epochs": epochs, "tutorial": tutorial, **ways})
            print(f"pair {number}: {head[-1]}", file=sys.stderr, flush=True)
    return {"schema": 1, "recipe": loaded.recipe.name, "accuracy": accuracy, "head": head}


def _ask(function: str, recipe: str, overrides: list[str], prepared: str, folder: Path, **more: Any) -> dict[str, Any]:
    arguments = {"recipe": recipe, "overrides": overrides, "prepared": prepared, **more}
    outcome = process.run(f"benchmarks.loops:{function}", arguments, folder / "child", _USUAL)
    if outcome.answer is None:
        raise EdgetlError(f"{function} failed: {outcome.why}")
    return outcome.answer


def text(found: dict[str, Any]) -> str:
    """Write the tables.

    Args:
        found: what `measure` returned.

    Returns:
        Markdown.
    """
    lines = [] if not found["accuracy"] else _accuracies(found["accuracy"])
    return "\n".join([*lines, *(_heads(found["head"]) if found["head"] else [])])


def _accuracies(found: list[dict[str, Any]]) -> list[str]:
    rows = [("edgetl, the recipe", [entry["edgetl"] for entry in found])]
    rows += [("plain loop, frozen", [entry["frozen"] for entry in found])]
    rows += [
        (f"plain loop, then fine-tuned at {rate:g}", [entry["fine_tuned"][f"{rate:g}"] for entry in found])
        for rate in FINE_TUNING_RATES
    ]
    seeds = [str(entry["seed"]) for entry in found]
    lines = [f"| top-1 | {' | '.join(f'seed {seed}' for seed in seeds)} | mean |", f"|{'---|' * (len(seeds) + 2)}"]
    lines += [f"| {name} | {' | '.join(f'{v:.3f}' for v in values)} | {statistics.fmean(values):.3f} |" for name, values in rows]
    return [*lines, ""]


def _heads(found: list[dict[str, Any]]) -> list[str]:
    lines = ["| head training | tutorial CPU s | edgetl CPU s | ratio | features kept, CPU s | ratio | val top-1 |"]
    lines += [f"|{'---|' * 7}"]
    for epochs in sorted({entry["epochs"] for entry in found}):
        pairs = [entry for entry in found if entry["epochs"] == epochs]

        def median(way: str, pairs: list[dict[str, Any]] = pairs) -> float:
            return float(statistics.median(entry[way]["cpu_s"] for entry in pairs))

        def ratio(way: str, pairs: list[dict[str, Any]] = pairs) -> str:
            values = [entry["tutorial"]["cpu_s"] / entry[way]["cpu_s"] for entry in pairs]
            return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"

        val = [statistics.fmean(entry[way]["val_top1"] for entry in pairs) for way in ("tutorial", "cold")]
        cells = [
            f"{epochs} epochs",
            f"{median('tutorial'):.1f}",
            f"{median('cold'):.2f}",
            ratio("cold"),
            f"{median('warm'):.2f}",
            ratio("warm"),
            f"{val[0]:.3f} / {val[1]:.3f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", "Medians over interleaved pairs, extremes in brackets; CPU time of all threads, imports left out."]


if __name__ == "__main__":
    main()
