"""The order of things: a recipe → steps with keys and reasons (`plan`) → results (`run`). Fixed order, no graph engine."""

from __future__ import annotations

import importlib
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from edgetl import content, errors, packages, registry
from edgetl.recipe import Recipe
from edgetl.recipefile import LoadedRecipe
from edgetl.stages import features, finetune
from edgetl.stages._base import Job
from edgetl.stages.benchmark import thread_counts
from edgetl.store import Status, Step, Store

STAGES = ("prepare", "features", "finetune", "evaluate", "quantize", "convert", "verify", "benchmark")
"""In order; `ship` follows once the verdicts are known."""
_SIDE_BY_SIDE = {"convert": 2, "verify": 2}
"""Stages whose steps may run at the same time, and how many. Nothing runs beside a benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A step and what it starts from."""

    step: Step
    needs: dict[str, Step]
    """Role → the step whose result it reads."""
    extra: dict[str, Any] = field(default_factory=dict)


class Watcher(Protocol):
    """Is told what happens; shows it to a person."""

    def note(self, text: str) -> None:
        """Something to know that belongs to no step."""

    def kept(self, step: Step) -> None:
        """The step's result is there already."""

    def started(self, step: Step, reasons: tuple[str, ...]) -> None:
        """The step runs now, because of `reasons`."""

    def event(self, step: Step, event: dict[str, Any]) -> None:
        """The step reports progress."""

    def finished(self, step: Step, seconds: float, result: dict[str, Any]) -> None:
        """The step is done."""

    def failed(self, step: Step, error: errors.EdgetlError) -> None:
        """The step failed; the steps that do not need it go on."""


class Silent:
    """A watcher that shows nothing."""

    def note(self, text: str) -> None:
        """See `Watcher`."""

    def kept(self, step: Step) -> None:
        """See `Watcher`."""

    def started(self, step: Step, reasons: tuple[str, ...]) -> None:
        """See `Watcher`."""

    def event(self, step: Step, event: dict[str, Any]) -> None:
        """See `Watcher`."""

    def finished(self, step: Step, seconds: float, result: dict[str, Any]) -> None:
        """See `Watcher`."""

    def failed(self, step: Step, error: errors.EdgetlError) -> None:
        """See `Watcher`."""


@dataclass(slots=True, kw_only=True)
class Results:
    """What a run has brought so far."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Label of a step → what it answered."""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """Report's `stages[]`: name, target, status (`ran`, `cached`, `failed`), seconds."""
    failures: dict[str, errors.EdgetlError] = field(default_factory=dict)
    """Label of a step → why it failed."""


