"""The order of steps, and what a failed one takes with it."""

import pytest

from edgetl import isolation, pipeline
from edgetl.errors import ConversionError, StageError
from edgetl.recipefile import load_recipe
from edgetl.report import record
from edgetl.store import Store


@pytest.fixture
def loaded(tiny):
    return load_recipe(str(tiny("onnx/w8a8_qat", "tflite/fp32", "onnx/fp32")))


def test_an_origin_is_made_even_when_nobody_asked_for_it(loaded):
    labels = [p.step.label for p in pipeline.plan(loaded)]
    assert labels.index("convert tflite/w8a8_qat") < labels.index("convert onnx/w8a8_qat")
    assert "verify tflite/w8a8_qat" not in labels
    assert labels[:4] == ["prepare", "finetune", "evaluate", "quantize w8a8_qat"]
    assert [p.step.label for p in pipeline.plan(loaded, "convert")] == [
        x for x in labels if x.split()[0] not in ("verify", "benchmark")
    ]


def test_keys_follow_what_decides(loaded, tiny):
    before = {p.step.label: p.step.key for p in pipeline.plan(loaded)}

    def changed(*overrides):
        after = pipeline.plan(load_recipe(loaded.path, overrides))
        return {p.step.label for p in after if before.get(p.step.label) != p.step.key}

    assert changed() == set()
    assert changed("gates.min_top1=0.1", "devices=[]") == set()
    written = {x for x in before if x.split()[0] in ("convert", "verify", "benchmark")}
    assert changed("description=x") == changed("ship.version=2.0.0") == written, "the files say it"
    assert changed("benchmark.runs=50") == {x for x in before if x.startswith("benchmark")}
    assert "finetune" not in changed("quantize.epochs=2")
    assert "convert onnx/w8a8_qat" in changed("quantize.epochs=2")
    assert changed("seed=9") >= {"finetune", "quantize w8a8_qat", "verify onnx/fp32"}


def test_a_failed_target_leaves_the_others_and_takes_what_needs_it(loaded, tmp_path, monkeypatch):
    def child(job, log, on_event, environment):
        if (job.stage, job.target) == ("convert", "tflite/w8a8_qat"):
            raise ConversionError("it is not what it says")
        return {"path": "x", "format": "tflite", "scheme": "fp32", "size_bytes": 1, "status": "skipped", "reason": "not run here"}

    monkeypatch.setattr(isolation, "run_job", child)
    steps = pipeline.plan(loaded, "verify")
    results = pipeline.run(loaded, steps, Store(tmp_path, "tiny"), pipeline.Silent())
    assert set(results.failures) == {"convert tflite/w8a8_qat", "convert onnx/w8a8_qat"}
    assert {"verify tflite/fp32", "verify onnx/fp32"} <= set(results.answers)
    assert "verify onnx/w8a8_qat" not in results.answers
    judged = record.judge(loaded.recipe, [], results)
    assert any("it is not what it says" in line for line in judged.failed)
    assert any("was not tried, because convert tflite/w8a8_qat failed" in line for line in judged.failed)


def test_a_failure_that_everything_needs_ends_the_run(loaded, tmp_path, monkeypatch):
    def child(job, log, on_event, environment):
        raise StageError(job.stage, job.target, "no")

    monkeypatch.setattr(isolation, "run_job", child)
    with pytest.raises(StageError, match="prepare: no"):
        pipeline.run(loaded, pipeline.plan(loaded), Store(tmp_path, "tiny"), pipeline.Silent())
