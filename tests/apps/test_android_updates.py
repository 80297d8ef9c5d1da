"""Updates in the Kotlin that `ship app --for android` writes, on this JVM, over HTTP: what reaches the model, what does not."""

import base64
import functools
import http.server
import json
import re
import shutil
import threading
from types import SimpleNamespace

import pytest

from edgetl import signing
from edgetl.apps import _generate
from edgetl.channel import keys, publishing
from edgetl.channel.commit import Publisher
from edgetl.channel.index import File
from edgetl.channel.storage import Storage
from tests.apps.test_android import ASSETS, _photos, _raw, _zipped
from tests.channel.conftest import NOW, describe

pytestmark = pytest.mark.slow

CONTRACT = "contracts/net_fp32.tflite.json"
MODEL = "artifacts/net_fp32.tflite"
PASSED_OVER = "unchanged : passed over, as the proof refused it here: release 2."
NOBODY = "http://127.0.0.1:1"


def _answers(contract):
    """A "model" for `Answers` of Replay.kt: the golden answers."""
    rows = (f"{photo['tensor_sha256']} {' '.join(map(str, photo['probabilities']))}" for photo in contract["golden"])
    return "\n".join(rows).encode()


@pytest.fixture
def phone(jvm, shipped, others, tmp_path):
    """An app on a phone and a channel: `offer` a bundle, `start` the app."""
    app, photos, home, served = (tmp_path / name for name in ("app", "photos", "home", "served"))
    _generate.generate(shipped, "android", "tflite/fp32", app, None)
    assets = app / ASSETS
    (assets / "model.tflite").write_bytes(_answers(json.loads((assets / "contract.json").read_text())))
    for made in (shipped, *others.values()):
        for photo in _photos(made):
            _raw(photo, photos)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key = signing.new_key()
    who = Publisher(storage=Storage(str(served)), channel="beta", key=key, trust=keys.only(key.public), now_s=NOW, valid_days=30)

    def offer(kind, model=None, **changes):
        """Publish one of `others`, changed."""
        folder = tmp_path / "made"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(others[kind], folder)
        contract = json.loads((folder / CONTRACT).read_text())
        (folder / MODEL).write_bytes(_answers(contract) if model is None else model)
        for name, change in changes.items():
            contract[name] = change(contract[name])
        (folder / CONTRACT).write_text(json.dumps(contract))
        zipped = _zipped(folder, tmp_path / "made.zip")
        release = describe(zipped, files=(File(path=MODEL, format="tflite", size_bytes=1),))
        publishing.publish(who, zipped, release)

    def start(version="2.0", base=None, ends=0):
        url = base or f"http://127.0.0.1:{server.server_port}"
        public = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + key.public.raw).decode()  # as in a .pub file
        return jvm.run("start", url, public, home, assets, photos, version, ends=ends).splitlines()

    yield SimpleNamespace(offer=offer, start=start, home=home, publisher=who)
    server.shutdown()
    server.server_close()


def test_an_update_of_another_size_type_and_labels_reaches_the_model(phone):
    assert phone.start()[1:] == ["the built-in model, 5 labels, 1 loads"]
    phone.offer("bicubic")
    assert phone.start() == ["installed : ", "release 1 (version 1), 4 labels, 2 loads"], "proven, then opened"
    assert phone.start() == ["unchanged : ", "release 1 (version 1), 4 labels, 1 loads"], "proven once"
    phone.offer("nearest")
    assert phone.start() == ["installed : ", "release 2 (version 1), 4 labels, 2 loads"]
    assert phone.start("2.1") == ["unchanged : ", "release 2 (version 1), 4 labels, 2 loads"], "another app proves again"


def _off(golden):
    return [{**golden[0], "samples": [golden[0]["samples"][0] + 0.5, *golden[0]["samples"][1:]]}, *golden[1:]]


UNUSED = {
    "a later contract": ({"schema": lambda _: 2}, "its contract is none that this app reads: its schema is 2, not 1"),
    "one changed sample": ({"golden": _off}, "its golden photos come out wrong: square.png: the input is off by 63.7"),
    "another photo": ({"golden": lambda it: [{**it[0], "file": "tall.png"}]}, "tall.png is not its golden photo"),
    "the contract of another": ({"path": lambda _: "artifacts/x.tflite"}, "its contract is of artifacts/x.tflite"),
}


@pytest.mark.parametrize("what", UNUSED)
def test_an_update_that_is_not_right_is_not_used_and_it_says_so(phone, what):
    changes, says = UNUSED[what]
    phone.offer("bicubic")
    phone.start()
    phone.offer("bicubic", **changes)
    first, second = phone.start()
    assert first.startswith("kept refused: release 2 is not right here: ") and says in first, first
    assert second.startswith("release 1 (version 1), 4 labels"), "what it had"
    assert len(list(phone.home.glob("*.zip"))) == 1


def _set(*places):
    """Change one value, deep inside."""
    *way, last, new = places

    def change(contract):
        inner = contract
        for place in way:
            inner = inner[place]
        inner[last] = new

    return change


