"""What a report shows of flips: the table, the photos that are named, and the contact sheet."""

import numpy as np
import pytest
from PIL import Image

from edgetl.report import flips

PAIRED = {
    "n": 500,
    "lost": 12,
    "won": 5,
    "changed": 60,
    "drop": {"value": 0.014, "low": -0.0024, "high": 0.0327},
    "bootstrap": {"low": -0.002, "high": 0.03},
    "mcnemar_p": 0.096,
    "worst_class": {"name": "cat|dog", "n": 50, "drop": 0.1, "low": -0.02, "high": 0.25, "classes": 10},
    "images_to_resolve": 1300,
}


def _flip(row, kind="lost", name=None):
    reference, candidate = (
        {"answer": "猫 cat", "probability": 0.9},
        {"answer": "a very long name of a class, indeed", "probability": 0.5},
    )
    return {
        "name": name or f"cat/{row}.png",
        "row": row,
        "kind": kind,
        "right": "cat",
        "reference": reference,
        "candidate": candidate,
    }


@pytest.fixture
def report():
    artifact = {"format": "tflite", "scheme": "w8a8_qat", "paired": PAIRED, "flips": [_flip(row) for row in range(60)]}
    return {"artifacts": [artifact, {"format": "coreml", "scheme": "fp16", "paired": None, "flips": []}]}


def test_markdown_holds_both_intervals_the_worst_class_and_some_photos(report):
    text = "\n".join(flips.markdown(report))
    assert (
        "| tflite/w8a8_qat | +1.40% | -0.24% to +3.27% | -0.20% to +3.00% | 0.096 | 12 / 5 / 60 "
        "| cat\\|dog: +10.0% of 50 (-2.0% to +25.0%) | 1,300 |"
    ) in text
    assert "60 of 500 images get another answer" in text
    assert text.count("| cat/") == flips.NAMED
    assert f"{60 - flips.NAMED} more are named in report.json." in text
    assert "](flips/tflite_w8a8_qat.jpg)" in text
    assert "coreml" not in text
    assert flips.markdown({"artifacts": [report["artifacts"][1]]}) == []


def test_a_class_that_loses_nothing_is_not_named(report):
    report["artifacts"][0]["paired"] = {**PAIRED, "worst_class": {**PAIRED["worst_class"], "drop": 0.0}}
    assert "| none loses (-2.0% to +25.0%) |" in "\n".join(flips.markdown(report))


def test_the_contact_sheet_shows_the_photos_in_order_and_not_more_than_its_share(tmp_path):
    asked = []

    def pixels(row):
        asked.append(row)
        return np.full((32, 32, 3), (0, 0, 255) if row % 2 else (0, 255, 0), np.uint8)

    found = [_flip(row, ("lost", "other", "won")[row % 3]) for row in range(60)]
    flips.draw(found, pixels, tmp_path / "sheet.jpg")
    assert asked == list(range(flips.SHOWN))
    sheet = np.asarray(Image.open(tmp_path / "sheet.jpg").convert("RGB")).astype(int)
    assert sheet.shape[1] < 1200 and sheet.shape[0] < 1200
    first, second = sheet[70, 70], sheet[70, 70 + 134]
    assert first.argmax() == 1 and second.argmax() == 2, "the prepared pixels, in order"
    captions = sheet[136:176, 6:134]
    assert (captions.min(axis=2) < 100).any(), "something is written below"
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.jpg"]


def test_one_photo_makes_a_small_sheet(tmp_path):
    flips.draw([_flip(0)], lambda row: np.zeros((300, 300, 3), np.uint8), tmp_path / "one.jpg")
    assert Image.open(tmp_path / "one.jpg").width < 160


def test_a_report_from_before_pairs_were_kept_has_no_such_section():
    assert flips.markdown({"artifacts": [{"format": "tflite", "scheme": "fp32"}]}) == []
