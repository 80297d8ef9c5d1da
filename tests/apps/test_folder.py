"""The folder that `ship app` writes: the same bytes again, nobody else's files, whole after a kill; and bundles that lie."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from edgetl import registry
from edgetl.apps import _generate, _templates, _writing
from edgetl.errors import InputError, UnknownName

PLATFORMS = {
    "android": "tflite/w8a8_qat",
    "ios_onnxruntime": "onnx/fp32",
    "web": "onnx/w8a8_ptq",
    "web_mediapipe": "tflite/w8a8_ptq",
}


def _content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_same_bundle_is_the_same_folder(shipped, name, tmp_path):
    told = [_generate.generate(shipped, name, PLATFORMS[name], tmp_path / out, None) for out in ("a", "b")]
    told.append(_generate.generate(shipped, name, PLATFORMS[name], tmp_path / "b", None))
    assert told[0] == told[1] == told[2]
    made = _content(tmp_path / "a")
    assert made == _content(tmp_path / "b")
    assert set(made) == {*told[0]["files"], _writing.RECORD}
    whole = [
        data
        for path, data in made.items()
        if path.endswith((".kt", ".kts", ".swift", ".md", ".html", "package.json", "contract.js"))
    ]
    assert len(whole) >= 4 and not any(b"{{" in data or b"{%" in data for data in whole)
    assert r"fruit \$bowl" in made["README.md"].decode()


def test_what_was_left_from_another_file_goes(shipped, tmp_path):
    _generate.generate(shipped, "web", "onnx/fp32", tmp_path / "app", None)
    told = _generate.generate(shipped, "android", "tflite/fp32", tmp_path / "app", "org.shop.fruit")
    assert set(_content(tmp_path / "app")) == {*told["files"], _writing.RECORD}
    assert any("org/shop/fruit/Pixels.kt" in name for name in told["files"])


def test_it_writes_over_nothing_that_it_did_not_write(shipped, tmp_path):
    out = tmp_path / "app"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds 'mine.txt', which edgetl did not write"):
        _generate.generate(shipped, "web", "onnx/fp32", out, None)
    assert _content(out) == {"mine.txt": b"mine"}
    (out / "mine.txt").unlink()
    _generate.generate(shipped, "web", "onnx/fp32", out, None)
    (out / "mine.txt").write_text("mine")
    (out / "page.js").write_text("changed")
    before = _content(out)
    with pytest.raises(InputError, match="page.js: was changed since it was written"):
        _generate.generate(shipped, "web", "onnx/w8a8_qat", out, None)
    assert _content(out) == before
    (out / "page.js").unlink()
    _generate.generate(shipped, "web", "onnx/w8a8_qat", out, None)
    assert (out / "mine.txt").read_text() == "mine"


def test_it_follows_no_link_out_of_the_folder(shipped, tmp_path):
    out, away = tmp_path / "app", tmp_path / "away"
    _generate.generate(shipped, "web", "onnx/fp32", out, None)
    shutil.move(out / "golden", away)
    (out / "golden").symlink_to(away)
    with pytest.raises(InputError, match="lies behind one"):
        _generate.generate(shipped, "web", "onnx/fp32", out, None)
    record = json.loads((out / _writing.RECORD).read_text())
    record["files"]["../away/square.png"] = ["0" * 64]
    (out / _writing.RECORD).write_text(json.dumps(record))
    with pytest.raises(InputError, match="is not what edgetl writes"):
        _generate.generate(shipped, "web", "onnx/fp32", out, None)


def test_killed_while_it_writes_it_can_write_again(shipped, tmp_path):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\nfrom edgetl.apps import _generate, _writing\nput, left = _writing._put, [9]\n"
        "def dying(target, data):\n    left[0] -= 1\n    put(target, data)\n    left[0] or os.kill(os.getpid(), signal.SIGKILL)\n"
        "_writing._put = dying\n_generate.generate(Path(sys.argv[1]), 'web', 'onnx/fp32', Path(sys.argv[2]), None)"
    )
    out = tmp_path / "app"
    done = subprocess.run([sys.executable, "-c", code, shipped, out], capture_output=True, env={**os.environ})
    assert done.returncode == -signal.SIGKILL, done.stderr
    told = _generate.generate(shipped, "web", "onnx/fp32", out, None)
    assert set(_content(out)) == {*told["files"], _writing.RECORD}


def _lie(shipped, making, folder, edit):
    shutil.copytree(shipped, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    edit(folder, manifest)
    del manifest["files"]
    making.seal(folder, manifest)
    return folder


def _contract(**changes):
    def edit(folder, manifest):
        path = folder / "contracts" / "net_fp32.tflite.json"
        value = json.loads(path.read_text())
        for place, new in changes.items():
            at, key = (value[place.split("__")[0]], place.split("__")[1]) if "__" in place else (value, place)
            at[key] = new
        path.write_text(json.dumps(value))

    return edit


def _manifest(**changes):
    def edit(folder, manifest):
        manifest.update(changes)

    return edit


def _without(name):
    return lambda folder, manifest: (folder / name).unlink()


def _golden(**changes):
    def edit(folder, manifest):
        path = folder / "contracts" / "net_fp32.tflite.json"
        value = json.loads(path.read_text())
        value["golden"][0].update(changes)
        path.write_text(json.dumps(value))

    return edit


LIES = {
    "no contract": (_without("contracts/net_fp32.tflite.json"), "holds no contracts/net_fp32.tflite.json; ship it again"),
    "a later contract": (_contract(schema=2), "not what this version of edgetl writes"),
    "one of another file": (_contract(path="artifacts/net_w8a8_qat.tflite"), "is of artifacts/net_w8a8_qat.tflite"),
    "a mean that is code": (_contract(input__mean="1f; System.exit(0)"), "mean"),
    "a mean that is no number": (_contract(input__mean=float("nan")), "no number"),
    "a mean that the file does not have": (_contract(input__mean=127.0), "input.mean: is 127.0; the file takes 128.0"),
    "a filter that is code": (_contract(input__interpolation='x"); evil("'), "interpolation"),
    "another type of input": (
        _contract(input__dtype="image", input__mean=0, input__std=1),
        "input.dtype: is 'image'; the file takes",
    ),
    "a type that does not exist": (_contract(input__dtype='float32"; evil()'), "dtype"),
    "a name of two lines": (_contract(input__name="image\nevil()"), "name"),
    "one class twice": (_contract(labels=["a", "b", "c", "d", "a"]), "one twice"),
    "other classes": (_contract(labels=["a", "b", "c", "d", "e"]), "other labels than manifest.json"),
    "a photo that is not there": (_golden(file="no.png"), "no.png is not in the bundle"),
    "a photo that leads elsewhere": (_golden(file="../x.png"), "the name of a file in golden/"),
    "a title of two lines": (_manifest(title="a\nb"), "title"),
    "a share that is none": (_contract(named_from=7), "named_from"),
    "no artifacts": (_manifest(artifacts=3), "artifacts"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_bundle_that_lies_is_refused(shipped, making, lie, tmp_path):
    edit, says = LIES[lie]
    bundle = _lie(shipped, making, tmp_path / "bundle", edit)
    with pytest.raises(InputError, match=says):
        _generate.generate(bundle, "android", "tflite/fp32", tmp_path / "app", None)
    assert not (tmp_path / "app").exists()


@pytest.mark.parametrize(
    "package", ["fruit", "com.example.Fruit", "com.fun.fruit", "com..fruit", 'a.b"; evil', "../up", "com.1st", "com.x" * 40]
)
def test_a_package_that_is_no_name_is_refused(shipped, package, tmp_path):
    with pytest.raises(InputError, match="--package"):
        _generate.generate(shipped, "android", "tflite/fp32", tmp_path / "app", package)


def test_the_artifact_is_named_where_there_are_several(shipped, tmp_path):
    with pytest.raises(InputError, match="must name one of: tflite/fp32, tflite/w8a8_ptq, tflite/w8a8_qat"):
        _generate.generate(shipped, "android", None, tmp_path / "app", None)
    with pytest.raises(InputError, match="onnx/fp32 does not run there"):
        _generate.generate(shipped, "android", "onnx/fp32", tmp_path / "app", None)
    with pytest.raises(InputError, match="the bundle has none"):
        _generate.generate(shipped, "ios", None, tmp_path / "app", None)
    with pytest.raises(UnknownName, match="no platform of apps named 'androi'. Did you mean 'android'"):
        _generate.generate(shipped, "androi", None, tmp_path / "app", None)


def test_the_command_tells_what_it_wrote(shipped, edgetl, tmp_path):
    done = edgetl("ship", "app", shipped, "--for", "web", "--artifact", "onnx/fp32", "--out", tmp_path / "app", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["schema"], told["app"], told["artifact"], told["out"]) == (1, "web", "onnx/fp32", str(tmp_path / "app"))
    assert set(told["files"]) | {_writing.RECORD} == set(_content(tmp_path / "app"))
    refused = edgetl("ship", "app", shipped, "--for", "web", "--artifact", "tflite/fp32", "--out", tmp_path / "other")
    assert refused.returncode == 2
    assert refused.stdout == ""


@pytest.mark.parametrize("name", registry.names("apps"))
def test_each_readme_says_in_few_lines_how_to_test(name):
    shared = {"web": "_web", "web_mediapipe": "_web", "ios": "_swift", "ios_onnxruntime": "_swift"}
    text = (_templates.FOLDER / shared.get(name, name) / "README.md.j2").read_text()
    assert len(text.splitlines()) <= (24 if name.startswith("web") else 80)
    assert "Self-test" in text and "edgetl golden check BUNDLE --outputs" in text
    module = registry.load("apps", name)
    assert set(module.FORMATS) <= set(registry.names("converters"))


def test_literals_hold_text_and_nothing_else(making):
    assert _templates.kotlin('a"$b\\\n\U0001f34e') == '"a\\u0022\\u0024b\\u005c\\u000a\\ud83c\\udf4e"'
    assert _templates.swift('\\(x)"\n\U0001f34e') == '"\\u{5c}(x)\\u{22}\\u{a}\\u{1f34e}"'
    assert json.loads(_templates.javascript(list(making.labels))) == list(making.labels)
    assert "<" not in _templates.javascript(list(making.labels)) and _templates.javascript("\u2028") == '"\\u2028"'
    assert _templates.markdown("a*b_[c](d)<e>") == r"a\*b\_\[c\](d)\<e\>"
