"""MLflow is told of a run when a server is named; a missing package is said, not passed over."""

import json
import sys

import pytest

from edgetl import tracking
from edgetl.recipefile import load_recipe

REPORT = {
    "training": [
        {"phase": "head", "epoch": 1, "loss": 0.5, "val_top1": 0.25},
        {"phase": "head", "epoch": 2, "loss": 0.25, "val_top1": 0.75},
    ],
    "artifacts": [
        {"format": "tflite", "scheme": "fp32", "top1": 0.9, "top1_drop": 0.0, "agreement": 1.0, "size_bytes": 10,
         "delivered_bytes": None},
    ],
    "failed": [],
}  # fmt: skip


def test_without_a_server_nothing_happens(monkeypatch, tmp_path):
    monkeypatch.delenv(tracking.VARIABLE, raising=False)
    assert tracking.log(load_recipe("quickstart").recipe, REPORT, tmp_path) is None


def test_a_missing_package_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv(tracking.VARIABLE, f"file:{tmp_path}/mlruns")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    told = tracking.log(load_recipe("quickstart").recipe, REPORT, tmp_path)
    assert "pip install edgetl[mlflow]" in told


def test_a_run_is_logged(monkeypatch, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv(tracking.VARIABLE, f"file:{tmp_path}/mlruns")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    for name in ("report.json", "report.md"):
        (tmp_path / name).write_text(json.dumps(REPORT))
    told = tracking.log(load_recipe("quickstart").recipe, REPORT, tmp_path)
    run = mlflow.MlflowClient().get_run(told.split()[5])
    assert run.data.params["recipe.backbone.name"] == "mobilenet_v2"
    assert run.data.metrics["head/val_top1"] == 0.75
    assert run.data.metrics["tflite/fp32/top1"] == 0.9
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "head/loss")
    assert [(m.step, m.value) for m in history] == [(1, 0.5), (2, 0.25)]
    assert {f.path for f in mlflow.MlflowClient().list_artifacts(run.info.run_id)} == {"report.json", "report.md"}
