"""`edgetl evidence`: a log becomes a record, once; a log that does not fit leaves the ledger as it was."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "logs" / "data"


@pytest.fixture
def model(tmp_path):
    """Make the file that the logs are of."""
    (tmp_path / "fruit.tflite").write_bytes(b"\1" * 3_577_760)
    return tmp_path / "fruit.tflite"


def test_add_twice_and_list(edgetl, model, tmp_path):
    (tmp_path / "fruit").mkdir()
    (tmp_path / "fruit" / "recipe.yaml").write_text("schema: 1\n")
    arguments = ("--device", "pixel-4", "--artifact", model, "--recipe", tmp_path / "fruit" / "recipe.yaml")
    done = edgetl("evidence", "add", DATA / "gpu_2024.txt", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "pixel-4" in done.stdout
    assert "Added to" in done.stdout
    again = edgetl("evidence", "add", DATA / "gpu_2024.txt", *arguments, "--json")
    assert again.returncode == 0
    found = json.loads(again.stdout)
    assert (found["new"], len(found["known"])) == ([], 1)
    ledger = tmp_path / "fruit" / "evidence"
    assert len((ledger / "ledger.jsonl").read_text().splitlines()) == 1
    listed = edgetl("evidence", "list", "--ledger", ledger, "--json")
    (record,) = json.loads(listed.stdout)["records"]
    assert (record["device"], record["reading"]["statistics_ms"]["p95"], record["how"]) == ("pixel-4", 38.8, "imported")
    assert (ledger / record["source_file"]).read_bytes() == (DATA / "gpu_2024.txt").read_bytes()
    table = edgetl("evidence", "list", "--ledger", ledger).stdout
    assert table.split()[:4] == ["device", "artifact", "runtime", "on"]


def test_without_a_ledger(edgetl, tmp_path):
    done = edgetl("evidence", "list")
    assert (done.returncode, done.stdout.strip()) == (0, "evidence holds no evidence.")
    assert not (tmp_path / "evidence").exists()


def test_what_does_not_fit_leaves_the_ledger_as_it_was(edgetl, model, tmp_path):
    arguments = ("--device", "pixel-4", "--artifact", model, "--ledger", tmp_path / "here")
    assert edgetl("evidence", "add", DATA / "gpu_2024.txt", *arguments).returncode == 0
    before = {p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "here").rglob("*") if p.is_file()}
    corrupt, other = tmp_path / "corrupt.txt", tmp_path / "other.txt"
    corrupt.write_text((DATA / "gpu_2024.txt").read_text()[:-400])
    other.write_text((DATA / "gpu_2024.txt").read_text().replace("fruit.tflite", "pear.tflite"))
    for log, changed, message in (
        (corrupt, (), "corrupt.txt:24: expected 'Inference timings in us"),
        (other, (), "was taken of another model: it names 'pear.tflite'"),
        (DATA / "gpu_2024.txt", ("--device", "pixel-44"), "--device: no device named 'pixel-44'. Did you mean 'pixel-4'"),
        (DATA / "gpu_2024.txt", ("--log", "xcode"), "gpu_2024.txt:1: is not whole JSON"),
        (DATA / "gpu_2024.txt", ("--recipe", "r.yaml"), "--recipe and --ledger: give one of them"),
        (DATA / "gpu_2024.txt", ("--threads", "0"), "--threads is 0, but the log states: 2"),
    ):
        done = edgetl("evidence", "add", log, *arguments, *changed)
        assert done.returncode == 2, done.stdout
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert {p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "here").rglob("*") if p.is_file()} == before
