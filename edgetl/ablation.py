"""Does transfer pay here? The same photos learned from scratch, with a frozen backbone, and fine-tuned, from few labels to all.

Input: a recipe. Output: one row for each way, share of the labels and seed, and what they say together. All trainings go through
the store, so they share prepared images and kept features, and an interrupted ablation goes on where it stood. Every training
is tested on the same test split; validation chooses its best epoch.

Four ways: `fine_tuned` is the recipe as it is; `frozen` is its head alone, until validation has not improved for a quarter of
its epochs, of which there are more where there are fewer labels; `scratch` is the same network with random weights for as long
as `fine_tuned` took on the same labels (its epochs follow from measured CPU time), `scratch_converged` the same as long as
`frozen` may: until it improves no more.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from edgetl import pipeline, registry
from edgetl.errors import InputError
from edgetl.pipeline import Results, Watcher
from edgetl.recipe import Distill, Labels, Phase, Recipe
from edgetl.recipefile import LoadedRecipe
from edgetl.store import Store

WAYS = ("scratch", "scratch_converged", "frozen", "fine_tuned")
SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
_TIMING_EPOCHS = 3
"""Epochs of the short run whose last two tell what an epoch from scratch costs; the first one compiles."""
_FROZEN = Phase(phase="head", freeze="all", epochs=20)
"""Feature extraction, where the recipe itself has no such phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One training."""

    way: str
    share: float
    seed: int
    labelled: int
    """Images whose label was used."""
    epochs: int
    top1: float
    n: int
    """Test images."""
    cpu_seconds: float
    """Of its epochs, all threads, and of computing the features of all images where it learns from kept ones."""
    seconds: float


def run(
    loaded: LoadedRecipe,
    store: Store,
    watcher: Watcher,
    *,
    ways: Sequence[str] = WAYS,
    shares: Sequence[float] = SHARES,
    seeds: Sequence[int] = (0, 1, 2),
    converged_epochs: int = 200,
    note: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Train all there is to train; what is in the store already is taken from there.

    Args:
        loaded: the recipe.
        store: of the recipe.
        watcher: is told of each step.
        ways: which of `WAYS`.
        shares: shares of the training labels, 0 to 1.
        seeds: of head, shuffling and augmentation; the split stays that of the recipe.
        converged_epochs: most epochs of `frozen` and `scratch_converged` with all labels.
        note: receives one line before each training.

    Returns:
        One row a training.
    """
    if loaded.recipe.labels != Labels():
        raise InputError("labels: an ablation chooses the share of labels itself; leave the section out.")
    if not can_learn(loaded.recipe) and {"scratch", "scratch_converged"} & set(ways):
        what = f"{loaded.recipe.backbone.name} has no random weights to start from; ask for --way frozen --way fine_tuned."
        raise InputError(f"backbone: {what}")
    rows, done, total = [], 0, len(shares) * len(seeds) * len({*ways, *(("fine_tuned", "timing") if "scratch" in ways else ())})
    for share in shares:
        for seed in seeds:
            labels = Labels() if share == 1.0 else Labels(share=share)
            recipe = replace(loaded.recipe, labels=labels, seed=seed)
            most = round(converged_epochs / share**0.5)

            def train(way: str, wanted: Recipe, share: float = share, seed: int = seed) -> Row:
                nonlocal done
                done += 1
                note(f"{done}/{total}: {way}, {percent(share)} of the labels, seed {seed}")
                return _train(replace(loaded, recipe=wanted), store, watcher, way, share)

            tuned: Row | None = None
            if "fine_tuned" in ways or "scratch" in ways:
                tuned = train("fine_tuned", recipe)
            if "fine_tuned" in ways and tuned is not None:
                rows.append(tuned)
            if "frozen" in ways:
                rows.append(train("frozen", replace(recipe, train=_head_phases(recipe, most), distill=None)))
            if "scratch" in ways and tuned is not None:
                trial = train("timing", from_scratch(recipe, _TIMING_EPOCHS, None))
                each = trial.cpu_seconds / trial.epochs
                epochs = max(1, round(tuned.cpu_seconds / each))
                rows.append(train("scratch", from_scratch(recipe, epochs, None)))
            if "scratch_converged" in ways:
                rows.append(train("scratch_converged", from_scratch(recipe, most, _patience(most))))
    return rows


def can_learn(recipe: Recipe) -> bool:
    """Tell whether a recipe's backbone can be trained at all.

    Args:
        recipe: the recipe.

    Returns:
        False for a frozen one.
    """
    return bool(getattr(registry.load("backbones", recipe.backbone.name), "TRAINABLE", True))


