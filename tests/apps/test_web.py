"""The pages that `ship app` writes, in Chromium, with the packages that their package.json names."""

import functools
import hashlib
import http.server
import io
import json
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from edgetl.apps import _generate
from edgetl.bundle.opening import opened
from edgetl.errors import InputError
from edgetl.golden.check import hold
from edgetl.golden.expected import expected, opening
from edgetl.preprocess import to_pixels
from edgetl.replay import network, observed
from edgetl.replay.hypotheses import as_values


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def opening_page(need, tmp_path):
    """Write a page, with photos beside it, and open it by a script that reads what it is to do from standard input."""
    modules, chromium, node = need["node_modules"](), need["chromium"](), need["node"]()

    def open_page(bundle, platform, artifact, files, script, **asked):
        out = tmp_path / "page"
        _generate.generate(bundle, platform, artifact, out, None)
        wanted = json.loads((out / "package.json").read_text())["dependencies"]
        for name, version in wanted.items():
            assert json.loads((modules / name / "package.json").read_text())["version"] == version
        (out / "node_modules").symlink_to(modules)
        (out / "photos").mkdir()
        for name, data in files.items():
            (out / "photos" / name).write_bytes(data)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(out)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked |= {"modules": str(modules.resolve()), "chromium": str(chromium), "url": f"http://127.0.0.1:{server.server_port}/"}
        try:
            done = subprocess.run([node, script], input=json.dumps(asked), capture_output=True, text=True, timeout=300)
        finally:
            server.shutdown()
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return open_page


@pytest.fixture
def browse(opening_page, tmp_path):
    """Use a page as a person does."""

    def use(bundle, platform, artifact, photos):
        paths = [f"photos/{name}" for name in photos]
        first, script = str(tmp_path / "page" / paths[0]), Path(__file__).with_name("browse.mjs")
        return opening_page(bundle, platform, artifact, photos, script, photo=first, photos=paths)

    return use


def _ours(found, artifact, photos):
    contract = expected(found, artifact, "--artifact")
    path, given = opening(found, contract)
    with network.Network(path, given) as loaded:
        return np.array([loaded.answer(as_values(to_pixels(data, found.preprocess), given)) for data in photos])


def _held(bundle, artifact, seen, photos, folder, least_equal):
    with opened(bundle) as found:
        ours = _ours(found, artifact, photos.values())
        (folder / "log.json").write_text(json.dumps(seen["log"]))
        log = observed.read(folder / "log.json", found.class_names)
        checked = hold(found, expected(found, artifact, "--artifact"), log)
        assert checked.same, [image.says for image in checked.images]
        golden = {image.file: (found.folder / "golden" / image.file).read_bytes() for image in log.images}
        right = _ours(found, artifact, golden.values()).argmax(axis=1)
        assert [int(np.argmax(image.probabilities)) for image in log.images] == right.tolist()
    theirs = np.array(seen["answers"])
    assert theirs.shape == ours.shape
    assert len(set(ours.argmax(axis=1).tolist())) > 2
    assert (theirs.argmax(axis=1) == ours.argmax(axis=1)).mean() >= least_equal
    assert seen["faults"] == ""
    assert seen["status"] == f"All {len(log.images)} golden photos as verified."
    assert seen["errors"] == []
    assert seen["elsewhere"] == []
    assert not [found for found in seen["axe"] if found.endswith(("serious", "critical"))]
    assert seen["shown"][0] == found.class_names[int(ours[0].argmax())]
    return np.abs(theirs - ours).max()


@pytest.mark.parametrize(
    "artifact",
    ["onnx/fp32", pytest.param("onnx/w8a8_ptq", marks=pytest.mark.slow), pytest.param("onnx/w8a8_qat", marks=pytest.mark.slow)],
)
def test_a_browser_answers_as_we_do(browse, shipped, making, artifact, tmp_path):
    photos = making.many(100)
    seen = browse(shipped, "web", artifact, photos)
    off = _held(shipped, artifact, seen, photos, tmp_path, 1.0)
    assert off < (0.002 if artifact == "onnx/fp32" else 0.02)


