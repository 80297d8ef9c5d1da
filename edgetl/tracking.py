"""Tell MLflow of a run, where a tracking server is named and the extra is installed; where none is named, nothing happens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from edgetl.recipe import Recipe
from edgetl.types import flatten

VARIABLE = "MLFLOW_TRACKING_URI"
_MAX_PARAMETER = 500
"""Characters of a parameter's value that every MLflow server takes."""
_NO_METRIC = ("phase", "epoch")


def log(recipe: Recipe, report: dict[str, Any], folder: Path) -> str | None:
    """Log parameters, training curves, the figures of each artifact, and the report.

    Args:
        recipe: what was run.
        report: content of report.json.
        folder: where the report was published.

    Returns:
        What was done or why not, in one sentence; None when no server is named.
    """
    if not os.environ.get(VARIABLE):
        return None
    try:
        import mlflow
    except ImportError:
        return f"{VARIABLE} is set, but mlflow is not installed: pip install edgetl[mlflow]. The run was not logged there."
    mlflow.set_experiment(recipe.name)
    with mlflow.start_run() as run:
        parameters = flatten(recipe, "recipe").items()  # names may not hold brackets
        mlflow.log_params({k.replace("[", ".").replace("]", ""): str(v)[:_MAX_PARAMETER] for k, v in parameters})
        for step, entry in enumerate(report["training"], start=1):
            figures = {f"{entry['phase']}/{k}": v for k, v in entry.items() if k not in _NO_METRIC}
            mlflow.log_metrics(figures, step=step)
        for artifact in report["artifacts"]:
            name = f"{artifact['format']}/{artifact['scheme']}"
            known = {key: artifact[key] for key in ("top1", "top1_drop", "agreement", "size_bytes", "delivered_bytes")}
            mlflow.log_metrics({f"{name}/{key}": float(value) for key, value in known.items() if value is not None})
        mlflow.log_metric("failed_gates", len(report["failed"]))
        for file in ("report.json", "report.md"):
            mlflow.log_artifact(str(folder / file))
        return f"logged to MLflow as run {run.info.run_id} of experiment {recipe.name}"