def percent(share: float) -> str:
    """Write a share of the labels.

    Args:
        share: 0 to 1.

    Returns:
        Such as "5%", "0.1%".
    """
    return f"{100 * share:.3g}%"


def from_scratch(recipe: Recipe, epochs: int, patience: int | None) -> Recipe:
    """The recipe's network with random weights, all of it learning.

    Args:
        recipe: the recipe.
        epochs: how many.
        patience: epochs without a better validation after which it ends; None = never.

    Returns:
        A recipe with one phase: the settings of the recipe's last one, batch normalisation following the batches.
    """
    last = recipe.train[-1]
    phase = Phase(
        phase="scratch",
        epochs=epochs,
        patience=patience,
        learning_rate=max(phase.learning_rate for phase in recipe.train),
        batch_size=last.batch_size,
        batch_norm="update",
        schedule="cosine" if patience is None else "constant",
        label_smoothing=last.label_smoothing,
        class_weights=last.class_weights,
        mixup=last.mixup,
        cutmix=last.cutmix,
    )
    none: Distill | None = None
    return replace(recipe, backbone=replace(recipe.backbone, weights="none"), train=(phase,), distill=none)


def _head_phases(recipe: Recipe, most: int) -> tuple[Phase, ...]:
    before = tuple(takewhile(lambda phase: phase.method != "supervised", recipe.train))
    after = recipe.train[len(before) :]
    found = (*before, *(tuple(takewhile(lambda phase: phase.cached, after)) or (_FROZEN,)))
    last = replace(
        found[-1],
        epochs=most,
        patience=_patience(most),
        schedule="constant",
        schedule_epochs=None,
        schedule_factor=None,
        warmup_epochs=0,
    )
    return (*found[:-1], last)


def _patience(most: int) -> int:
    return max(5, most // 4)


def _train(loaded: LoadedRecipe, store: Store, watcher: Watcher, way: str, share: float) -> Row:
    results = pipeline.run(loaded, pipeline.plan(loaded, "finetune"), store, watcher, Results())
    answer = results.answers["finetune"]
    timed = answer["history"][-2:] if way == "timing" else answer["history"]
    kept = results.answers.get("features", {"cpu_seconds": 0.0, "wall_seconds": 0.0})
    return Row(
        way=way,
        share=share,
        seed=loaded.recipe.seed,
        labelled=answer["labelled"],
        epochs=len(timed),
        top1=answer["top1"],
        n=answer["n"],
        cpu_seconds=kept["cpu_seconds"] + sum(entry["cpu_seconds"] for entry in timed),
        seconds=kept["wall_seconds"] + sum(entry["seconds"] for entry in timed),
    )


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Put the seeds of each way and share together.

    Args:
        rows: what `run` returned.

    Returns:
        One entry for each way and share: mean top-1 with its 95 % interval over the seeds, their extremes, mean times.
    """
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.way, row.share), []).append(row)
    found = []
    for (way, share), members in sorted(groups.items(), key=lambda item: (item[0][1], WAYS.index(item[0][0]))):
        values = [row.top1 for row in members]
        low, high = mean_interval(values)
        found.append(
            {
                "way": way,
                "share": share,
                "labelled": members[0].labelled,
                "seeds": len(members),
                "top1": statistics.fmean(values),
                "top1_low": low,
                "top1_high": high,
                "top1_values": values,
                "epochs": statistics.fmean(row.epochs for row in members),
                "cpu_seconds": statistics.fmean(row.cpu_seconds for row in members),
                "seconds": statistics.fmean(row.seconds for row in members),
            }
        )
    return found


_STUDENT_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""97.5 % points of Student's t by degrees of freedom (any table); beyond, 1.96 is close enough."""


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a mean over seeds, by Student's t: three seeds say little, and this says so.

    Args:
        values: one figure a seed.

    Returns:
        Lower and upper end, within 0 and 1; the whole range when there is but one value.
    """
    if len(values) < 2:
        return 0.0, 1.0
    half = _STUDENT_T.get(len(values) - 1, 1.96) * statistics.stdev(values) / len(values) ** 0.5
    mean = statistics.fmean(values)
    return max(0.0, mean - half), min(1.0, mean + half)


__all__ = ["SHARES", "WAYS", "Row", "can_learn", "from_scratch", "mean_interval", "percent", "run", "summary"]
