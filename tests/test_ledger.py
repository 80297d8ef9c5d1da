"""The ledger: whole or not at all, whoever writes and whenever it is killed; and nothing in it that was changed by hand."""

import dataclasses
import json
import subprocess
import sys

import pytest

from edgetl import ledger
from edgetl.errors import InputError
from edgetl.ledger import Record, Source
from edgetl.reading import Reading, Statistics

SOURCE = Source(b"count=50 avg=12500\n", "txt")


def record(mean=12.5, source=SOURCE, **changes):
    reading = Reading(statistics_ms=Statistics(mean=mean), count=50, runtime="tflite", accelerator="cpu", threads=4)
    fields = {
        "device": "pixel-4", "artifact": "fruit.tflite", "artifact_sha256": "a" * 64, "artifact_bytes": 7, "format": "tflite",
        "reading": reading, "how": "imported", "log": "benchmark_model", "source_file": source.file,
        "source_sha256": source.sha256, "imported_at": "2026-01-31",
    }  # fmt: skip
    return Record(**{**fields, **changes})


def test_a_record_is_read_back_as_it_was_added(tmp_path):
    measured = record(how="measured", reading=dataclasses.replace(record().reading, values_ms=(3.0, 4.5), count=2), note="warm")
    # the mean that the reading states is not that of its values
    with pytest.raises(InputError, match=r"statistics_ms\.mean: is 12\.5 ms, which the 2 values contradict"):
        ledger.add(tmp_path / "evidence", (measured,), SOURCE)
    assert not (tmp_path / "evidence").exists()
    right = dataclasses.replace(measured, reading=dataclasses.replace(measured.reading, statistics_ms=Statistics(mean=3.75)))
    done = ledger.add(tmp_path / "evidence", (right, record()), SOURCE)
    assert done.new == (right, record()) == ledger.read(tmp_path / "evidence")
    assert (tmp_path / "evidence" / SOURCE.file).read_bytes() == SOURCE.content
    first = json.loads((tmp_path / "evidence" / ledger.FILE).read_text().splitlines()[0])
    assert (first["schema"], first["id"], first["reading"]["values_ms"]) == (1, right.id, [3.0, 4.5])
    assert "p90" not in first["reading"]["statistics_ms"]


def test_the_same_again_is_told_and_not_added(tmp_path):
    ledger.add(tmp_path, (record(),), SOURCE)
    before = (tmp_path / ledger.FILE).read_bytes()
    again = ledger.add(tmp_path, (record(imported_at="2026-02-01", note="once more", artifact="copy.tflite"),), SOURCE)
    assert (again.new, again.known) == ((), (record(),))
    both = ledger.add(tmp_path, (record(), record(mean=9.0), record(mean=9.0)), SOURCE)
    assert (both.new, both.known) == ((record(mean=9.0),), (record(),))
    assert (tmp_path / ledger.FILE).read_bytes().startswith(before)
    assert record(device="pixel-6").id != record().id != record(how="host").id


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"reading": Reading(statistics_ms=Statistics(mean=1.0), runtime="tflite", accelerator="cpu")},
            "reading.threads: is missing",
        ),
        ({"reading": Reading(statistics_ms=Statistics(mean=1.0), runtime="tflite")}, "reading.accelerator: is missing"),
        ({"device": "../x"}, "not the name of a device profile"),
        ({"artifact_sha256": "abc"}, "64 hexadecimal digits"),
        ({"how": "estimated"}, "'estimated' is not allowed"),
        ({"imported_at": "today"}, "not a date"),
        ({"source_file": "files/../../x"}, "which is not the source that was given"),
        ({"note": "a\nb"}, "one line"),
    ],
)
def test_what_does_not_hold_is_not_added(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        ledger.add(tmp_path / "evidence", (record(**changes),), SOURCE)
    assert not (tmp_path / "evidence").exists()


def test_a_source_that_is_too_large_or_oddly_named(tmp_path, monkeypatch):
    odd = Source(b"x", "../../etc")
    assert odd.file == f"files/{odd.sha256}.bin"
    ledger.add(tmp_path, (record(source=odd),), odd)
    monkeypatch.setattr(ledger, "MAX_SOURCE_BYTES", 10)
    with pytest.raises(InputError, match="a source of 19 bytes is too large"):
        ledger.add(tmp_path, (record(),), SOURCE)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda t: t.replace('"mean": 9.0', '"mean": 8.0'),
            r"ledger\.jsonl:2: id: is '\w+', but the record's content gives \w+. It was",
        ),
        (
            lambda t: t.replace('"mean": 9.0', '"mean": -9.0'),
            r"ledger\.jsonl:2: reading\.statistics_ms\.mean: -9\.0 is out of range",
        ),
        (lambda t: t.replace('"mean": 9.0', '"mean": NaN'), r"ledger\.jsonl:2: is not a line of JSON: NaN is not a number"),
        (
            lambda t: t.replace('"mean": 9.0', '"mean": 9.0, "mean": 9.0'),
            r"ledger\.jsonl:2: is not a line of JSON: a key is given twice",
        ),
        (lambda t: t + t.splitlines()[0] + "\n", r"ledger\.jsonl:3: repeats the record"),
        (lambda t: t[:-20], r"does not end with a whole line"),
        (lambda t: t + "\n", r"ledger\.jsonl:3: is not a line of JSON"),
        (lambda t: t + "[]\n", r"ledger\.jsonl:3: must be a JSON object"),
        (lambda t: t + '{"schema": 2}\n', r"ledger\.jsonl:3: schema: whole number|ledger\.jsonl:3: schema: a whole number 2"),
        (lambda t: t + "[" * 100_000 + "\n", r"ledger\.jsonl:3: is not a line of JSON"),
        (lambda t: t + "\x00\n", r"ledger\.jsonl:3: is not a line of JSON"),
        (lambda t: t.replace('"id"', '"colour": 1, "id"', 1), r"ledger\.jsonl:1: colour: unknown key"),
        (lambda t: t.replace(SOURCE.sha256 + ".txt", "../" + "b" * 61 + ".txt"), r"source_file: .* is not files/<sha256>"),
    ],
)
def test_what_was_changed_by_hand_is_told_with_its_line(tmp_path, spoil, message):
    ledger.add(tmp_path, (record(), record(mean=9.0)), SOURCE)
    path = tmp_path / ledger.FILE
    path.write_text(spoil(path.read_text()))
    spoilt = path.read_bytes()
    for attempt in (lambda: ledger.read(tmp_path), lambda: ledger.add(tmp_path, (record(mean=7.0),), SOURCE)):
        with pytest.raises(InputError, match=message):
            attempt()
    assert path.read_bytes() == spoilt, "a faulty ledger is not written over"