def plan(loaded: LoadedRecipe, until: str = "benchmark") -> list[Planned]:
    """List the steps of a recipe, in order, with their keys. Nothing runs, no heavy package is imported.

    Args:
        loaded: the recipe.
        until: last stage wanted, one of `STAGES`.

    Returns:
        The steps.

    Raises:
        InputError: data or weights are missing.
    """
    recipe = loaded.recipe
    targets = recipe.targets
    steps: list[Planned] = []

    def add(stage: str, target: str, needs: dict[str, Step], facts: dict[str, Any], **named: Any) -> Step:
        module = importlib.import_module(f"edgetl.stages.{stage}")
        decides = {
            "stage version": module.VERSION,
            **{f"package {p}": packages.version(p) for p in module.packages(recipe, target)},
            **module.decides(recipe, target),
            **facts,
            **{f"from {step.label}": step.key for step in needs.values()},
        }
        step = Step(stage=stage, target=target, variant=named.get("variant", ""), decides=decides)
        if STAGES.index(stage) <= STAGES.index(until):
            steps.append(Planned(step=step, needs=needs, extra=named.get("extra", {})))
        return step

    source = registry.load("datasets", recipe.data.source)
    content = {f"data.{k}": v for k, v in source.fingerprint(recipe.data).items()}
    for role in ("test", "unlabelled"):
        further = getattr(recipe, role)
        if further is not None:
            module = registry.load("datasets", further.source)
            try:
                found = getattr(module, f"fingerprint_{role}", module.fingerprint)(further)
            except errors.DataError as error:
                raise error.of(role) from error
            content |= {f"{role}.{k}": v for k, v in found.items()}
    prepared = add("prepare", "", {}, content)
    tuned = _add_training(recipe, prepared, add)
    base = {"prepare": prepared, "finetune": tuned}
    add("evaluate", "", base, {})
    schemes = dict.fromkeys(t.scheme for t in targets if registry.load("schemes", t.scheme).NEEDS != "nothing")
    quantized = {scheme: add("quantize", scheme, base, {}) for scheme in schemes}
    converted: dict[str, Step] = {}
    for target in sorted(targets, key=lambda t: t.scheme in registry.load("converters", t.format).ORIGIN):
        needs = {**base, **({"quantize": quantized[target.scheme]} if target.scheme in quantized else {})}
        origin = registry.load("converters", target.format).ORIGIN.get(target.scheme)
        if origin is not None:
            first = f"{origin}/{target.scheme}"
            if first not in converted:
                converted[first] = add("convert", first, dict(needs), {})
            needs["origin"] = converted[first]
        converted[target.name] = add("convert", target.name, needs, {})
    for target in targets:
        needs = {**base, **({"quantize": quantized[target.scheme]} if target.scheme in quantized else {})}
        origin = registry.load("converters", target.format).ORIGIN.get(target.scheme)
        if origin is not None:
            needs["origin"] = converted[f"{origin}/{target.scheme}"]
        add("verify", target.name, {**needs, "convert": converted[target.name]}, {})
    for target in targets:
        for runtime in registry.names("runtimes"):
            module = registry.load("runtimes", runtime)
            if target.format in module.FORMATS and not module.REFERENCE and module.unavailable() is None:
                for threads in thread_counts(recipe):
                    needs = {"prepare": prepared, "convert": converted[target.name]}
                    extra = {"runtime": runtime, "threads": threads}
                    add("benchmark", target.name, needs, {}, variant=f"{runtime} x{threads}", extra=extra)
    return steps


def restrict(loaded: LoadedRecipe, only: Sequence[str]) -> LoadedRecipe:
    """Leave all but some targets out of a recipe; nothing that is kept becomes another by it.

    Args:
        loaded: the recipe.
        only: `format/scheme` of the targets wanted; empty = all.

    Returns:
        The recipe with those targets.

    Raises:
        UnknownName: a wanted target is not in the recipe.
    """
    names = [target.name for target in loaded.recipe.targets]
    for name in only:
        if name not in names:
            raise errors.UnknownName("target", name, names, loaded.path)
    targets = tuple(target for target in loaded.recipe.targets if not only or target.name in only)
    return replace(loaded, recipe=replace(loaded.recipe, targets=targets))


def _add_training(recipe: Recipe, prepared: Step, add: Callable[..., Step]) -> Step:
    """Add the steps that end in the float checkpoint: kept features, a teacher, and the network itself."""
    needs, facts = {"prepare": prepared}, content.of_backbone(recipe.backbone, "backbone")
    if recipe.distill is not None and recipe.distill.backbone is not None:
        of_teacher = content.of_backbone(recipe.distill.backbone, "distill.backbone")
        needs[finetune.TEACHER] = add("finetune", finetune.TEACHER, dict(needs), of_teacher)
    elif recipe.distill is not None:
        facts |= {"teacher": content.digest(Path(str(recipe.distill.checkpoint)) / "network.pb", "distill.checkpoint")}
    if features.views(recipe):
        needs["features"] = add("features", "", {"prepare": prepared}, facts)
    return add("finetune", "", needs, facts)


def run(
    loaded: LoadedRecipe, planned: Sequence[Planned], store: Store, watcher: Watcher, results: Results | None = None
) -> Results:
    """Run what is not there yet.

    A failed step ends the run when all others need it; a failed target leaves the others.

    Args:
        loaded: the recipe.
        planned: steps in order, from `plan` (or further ones that start from their results).
        store: where results are kept.
        watcher: is told what happens.
        results: results of earlier steps; new ones are added.

    Returns:
        Answers, statuses and failures of all steps.

    Raises:
        EdgetlError: a step that everything needs failed.
    """
    from edgetl import isolation

    results = results or Results()
    isolation.stopping.clear()
    for stage, group in itertools.groupby(planned, key=lambda item: item.step.stage):
        items = _urgent_first(list(group))
        _run_stage(loaded, items, store, watcher, results)
        for item in items:
            error = results.failures.get(item.step.label)
            if error is not None and stage in ("prepare", "features", "finetune", "evaluate", "quantize", "ship"):
                raise error
    return results


