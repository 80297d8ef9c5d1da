"""The store: a result is found by what decides it, is whole or absent, and tells why a step must run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgetl.errors import InputError
from edgetl.store import RECORD, Step, Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / ".edgetl", "toy")


def _step(**decides):
    return Step(stage="convert", target="tflite/fp32", decides={"epochs": 3, **decides})


def _finish(store, step, content=b"data"):
    out = store.begin(step, resumable=False)
    (out / "file.bin").write_bytes(content)
    store.commit(step, {"answer": 1}, 2.0, 1000.0)


def test_an_entry_of_a_list_that_is_new_or_gone_is_told_once(tmp_path):
    store = Store(tmp_path, "r")
    _finish(store, _step(**{"train[1].epochs": 3, "train[1].ema": 0.5}))
    assert store.status(_step()).reasons == ("train[1] removed",)
    store = Store(tmp_path, "another")
    _finish(store, _step())
    assert store.status(_step(**{"train[0].epochs": 4, "train[0].ema": 0.1})).reasons == ("train[0] added",)


def test_a_key_follows_everything_that_decides():
    keys = {
        _step().key,
        _step(epochs=4).key,
        Step(stage="verify", target="tflite/fp32", decides={"epochs": 3}).key,
        Step(stage="convert", target="onnx/fp32", decides={"epochs": 3}).key,
        Step(stage="convert", target="tflite/fp32", variant="x2", decides={"epochs": 3}).key,
    }
    assert len(keys) == 5
    assert _step().key == _step().key


def test_a_result_is_kept_and_a_change_is_told(store):
    assert store.status(_step()).reasons == ("has not run yet",)
    _finish(store, _step())
    assert store.status(_step(), thorough=True).cached
    assert store.result(_step()) == {"answer": 1, "seconds": 2.0}
    assert store.status(_step(epochs=4)).reasons == ("epochs changed: 3 → 4",)
    assert store.status(_step(rate=0.1)).reasons == ("rate changed: absent → 0.1",)
    upstream = Step(stage="convert", target="tflite/fp32", decides={"epochs": 3, "from finetune": "abc"})
    assert store.status(upstream).reasons == ("finetune is another",)


def test_an_unfinished_step_is_no_result(store):
    out = store.begin(_step(), resumable=True)
    (out / "half").write_bytes(b"x")
    assert not store.status(_step()).cached
    assert store.status(_step()).reasons == ("an earlier run of it did not finish",)
    assert (store.begin(_step(), resumable=True) / "half").exists()
    assert not (store.begin(_step(), resumable=False) / "half").exists()


def test_damage_is_found_and_mended(store):
    _finish(store, _step())
    file = store.path(_step()) / "file.bin"
    file.write_bytes(b"DATA")
    assert store.status(_step()).cached, "same size: found by the thorough look only"
    assert store.status(_step(), thorough=True).reasons == ("the kept result is damaged: file.bin has another content",)
    file.write_bytes(b"longer")
    assert store.status(_step()).reasons == ("the kept result is damaged: file.bin has another size",)
    file.unlink()
    assert store.status(_step()).reasons == ("the kept result is damaged: file.bin is gone",)
    _finish(store, _step())
    assert store.status(_step(), thorough=True).cached


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 100_000, '{"schema": 2}', '{"schema": 1}'], ids=lambda t: t[:12] or "empty"
)
def test_a_corrupt_record_is_a_miss(store, text):
    _finish(store, _step())
    (store.path(_step()) / RECORD).write_text(text)
    assert not store.status(_step()).cached
    _finish(store, _step())
    assert json.loads((store.path(_step()) / RECORD).read_text())["files"]["file.bin"][0] == 4


@pytest.mark.parametrize("field", ["decides", "files", "result", "seconds", "finished_s"])
@pytest.mark.parametrize("value", [None, 3, "x", [], [1], {"file.bin": 3}, {"file.bin": [1]}, {"a\0b": [1, "x"]}], ids=json.dumps)
def test_a_record_of_another_shape_never_breaks_a_run(store, field, value):
    _finish(store, _step())
    path = store.path(_step()) / RECORD
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    for step in (_step(), _step(epochs=4)):
        store.status(step, thorough=True)
    try:
        store.result(_step())
    except InputError as error:
        assert "holds no finished convert tflite/fp32" in str(error)


def test_a_run_killed_while_it_commits_leaves_no_result_and_spoils_none(store, monkeypatch):
    def killed(self, goal):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            _finish(store, _step())
    assert (store.path(_step()).with_suffix(".partial") / RECORD).exists(), "the record was written, the folder not renamed"
    assert not store.path(_step()).exists()
    assert store.status(_step()).reasons == ("an earlier run of it did not finish",)
    assert store.status(_step(epochs=4)).reasons == ("has not run yet",)
    store.begin(_step(), resumable=True)
    store.commit(_step(), {}, 1.0, 1.0)
    assert store.status(_step(), thorough=True).cached


def test_nothing_is_visible_before_the_commit_and_all_of_it_after(store):
    out = store.begin(_step(), resumable=False)
    (out / "sub").mkdir()
    (out / "sub" / "file.bin").write_bytes(b"x")
    assert not store.path(_step()).exists()
    store.commit(_step(), {}, 1.0, 1.0)
    assert not out.exists()
    assert set(json.loads((store.path(_step()) / RECORD).read_text())["files"]) == {"sub/file.bin"}


def test_the_reason_compares_with_the_latest_result(store):
    for epochs, finished_s in ((7, 20.0), (5, 10.0)):
        store.begin(_step(epochs=epochs), resumable=False)
        store.commit(_step(epochs=epochs), {}, 1.0, finished_s)
    assert store.status(_step(epochs=9)).reasons == ("epochs changed: 7 → 9",)


def test_a_second_run_is_refused_while_the_first_goes_on(store):
    code = (
        "import sys\nfrom pathlib import Path\nfrom edgetl.store import Store\n"
        "with Store(Path(sys.argv[1]), 'toy').locked():\n    pass\n"
    )

    def second():
        return subprocess.run([sys.executable, "-c", code, str(store.folder.parent)], capture_output=True, text=True)

    with store.locked():
        assert "another run of this recipe is using it" in second().stderr
    assert second().returncode == 0
    with pytest.raises(InputError, match="holds no finished convert tflite/fp32"):
        store.result(_step())


def test_a_run_that_kept_nothing_leaves_no_folder(store, tmp_path):
    with store.locked():
        store.begin(_step(), resumable=False)
        store.discard(_step())
    assert list(tmp_path.iterdir()) == []