@pytest.mark.parametrize(("content", "message"), [(None, "is missing or cannot be read"), (b"other", "has another content")])
def test_a_source_that_is_gone_or_another_is_told(tmp_path, content, message):
    ledger.add(tmp_path, (record(), record(mean=9.0)), SOURCE)
    (tmp_path / SOURCE.file).unlink()
    if content:
        (tmp_path / SOURCE.file).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        ledger.read(tmp_path)
    assert [fault.split(": ")[0].rsplit(":")[-1] for fault in caught.value.faults] == ["1", "2"]


def test_no_ledger_is_an_empty_one(tmp_path):
    assert ledger.read(tmp_path / "none") == ()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        ledger.add(tmp_path / "file", (record(),), SOURCE)


PREPARE = """
import os, signal, sys
import importlib.util
spec = importlib.util.spec_from_file_location("t", {file!r})
t = importlib.util.module_from_spec(spec)
spec.loader.exec_module(t)
from pathlib import Path
from edgetl import ledger
folder = Path({folder!r})
"""
KILLED = """
calls = 0
def fatal(real):
    def call(*arguments):
        global calls
        calls += 1
        if calls == {at}: os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    return call
os.fsync, os.replace = fatal(os.fsync), fatal(os.replace)
source = ledger.Source(b"another\\n", "txt")
ledger.add(folder, (t.record(mean=3.0, source=source),), source)
"""
WRITES = """
for number in range(12):
    source = ledger.Source(f"{writer} {{number}}\\n".encode(), "txt")
    ledger.add(folder, (t.record(mean=1.0 + {writer} + number / 100, source=source),), source)
"""


def _child(folder, code):
    start = PREPARE.format(file=__file__, folder=str(folder))
    return subprocess.Popen([sys.executable, "-c", start + code], stderr=subprocess.PIPE, text=True)


def test_a_kill_at_any_moment_leaves_the_ledger_whole(tmp_path):
    children = {}
    for at in range(1, 8):
        ledger.add(tmp_path / str(at), (record(),), SOURCE)
        children[at] = _child(tmp_path / str(at), KILLED.format(at=at))
    codes = {at: (child.wait(60), child.stderr.read())[0] for at, child in children.items()}
    assert [codes[at] for at in range(1, 7)] == [-9] * 6, "fsync, replace and fsync of the folder, for source and ledger"
    assert codes[7] == 0
    source = Source(b"another\n", "txt")
    for at in range(1, 8):
        found = ledger.read(tmp_path / str(at))
        assert found[0] == record()
        assert [r.reading.statistics_ms.mean for r in found[1:]] == ([3.0] if at >= 6 else [])
        again = ledger.add(tmp_path / str(at), (record(mean=3.0, source=source),), source)
        assert bool(again.new) == (at < 6)
        assert len(ledger.read(tmp_path / str(at))) == 2


def test_writers_wait_for_each_other(tmp_path):
    children = [_child(tmp_path, WRITES.format(writer=writer)) for writer in range(3)]
    for child in children:
        assert child.wait(100) == 0, child.stderr.read()
    found = sorted(r.reading.statistics_ms.mean for r in ledger.read(tmp_path))
    assert found == sorted(1.0 + writer + number / 100 for writer in range(3) for number in range(12))


def test_a_writer_that_never_ends_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "_WAIT_S", 0.1)
    with ledger._locked(tmp_path), pytest.raises(InputError, match="another process has been writing for 0.1 s"):
        ledger.add(tmp_path, (record(),), SOURCE)
    assert ledger.add(tmp_path, (record(),), SOURCE).new