REFUSED = {
    "its schema is 2": _set("schema", 2),
    "its schema is null": lambda contract: contract.pop("schema"),
    "it is of onnx/fp32": _set("artifact", "onnx/fp32"),
    "'image' is not known": _set("input", "dtype", "image"),
    "'NC' is not known": _set("input", "layout", "NC"),
    "'lanczos' is not known": _set("input", "interpolation", "lanczos"),
    "sizes of 20 and 28": _set("input", "resize_px", 20),
    "sizes of 33 and 0": _set("input", "crop_px", 0),
    "sizes of 99999": _set("input", "resize_px", 99999),
    "the number 4294967324": _set("input", "crop_px", 2**32 + 28),
    "a std of 0.0": _set("input", "std", 0),
    "fields": _set("input", "more", 1),
    "'float16' is not known": _set("output", "dtype", "float16"),
    "null cannot be cast": _set("output", "dtype", "uint8"),
    "samples outside the input": _set("input", "crop_px", 20),
    "not 3 probabilities": lambda contract: contract["labels"].pop(),
    "not distinct": lambda contract: contract["labels"].__setitem__(0, contract["labels"][1]),
    "cannot be cast": _set("labels", 0, 7),
    "7.0 is no share": _set("named_from", 7),
    "a golden photo's name": _set("golden", 0, "file", "../x"),
    "square.png: a sha256": _set("golden", 0, "sha256", "0" * 63),
    "square.png: 256.0 levels": _set("golden", 0, "levels", 256),
    "63 samples, not 64": lambda contract: contract["golden"][0]["samples"].pop(),
    "0 golden photos": _set("golden", []),
    "1.5 is no share": _set("golden", 0, "tolerance", 1.5),
}


def test_a_contract_is_read_strictly(jvm, others, tmp_path):
    text = (others["bicubic"] / CONTRACT).read_text()
    files = []
    for number, change in enumerate(REFUSED.values()):
        contract = json.loads(text)
        change(contract)
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(contract))
    told = jvm.run("contracts", others["bicubic"] / CONTRACT, *files).splitlines()
    assert told[0] == "read tflite/fp32"
    for says, line in zip(REFUSED, told[1:], strict=True):
        assert line.startswith("refused its contract is none that this app reads: ") and says in line, line
    written = {
        "twice": text.replace('"schema": 1', '"schema": 1, "schema": 1', 1),
        "NaN": re.sub('"std": [0-9.]+', '"std": NaN', text),
        "endless": re.sub('"std": [0-9.]+', '"std": 1e999', text),
        "more": text + "{}",
        "nothing": "",
        "half": text[: len(text) // 2],
        "deep": "[" * 100_000,
        "an escape of three": text.replace("apple", "\\u+41pple"),
        "no UTF-8": text.replace("apple", "\udcff"),
    }
    for name, data in written.items():
        assert data != text, name
        (tmp_path / name).write_bytes(data.encode(errors="surrogateescape"))
    told = jvm.run("contracts", *(tmp_path / name for name in written)).splitlines()
    assert [line.split(" ")[0] for line in told] == ["refused"] * len(written), told


def test_a_model_that_answers_otherwise_is_refused_once(phone):
    phone.offer("bicubic")
    phone.start()
    phone.offer("nearest", model=b"")
    assert phone.start()[0].startswith("kept refused: release 2 is not right here: Key ")
    assert phone.start() == [PASSED_OVER, "release 1 (version 1), 4 labels, 1 loads"], "neither fetched nor loaded again"


def test_a_model_that_ends_the_app_does_so_three_times(phone):
    phone.offer("bicubic")
    phone.start()
    phone.offer("nearest", model=b"crash")
    for _ in range(3):
        assert phone.start(ends=9) == []
    assert phone.start() == [PASSED_OVER, "release 1 (version 1), 4 labels, 1 loads"]


def test_a_model_that_does_not_fit_is_tried_again(phone):
    phone.offer("nearest", model=b"huge")
    for _ in range(3):
        first, second = phone.start()
        assert first == "kept platform: java.lang.IllegalStateException: it needs more memory than there is"
        assert second.startswith("the built-in model")
    assert phone.start()[0] == "kept not-offered: nothing is offered to this device (release 1: refused)"


def test_a_bundle_that_changed_on_the_phone_is_not_used(phone):
    phone.offer("bicubic")
    phone.start()
    phone.offer("nearest")
    phone.start()
    newest = max(phone.home.glob("*.zip"), key=lambda path: path.stat().st_mtime_ns)
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    said = phone.start(base=NOBODY)
    assert said[1].startswith("release 1 (version 1)")
    assert said[2] == "not release 2 (version 1): it is not the bundle that was installed"
    assert phone.start() == ["installed : ", "release 2 (version 1), 4 labels, 2 loads"], "fetched again"
    for path in phone.home.glob("*.zip"):
        path.write_bytes(b"x" * path.stat().st_size)
    assert phone.start(base=NOBODY)[1] == "the built-in model, 5 labels, 1 loads"


def test_what_the_system_will_not_do_is_a_refusal(phone):
    for base in ("no address", "file:///tmp", "http://127.0.0.1:99999"):
        first, second = phone.start(base=base)
        assert first.startswith(("kept unreachable: ", "kept platform: ")), first
        assert second == "the built-in model, 5 labels, 1 loads"