def test_a_file_that_is_no_photo_leaves_nothing_of_another_on_the_page(opening_page, shipped, making):
    photos = dict(list(making.photos().items())[:2]) | {
        "empty.jpg": b"",
        "note.jpg": b"no photo",
        "IMG_1.HEIC": b"\0\0\0\x18ftypheic",
    }
    ask = """(async () => {
      const by = (id) => document.getElementById(id);
      const files = [];
      for (const name of NAMES) files.push(new File([await (await fetch(`photos/${name}`)).arrayBuffer()], name));
      const drop = (...files) => {
        const dataTransfer = new DataTransfer();
        for (const file of files) dataTransfer.items.add(file);
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
      };
      const seen = async () => {
        do await new Promise((r) => setTimeout(r, 20)); while (document.body.ariaBusy === "true");
        return [by("photo").hidden, by("answers").children.length, by("status").textContent];
      };
      const found = [];
      for (const file of files) {
        drop(files[0]);
        found.push(await seen());
        drop(file);
        found.push(await seen());
      }
      drop(files[0], files[1], files[2]);
      found.push(await seen());
      let looked = 0;
      new MutationObserver((seen) => (looked += seen.length)).observe(by("status"), { childList: true });
      drop(files[0]);
      await null;
      for (let n = 0; n < 5; n++) drop(files[1]);
      found.push(await seen());
      return [found, looked];
    })()"""
    script = Path(__file__).parents[1] / "clients" / "look.mjs"
    asked = {"views": [{"scheme": "light", "width": 400, "height": 800}], "ask": ask.replace("NAMES", json.dumps(list(photos)))}
    seen = opening_page(shipped, "web", "onnx/fp32", photos, script, **asked)
    found, looked = seen["state"]
    *turns, several, last = found
    assert all((hidden, shown) == (False, 5) for hidden, shown, _ in [*turns[:4], *turns[4::2], several, last])
    why = ["the file is empty", "it is damaged, or no kind of photo that this browser reads"]
    why.append("this browser does not read HEIC photos; save it as JPEG")
    assert turns[5::2] == [[True, 0, f"It did not work: {said}."] for said in why]
    assert several[2].endswith(" ms (one photo at a time: square.png of 3)")
    assert last[2].split(",")[0] == turns[3][2].split(",")[0] != turns[2][2].split(",")[0]
    assert looked == 4, "twice for the first, twice for the last; those between were passed over"


