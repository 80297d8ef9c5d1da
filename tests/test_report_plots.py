"""Plots are whole SVG, say what they show, and hold no markup of class names."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edgetl import evaluation
from edgetl.report import markdown, plots, terminal

NAMES = ("<script>alert(1)</script>", 'b"&', "c")


@pytest.fixture(scope="module")
def evaluated():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    logits = rng.normal(0, 1, (90, 3)) + 2 * np.eye(3)[labels]
    return evaluation.evaluate(logits, labels, logits, labels, NAMES)


def _words(svg):
    return [t.text for t in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_confusion_shows_each_count_and_escapes_names(evaluated):
    svg = plots.confusion(evaluated)
    assert "<script>" not in svg
    counts = [str(n) for row in evaluated["confusion"] for n in row if n]
    assert [w for w in _words(svg) if w.isdigit()] == counts
    many = {**evaluated, "classes": evaluated["classes"] * 30}
    assert plots.confusion(many) is None


def test_reliability_names_both_errors(evaluated):
    words = _words(plots.reliability(evaluated))
    assert f"as it is, ECE {evaluated['ece']['value']:.3f}" in words
    assert f"calibrated, ECE {evaluated['calibrated']['ece']['value']:.3f}" in words


def test_curves_bear_phases_without_labels_and_one_epoch():
    history = [{"phase": "twins", "loss": 1.0}, {"phase": "head", "val_top1": 0.5}, {"phase": "head", "val_top1": 0.75}]
    drawn = ET.fromstring(plots.curves(history))
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) == 1
    assert {"twins", "head"} <= set(_words(plots.curves(history)))
    ET.fromstring(plots.curves(history[1:2]))


def test_text_reports_say_the_figures(evaluated):
    text = "\n".join(markdown.evaluation(evaluated))
    assert f"| top-1 | {evaluated['top1']['value']:.3f} |" in text
    assert "least recognised" in text
    assert f"top-1 {evaluated['top1']['value']:.3f}" in terminal.evaluated(evaluated)
