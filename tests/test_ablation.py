"""The ablation: its ways, its figures, and that killing it changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from edgetl import ablation
from edgetl.recipefile import load_recipe
from edgetl.report import ablation as report

RECIPE = """\
schema: 1
name: trial
data: {source: builtin, name: digits, split: {train: 0.6, val: 0.2, test: 0.2, seed: 7}}
backbone: {name: mobilenet_v2, alpha: 0.35, input_px: 32, weights: bundled}
train:
  - {phase: head, freeze: all, epochs: 2, learning_rate: 1.0e-3}
  - {phase: fine_tune, freeze: none, epochs: 2, learning_rate: 1.0e-3}
targets: [{format: tflite, scheme: fp32}]
"""


def _row(way, share, seed, top1, **more):
    plain = {"labelled": int(100 * share), "epochs": 4, "n": 50, "cpu_seconds": 2.0, "seconds": 1.0}
    return ablation.Row(way=way, share=share, seed=seed, top1=top1, **{**plain, **more})


ROWS = [
    *(_row("fine_tuned", 0.5, seed, top1) for seed, top1 in enumerate((0.7, 0.8, 0.9))),
    *(_row("scratch", 0.5, seed, top1, cpu_seconds=4.0) for seed, top1 in enumerate((0.2, 0.3, 0.4))),
    _row("fine_tuned", 1.0, 0, 0.95),
]


def test_seeds_are_put_together_with_their_interval():
    found = {(e["way"], e["share"]): e for e in ablation.summary(ROWS)}
    tuned = found["fine_tuned", 0.5]
    assert tuned["top1"] == pytest.approx(0.8)
    assert (tuned["top1_low"], tuned["top1_high"]) == (pytest.approx(0.8 - 4.303 * 0.1 / 3**0.5), 1.0)
    assert found["scratch", 0.5]["cpu_seconds"] == 4.0
    assert (found["fine_tuned", 1.0]["top1_low"], found["fine_tuned", 1.0]["top1_high"]) == (0.0, 1.0)


def test_the_reports_show_every_way(tmp_path):
    import xml.etree.ElementTree as ET

    found = report.record("trial", ROWS)
    report.write(tmp_path, found)
    assert json.loads((tmp_path / "ablation.json").read_text())["summary"] == found["summary"]
    text = (tmp_path / "ablation.md").read_text()
    assert "| 50% (50) | scratch | 0.300 | 0.052–0.548 | 3 | 4 | 4.0 |" in text
    drawn = ET.fromstring((tmp_path / "ablation.svg").read_text())
    words = [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"scratch", "fine_tuned", "50", "100"} <= set(words)


def test_scratch_is_the_same_network_without_what_was_learned_elsewhere():
    recipe = load_recipe("photos_mobilenet_v1").recipe
    plain = ablation.from_scratch(recipe, 7, None)
    assert plain.backbone == replace(recipe.backbone, weights="none")
    assert [(p.epochs, p.freeze, p.batch_norm, p.label_smoothing) for p in plain.train] == [(7, "none", "update", 0.1)]
    assert plain.train[0].learning_rate == max(p.learning_rate for p in recipe.train)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_and_called_again_it_finds_the_same(tmp_path, edgetl):
    arguments = (
        "ablate",
        "trial.yaml",
        "--shares",
        "0.1,0.3",
        "--seeds",
        "1",
        "--way",
        "frozen",
        "--way",
        "fine_tuned",
        "--json",
    )
    found = []
    for name in ("calm", "hasty"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trial.yaml").write_text(RECIPE)
        if name == "hasty":
            command = [sys.executable, "-m", "edgetl", *arguments]
            running = subprocess.Popen(command, cwd=tmp_path / name, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            pattern = ".edgetl/trial/finetune/all/*.partial/training.npz"
            deadline = time.monotonic() + 300
            while not list((tmp_path / name).glob(pattern)) and time.monotonic() < deadline:
                time.sleep(0.02)
            os.kill(running.pid, signal.SIGKILL)
            running.communicate()
            assert list((tmp_path / name).glob(pattern))
            time.sleep(2)
        done = edgetl(*arguments, cwd=tmp_path / name)
        assert done.returncode == 0, done.stderr
        found.append([(r["way"], r["share"], r["top1"], r["labelled"]) for r in json.loads(done.stdout)["trainings"]])
    assert found[0] == found[1]
    assert [row[0] for row in found[0]] == ["fine_tuned", "frozen"] * 2
    again = edgetl(*arguments, cwd=tmp_path / "hasty")
    assert "has not run yet" not in again.stderr


def test_what_an_ablation_refuses_and_what_stands_before_the_head(tmp_path):
    from edgetl.errors import InputError
    from edgetl.recipe import Labels

    loaded = load_recipe("digits_self_supervised")
    with pytest.raises(InputError, match="chooses the share of labels itself"):
        ablation.run(loaded, None, None)
    bare = replace(loaded.recipe, labels=Labels())
    before, *_, head = ablation._head_phases(bare, 40)
    assert (before.method, head.freeze, head.epochs, head.patience) == ("barlow_twins", "all", 40, 10)
    hub = replace(bare, backbone=replace(bare.backbone, name="hub"))
    with pytest.raises(InputError, match="hub has no random weights to start from"):
        ablation.run(replace(loaded, recipe=hub), None, None)
    assert [ablation.percent(share) for share in (0.001, 0.05, 0.125, 1.0)] == ["0.1%", "5%", "12.5%", "100%"]
