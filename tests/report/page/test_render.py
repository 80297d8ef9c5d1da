"""The page as a file: nothing of a name acts, nothing is fetched, and nobody is kept out."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from edgetl.errors import InputError
from edgetl.report import plots, reading
from edgetl.report.page import figures, pictures, render, trade_off, verdict_matrix

from .conftest import EVIL, report

VIEWS = [
    {"scheme": "light", "width": 1280, "height": 900},
    {"scheme": "dark", "width": 360, "height": 480},
]


class _Parsed(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]


def test_no_name_becomes_part_of_the_page(run):
    text = render.write(reading.read(run), run).read_text()
    found = _Parsed(text)
    assert found.tags.count("script") == 1
    assert found.tags.count("img") == 1, "the one contact sheet that is there"
    assert not [a for a in found.attributes if a[1].startswith("on") or a[1] == "style"]
    loaded = [value for _, name, value in found.attributes if name in ("src", "href")]
    assert all(value.startswith(("#", "data:")) for value in loaded)
    assert "49" not in re.findall(r"alert\(2\)&gt;(\S+)", text), "names are no templates"
    assert text.count("&lt;script&gt;alert(1)") > 20
    policy = dict(re.findall(r"(style|script)-src &#39;sha256-([^&]+)&#39;", text))
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.DOTALL)[1]
        assert policy[tag] == base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def test_the_same_run_gives_the_same_page(run):
    assert render.html(report(), run) == render.html(report(), run)


def test_in_chromium_it_is_silent_fits_a_phone_and_keeps_nobody_out(run, look):
    url = render.write(reading.read(run), run).as_uri()
    ask = "(() => { const e = document.querySelector('.why:popover-open'); return e && e.innerText; })()"
    seen = look(url, VIEWS, axe=True, press=".cell.unsure", ask=ask)
    assert seen["errors"] == []
    assert set(seen["requests"]) == {url}
    assert seen["overflow"] == [0, 0], "only tables and pictures scroll sideways"
    assert [v for v in seen["axe"] if v["impact"] in ("serious", "critical")] == []
    assert "About 300 test images would decide it." in seen["state"], "a cell that is pressed tells its reasons"
    assert f"because {EVIL}" in seen["state"]


def test_failures_stand_on_top():
    found = verdict_matrix.matrix(report())
    assert [row["outcome"] for row in found["rows"]] == ["fail", "fail", "unsure"]
    assert [row["mark"] for row in found["rows"]] == ["A", "C", "B"]
    assert verdict_matrix.counts(found) == {"fail": 2, "unsure": 1, "pass": 2}
    first = found["rows"][0]["cells"]
    assert [(c["outcome"], c["figure"], c["how"]) for c in first] == [
        ("pass", "90.0 %", "measured"),
        ("fail", "50 ms", "measured"),
    ]
    assert figures.headline(report(), {})["words"] == "1 thing failed"


def test_more_than_26_artifacts_have_marks_of_their_own():
    many = {"artifacts": [{"format": "onnx", "scheme": str(n)} for n in range(60)]}
    marks = list(verdict_matrix.letters(many).values())
    assert len(set(marks)) == 60
    assert (marks[0], marks[25], marks[26], marks[59]) == ("A", "Z", "A1", "H2")


def test_an_estimate_is_drawn_hollow_and_the_interval_is_wilsons():
    picture = trade_off.draw(report(), "phone <b>", verdict_matrix.letters(report()))
    dots = re.findall(r"<circle [^>]*>", picture)
    assert ["hollow" in dot for dot in dots] == [False, True]
    assert "onnx/fp32: 50 ms (measured), top-1 0.900" in picture
    assert "budget 33" in picture
    shares = re.findall(r">(\d+) %<", picture)
    assert shares == ["85", "90", "95"], "Wilson of 180 in 200: 0.851 to 0.934"


def test_a_loss_that_is_no_number_is_left_out():
    assert plots.losses([{"phase": "a", "loss": float("nan"), "val_loss": float("inf")}]) is None
    assert "nan" not in plots.losses(report()["training"])


def test_pictures_are_bounded_and_come_from_the_run(run, monkeypatch):
    sheets = {s["artifact"]["scheme"]: s for s in pictures.sheets(report(), run)}
    assert sheets["fp32"]["uri"].startswith("data:image/jpeg;base64,/9j/")
    assert sheets["w8a8_ptq"]["missing"] == "flips/onnx_w8a8_ptq.jpg is not in the run's folder"
    outside = report()
    outside["artifacts"][0] |= {"scheme": "../../../secret"}
    (run.parent / "onnx_").mkdir()
    (run / "flips" / "onnx_..").mkdir()
    (run.parent / "secret.jpg").write_bytes(b"\xff\xd8\xffsecret")
    assert "not in the run's folder" in pictures.sheets(outside, run)[0]["missing"]
    (run / "flips" / "onnx_fp32.jpg").write_bytes(b"<svg onload=alert(1)>")
    assert "no JPEG" in pictures.sheets(report(), run)[0]["missing"]
    (run / "flips" / "onnx_fp32.jpg").write_bytes(b"\xff\xd8\xff" + bytes(2000))
    monkeypatch.setattr(pictures, "MOST_BYTES", 1000)
    assert "left out" in pictures.sheets(report(), run)[0]["missing"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"artifacts": [{}]}, {"verdicts": [{}]}, {"verdicts": [7]}, {"recipe": {}}, {"stages": None}, {"training": [7]},
        {"evaluation": 7}, {"evaluation": {"top1": 1}}, {"preprocess": {}}, {"data": []}, {"coverage": [1]}, {"provenance": 7},
        {"kept_in_float": {"x": 1}}, {"failed": 3}, {"bundle": "x"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_a_report_that_edgetl_did_not_write_is_refused_and_no_page_is_left(run, wrong):
    (run / "report.json").write_text(json.dumps({**report(), **wrong}))
    with pytest.raises(InputError, match=r"report\.json: is no"):
        render.write(reading.read(run), run)
    assert not list(run.glob("*report.html*"))


def test_the_command_writes_the_page_or_says_why_not(run, edgetl, tmp_path):
    done = edgetl("report", "html", run, "--out", tmp_path / "x.html", "--json")
    assert json.loads(done.stdout)["size_bytes"] == (tmp_path / "x.html").stat().st_size
    (tmp_path / "empty").mkdir()
    missing = edgetl("report", "html", tmp_path / "empty")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "holds no report.json. Give the folder of a run" in missing.stderr


def test_lone_surrogates_do_not_stop_the_page(run):
    told = {**report(), "failed": ["\ud800"]}
    assert render.write(told, run).stat().st_size > 10_000