@pytest.mark.parametrize("artifact", ["onnx/fp32", "onnx/w8a8_ptq", pytest.param("onnx/w8a8_qat", marks=pytest.mark.slow)])
def test_its_modules_in_node_are_golden_to_the_bit_from_the_same_pixels(need, shipped, artifact, tmp_path):
    modules, node = need["node_modules"](), need["node"]()
    _generate.generate(shipped, "web", artifact, tmp_path / "page", None)
    (tmp_path / "page" / "node_modules").symlink_to(modules)
    with opened(shipped) as found:
        contract = expected(found, artifact, "--artifact")
        asked = []
        for image in contract.golden:
            picture = ImageOps.exif_transpose(Image.open(found.folder / "golden" / image.file)).convert("RGBA")
            (tmp_path / f"{image.file}.rgba").write_bytes(picture.tobytes())
            asked.append([image.file, *picture.size])
        script = Path(__file__).with_name("run.mjs")
        told = json.dumps({"page": str(tmp_path / "page"), "folder": str(tmp_path), "photos": asked})
        done = subprocess.run([node, script], input=told, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["labels"] == list(found.class_names)
        assert said["artifact"] == artifact
        for image, answer in zip(contract.golden, said["answers"], strict=True):
            made = (tmp_path / f"{image.file}.input").read_bytes()
            assert hashlib.sha256(made).hexdigest() == image.tensor_sha256, image.file
            assert np.abs(np.array(answer) - image.probabilities).max() <= image.tolerance
            assert int(np.argmax(answer)) == int(np.argmax(image.probabilities))


@pytest.fixture(scope="session")
def described(making, tmp_path_factory):
    """A bundle of a float TFLite file with Tasks metadata."""
    from edgetl.converters import _tasks_metadata
    from edgetl.converters._base import Source
    from edgetl.recipe import Target

    def describe(path, preprocess, labels):
        source = Source(network=path, preprocess=preprocess, class_names=labels, calibration=None, origin=None)
        path.write_bytes(_tasks_metadata.describe(path.read_bytes(), source, Target(format="tflite", scheme="fp32"), "float32"))

    labels = tuple(label for label in making.labels if len(label.splitlines()) == 1)  # the others it refuses
    folder = tmp_path_factory.mktemp("described") / "bundle"
    return making.bundle(folder, {"tflite/fp32": {}}, making.square, labels, after=describe)


def test_mediapipe_in_a_browser_answers_as_we_do(browse, described, making, tmp_path):
    photos = making.many(100)
    seen = browse(described, "web_mediapipe", "tflite/fp32", photos)
    assert _held(described, "tflite/fp32", seen, photos, tmp_path, 1.0) < 0.002


@pytest.mark.slow
def test_mediapipe_takes_bytes_too(browse, shipped, making, tmp_path):
    photos = making.many(100)
    seen = browse(shipped, "web_mediapipe", "tflite/w8a8_ptq", photos)
    assert _held(shipped, "tflite/w8a8_ptq", seen, photos, tmp_path, 1.0) < 0.02


@pytest.mark.parametrize(
    ("artifact", "says"), [("tflite/fp32", "without Tasks metadata"), ("tflite/w8a8_qat", "not int8; ship a target")]
)
def test_what_mediapipe_would_refuse_is_refused_here(shipped, artifact, says, tmp_path):
    with pytest.raises(InputError, match=says):
        _generate.generate(shipped, "web_mediapipe", artifact, tmp_path / "page", None)
    assert not (tmp_path / "page").exists()


def test_the_size_is_read_before_a_photo_is_decoded(need, shipped, tmp_path):
    node = need["node"]()
    _generate.generate(shipped, "web", "onnx/fp32", tmp_path / "page", None)
    image, clear = Image.new("RGB", (321, 123)), Image.new("RGBA", (321, 123))
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    forms = {
        "jpeg": ("JPEG", {}), "progressive": ("JPEG", {"progressive": True}), "notes": ("JPEG", {"exif": exif}),
        "profile": ("JPEG", {"icc_profile": bytes(300_000)}), "png": ("PNG", {}), "gif": ("GIF", {}), "lossy": ("WEBP", {}),
        "lossless": ("WEBP", {"lossless": True}), "extended": ("WEBP", {"exif": exif}), "bmp": ("BMP", {}),
    }  # fmt: skip
    photos = {}
    for name, (form, options) in forms.items():
        (clear if name == "extended" else image).save(out := io.BytesIO(), form, **options)
        photos[name] = out.getvalue()
    photos |= {f"half {name}": photos[name][:19] for name in ("jpeg", "png", "lossy")}
    photos["nothing"] = b""
    photos["filled"] = photos["jpeg"][:2] + b"\xff\xff" + photos["jpeg"][2:]
    bomb = bytearray(photos["png"])
    bomb[16:24] = (20_000).to_bytes(4, "big") * 2
    photos["bomb"] = bytes(bomb)
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, data in photos.items():
        (folder / name).write_bytes(data)
    script = (
        'import { readFileSync } from "node:fs"; import { join } from "node:path"; import { pathToFileURL } from "node:url";\n'
        "const [page, folder, ...names] = process.argv.slice(2); const at = (name) => import(pathToFileURL(join(page, name)));\n"
        'const { declaredSize } = await at("size.js"); const { decode } = await at("photo.js"); const found = {};\n'
        "for (const name of names) { const data = readFileSync(join(folder, name));\n"
        "const size = declaredSize(new Uint8Array(data).buffer);\n"
        "const error = await decode(new Blob([data])).then(() => null, (error) => error.message);\n"
        "found[name] = [size, error]; } console.log(JSON.stringify(found));"
    )
    (tmp_path / "sizes.mjs").write_text(script)
    call = [node, tmp_path / "sizes.mjs", tmp_path / "page", folder, *photos]
    done = subprocess.run([*map(str, call)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for name, (size, error) in told.items():
        unknown = name in ("bmp", "nothing") or name.startswith("half")
        assert size == ([20_000, 20_000] if name == "bomb" else None if unknown else [321, 123]), name
        many, empty = "20000 × 20000 pixels are too many (at most 100 million)", "the file is empty"
        assert error == {"bomb": many, "nothing": empty}.get(name, "createImageBitmap is not defined"), name