def _urgent_first(items: list[Planned]) -> list[Planned]:
    """Of the steps of one stage: those that others start from, then those others, then the rest, which fill the gaps."""
    sources = {need.label for item in items for need in item.needs.values()}
    own = {item.step.label for item in items}

    def rank(item: Planned) -> int:
        if item.step.label in sources:
            return 0
        return 1 if any(need.label in own for need in item.needs.values()) else 2

    return sorted(items, key=rank)


def _run_stage(loaded: LoadedRecipe, items: list[Planned], store: Store, watcher: Watcher, results: Results) -> None:
    """Run the steps of one stage, each as soon as what it starts from is there and a place is free."""
    import concurrent.futures

    from edgetl import isolation

    stage = items[0].step.stage
    places = _SIDE_BY_SIDE.get(stage, 1)
    waiting, unsettled = list(items), {item.step.label for item in items}
    running: dict[concurrent.futures.Future[None], Planned] = {}
    with concurrent.futures.ThreadPoolExecutor(places) as pool:
        try:
            while waiting or running:
                for item in list(waiting):
                    needs = [need.label for need in item.needs.values()]
                    if len(running) == places or unsettled.intersection(needs):
                        continue
                    waiting.remove(item)
                    missing = next((label for label in needs if label not in results.answers), None)
                    if missing is None:
                        running[pool.submit(_run_one, loaded, item, store, watcher, results)] = item
                        continue
                    unsettled.discard(item.step.label)
                    if stage == "convert":
                        why = f"was not tried, because {missing} failed"
                        results.failures[item.step.label] = errors.StageError(stage, item.step.target, why)
                if running:
                    done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in done:
                        unsettled.discard(running.pop(future).step.label)
                        future.result()
        except BaseException:
            for future in running:
                future.cancel()
            isolation.stop_all()
            raise


def _run_one(loaded: LoadedRecipe, item: Planned, store: Store, watcher: Watcher, results: Results) -> None:
    from edgetl import isolation

    step = item.step
    status: Status = store.status(step, thorough=True)
    if status.cached:
        watcher.kept(step)
        answer = store.result(step)
        _note(results, step, "cached", answer["seconds"])
    else:
        watcher.started(step, status.reasons)
        begun = time.monotonic()
        module = importlib.import_module(f"edgetl.stages.{step.stage}")
        resumable = module.RESUMABLE
        out = store.begin(step, resumable=resumable)
        job = Job(
            stage=step.stage,
            target=step.target,
            recipe=loaded.recipe,
            inputs={role: str(store.path(need)) for role, need in item.needs.items()},
            out=str(out),
            extra=item.extra,
        )
        log = store.folder / "logs" / f"{step.label.replace('/', '_').replace(' ', '_')}.log"
        try:
            wishes = getattr(module, "ENVIRONMENT", {})
            answer = isolation.run_job(job, log, lambda event: watcher.event(step, event), wishes)
        except errors.EdgetlError as error:
            if isolation.stopping.is_set():
                return
            if not resumable:
                store.discard(step)
            _note(results, step, "failed", time.monotonic() - begun)
            results.failures[step.label] = error
            watcher.failed(step, error)
            return
        seconds = time.monotonic() - begun
        store.commit(step, answer, seconds, time.time())
        _note(results, step, "ran", seconds)
        watcher.finished(step, seconds, answer)
    results.answers[step.label] = answer


def _note(results: Results, step: Step, status: str, seconds: float) -> None:
    target = " ".join(filter(None, (step.target, step.variant)))
    results.stages.append({"name": step.stage, "target": target, "status": status, "seconds": round(seconds, 3)})
