"""The Swift that `ship app` writes: compiled with stubs of Apple's frameworks, run on Linux, held against the golden contract.

Equal to the bit: the whole input of each photo, from the pixels that Pillow decoded. The stubs' networks answer by table, so a
probability is right only where the whole input was.
"""

import base64
import dataclasses
import hashlib
import json
import platform
import shutil
import struct
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from edgetl import signing
from edgetl.apps import _base, _generate, _reading, _templates, ios, ios_onnxruntime
from edgetl.bundle.opening import opened
from edgetl.channel import keys, publishing
from edgetl.channel.commit import Publisher
from edgetl.channel.index import File, Release
from edgetl.channel.storage import Storage
from edgetl.golden.check import hold
from edgetl.golden.expected import expected
from edgetl.replay import observed
from tests import swift_program

pytestmark = pytest.mark.slow

NOW = 1_790_000_000
DEVICE = ("2.0", "ios", "18.1", "iPhone16,1", "c1", "onnx,tflite,coreml")


@pytest.fixture(scope="session")
def program(shipped, tmp_path_factory):
    """The package for onnxruntime, as a program."""
    folder = tmp_path_factory.mktemp("swift")
    _generate.generate(shipped, "ios_onnxruntime", "onnx/fp32", folder / "app", "com.example.fruit")
    return swift_program.build((folder / "app" / "Sources").rglob("*.swift"), folder / "made")


@pytest.mark.skipif(sys.platform != "darwin", reason="Apple's frameworks are on Apple's systems only")
def test_on_a_mac_it_compiles_with_apples_own_frameworks(shipped, tmp_path):
    _generate.generate(shipped, "ios_onnxruntime", "onnx/fp32", tmp_path / "app", "com.example.fruit")
    own = _templates.FOLDER / "ios" / "Sources" / "__module__" / "ModelNetwork.swift"
    others = [p for p in (tmp_path / "app" / "Sources").rglob("*.swift") if p.name != own.name]
    target = ("-target", f"{platform.machine()}-apple-macos12.0", "-parse-as-library", "-module-name", "FruitClassifier")
    swift_program.compile_("-typecheck", *target, own, *others, swift_program.STUBS / "Resources.swift")


@pytest.fixture(scope="session")
def core_ml(program, tmp_path_factory):
    """The package for Core ML, as a program."""
    folders = [_templates.FOLDER / name for name in ("_swift", "ios", "_update")]
    sources = [path for folder in folders for path in folder.rglob("*.swift") if "Tests" not in str(path.parent)]
    return swift_program.build(sources, tmp_path_factory.mktemp("swift_core_ml"), program.given)


def _raw(photo, folder, turn=None):
    """What ImageIO's stub gives: pixels as they lie, the orientation beside them; under the photo's sha256."""
    image = Image.open(photo)
    turn = image.getexif().get(0x0112, 1) if turn is None else turn
    head = struct.pack("<4I", image.width, image.height, turn, image.mode == "L")
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(photo.read_bytes()).hexdigest()
    (folder / f"{name}.raw").write_bytes(head + np.asarray(image.convert("RGBA")).tobytes())


def _photos(bundle, folder, **turns):
    for photo in sorted((bundle / "golden").iterdir()):
        if photo.suffix != ".json":
            _raw(photo, folder, turns.get(photo.stem))
    return folder


def _table(contract, model, folder):
    """What a stub's network answers: each golden tensor its probabilities."""
    output = contract["output"]
    kind = {"float32": np.float32, "uint8": np.uint8, "int8": np.int8}[output["dtype"]]
    place = folder / hashlib.sha256(model.read_bytes()).hexdigest()
    place.mkdir(parents=True)
    count = len(contract["labels"]) * np.dtype(kind).itemsize
    (place / "names").write_text(f"{contract['input']['name']}\n{output['name']}\n{count}\n")
    for photo in contract["golden"]:
        values = np.asarray(photo["probabilities"], np.float64)
        if kind is not np.float32:
            values = np.round(values / output["scale"]) + output["zero_point"]
        (place / photo["tensor_sha256"]).write_bytes(values.astype(kind).tobytes())


def _contract(bundle, artifact):
    with opened(bundle) as found:
        path = found.folder / expected(found, artifact, "--artifact").path
    return json.loads((bundle / "contracts" / f"{path.name}.json").read_text()), bundle / "artifacts" / path.name


def _held(bundle, artifact, contract, out):
    """What the program wrote is what the contract says, to the bit."""
    for photo in contract["golden"]:
        made = (out / f"{photo['file']}.input").read_bytes()
        assert hashlib.sha256(made).hexdigest() == photo["tensor_sha256"], photo["file"]
        ranked = sorted(zip(photo["probabilities"], contract["labels"], strict=True), key=lambda pair: -pair[0])[:2]
        top = (out / f"{photo['file']}.top").read_bytes().decode().split("\0")
        wanted = [label for chance, label in ranked if chance >= (contract["named_from"] or 0)]
        assert [label for label in top[::2] if label] == wanted
    assert (out / "faults.txt").read_text() == ""
    assert (out / "labels.bin").read_bytes().decode() == "\0".join(contract["labels"])
    with opened(bundle) as found:
        assert hold(found, expected(found, artifact, "--artifact"), observed.read(out / "log.json", found.class_names)).same


@pytest.mark.parametrize("artifact", ["onnx/fp32", "onnx/w8a8_ptq"])
def test_all_that_belongs_to_a_model_lies_beside_it(shipped, artifact, tmp_path):
    _generate.generate(shipped, "ios_onnxruntime", artifact, tmp_path, "org.shop.fruit_bowl")
    model = tmp_path / "Sources" / "FruitBowlClassifier" / "Model"
    contract, file = _contract(shipped, artifact)
    assert json.loads((model / "contract.json").read_text()) == contract
    assert (model / "model.onnx").read_bytes() == file.read_bytes()
    assert all((model / "golden" / photo["file"]).is_file() for photo in contract["golden"])


@pytest.mark.parametrize(("specification", "system"), [(6, "15"), (7, "16"), (8, "17"), (99, None)])
def test_the_package_asks_for_the_ios_that_loads_the_model(shipped, specification, system, tmp_path):
    package = tmp_path / "model.mlmodel"
    package.write_bytes(bytes([8, specification, 18]))
    with opened(shipped) as found:
        app = _reading.read(found, "onnx/fp32", ("onnx",), "com.example.fruit")
        app = dataclasses.replace(app, model={"model.mlpackage/Data/model.mlmodel": package})
        assert isinstance(app, _base.App)
        if system is None:
            assert "is not known" in ios.unfit(app)
            return
        assert ios.unfit(app) is None
        files = ios.files(app)
        assert f'.iOS("{system}.0")'.encode() in files["Package.swift"]
        assert files["Sources/FruitClassifier/Model/model.mlpackage/Data/model.mlmodel"] == package
        assert ios_onnxruntime.RUNS.rpartition(" ")[2].encode() in ios_onnxruntime.files(app)["Package.swift"]
        assert b"import FruitClassifier\n" in files["Tests/FruitClassifierTests/GoldenPhotosTests.swift"]


@pytest.mark.parametrize("name", ["ios", "ios_onnxruntime"])
def test_it_compiles_without_a_warning_in_swift_6_too(shipped, name, program, tmp_path):
    """Its sources, and its test; `program` and `core_ml` are compiled as Swift 5, as the package says."""
    _generate.generate(shipped, "ios_onnxruntime", "onnx/fp32", tmp_path / "app", "com.example.fruit")
    for source in (_templates.FOLDER / name / "Sources" / "__module__").iterdir():
        (tmp_path / "app" / "Sources" / "FruitClassifier" / source.name).write_bytes(source.read_bytes())
    given = ("-swift-version", "6", "-parse-as-library", *program.given)
    sources = [*sorted((tmp_path / "app" / "Sources").rglob("*.swift")), swift_program.STUBS / "Resources.swift"]
    made = ("-o", tmp_path / "module.o", "-emit-module-path", tmp_path / "FruitClassifier.swiftmodule")
    swift_program.compile_("-c", "-module-name", "FruitClassifier", *given, *made, *sources)
    tests = sorted((tmp_path / "app" / "Tests").rglob("*.swift"))
    swift_program.compile_("-typecheck", "-module-name", "Tests", *given, "-I", tmp_path, *tests)


@pytest.mark.parametrize("scheme", ["fp32", "w8a8_ptq", "w8a8_qat"])
def test_its_input_is_golden_to_the_bit_from_the_same_pixels(program, shipped, scheme, tmp_path):
    _generate.generate(shipped, "ios_onnxruntime", f"onnx/{scheme}", tmp_path / "app", "com.example.fruit")
    contract, model = _contract(shipped, f"onnx/{scheme}")
    _table(contract, model, tmp_path / "answers")
    said, _ = program.run(
        [("replay", tmp_path / "out")],
        EDGETL_RESOURCES=tmp_path / "app" / "Sources" / "FruitClassifier",
        EDGETL_PIXELS=_photos(shipped, tmp_path / "pixels"),
        EDGETL_ANSWERS=tmp_path / "answers",
    )
    assert said == ["done"]
    _held(shipped, f"onnx/{scheme}", contract, tmp_path / "out")


def test_phone_photos_are_golden_to_the_bit(program, phone_photos, tmp_path):
    contract, file = _contract(phone_photos, "tflite/w8a8_qat")
    model = tmp_path / "resources" / "Model"
    shutil.copytree(phone_photos / "golden", model / "golden")
    shutil.copy(file, model / "model.tflite")
    (model / "contract.json").write_text(json.dumps(contract))
    _table(contract, file, tmp_path / "answers")
    program.run(
        [("replay", tmp_path / "out")],
        EDGETL_RESOURCES=model.parent,
        EDGETL_PIXELS=_photos(phone_photos, tmp_path / "pixels"),
        EDGETL_ANSWERS=tmp_path / "answers",
    )
    _held(phone_photos, "tflite/w8a8_qat", contract, tmp_path / "out")


def test_a_photo_that_is_not_turned_is_told(program, shipped, tmp_path):
    _generate.generate(shipped, "ios_onnxruntime", "onnx/fp32", tmp_path / "app", "com.example.fruit")
    contract, model = _contract(shipped, "onnx/fp32")
    _table(contract, model, tmp_path / "answers")
    program.run(
        [("replay", tmp_path / "out")],
        EDGETL_RESOURCES=tmp_path / "app" / "Sources" / "FruitClassifier",
        EDGETL_PIXELS=_photos(shipped, tmp_path / "pixels", turned6=1),
        EDGETL_ANSWERS=tmp_path / "answers",
    )
    first, second = (tmp_path / "out" / "faults.txt").read_text().splitlines()
    assert first.startswith("turned6.jpg: the input is off by ") and second.startswith("turned6.jpg: a probability is off by ")


@pytest.mark.parametrize("named", [True, False])
def test_core_ml_gets_the_square_as_a_picture_and_compiles_once(core_ml, shipped, named, tmp_path):
    """The same bundle as if it were a Core ML package: image input, answers named or in order."""
    contract, _ = _contract(shipped, "onnx/w8a8_ptq")
    output = {"name": "probabilities", "dtype": "float32", "scale": None, "zero_point": None}
    contract |= {"artifact": "coreml/fp16", "output": output}
    contract["input"] |= {"dtype": "image", "layout": "NHWC", "mean": 0.0, "std": 1.0}
    nhwc, _ = _contract(shipped, "tflite/w8a8_ptq")  # bytes as they are, too
    contract |= {"sample_at": nhwc["sample_at"], "golden": nhwc["golden"]}
    (tmp_path / "contract.json").write_text(json.dumps(contract))
    package = tmp_path / "Data"
    package.mkdir()
    (package / "model.mlmodel").write_bytes(bytes([8, 7, 18]))
    (package / "labels").write_text("\0".join(contract["labels"]) if named else "")
    with opened(shipped) as found:
        app = _reading.read(found, "onnx/fp32", ("onnx",), "com.example.fruit")
        inside = "model.mlpackage/Data/com.apple.CoreML"
        model = {f"{inside}/{name}": package / name for name in ("model.mlmodel", "labels")}
        app = dataclasses.replace(app, model=model, contract_file=tmp_path / "contract.json")
        for name, source in ios.files(app).items():
            (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "app" / name).write_bytes(source if isinstance(source, bytes) else source.read_bytes())
    _table(contract, package / "model.mlmodel", tmp_path / "answers")
    said, _ = core_ml.run(
        [("replay", tmp_path / "out"), ("replay", tmp_path / "again")],
        EDGETL_RESOURCES=tmp_path / "app" / "Sources" / "FruitClassifier",
        EDGETL_PIXELS=_photos(shipped, tmp_path / "pixels"),
        EDGETL_ANSWERS=tmp_path / "answers",
        HOME=tmp_path,
    )
    assert said == ["done", "done"]
    for photo in contract["golden"]:
        made = (tmp_path / "out" / f"{photo['file']}.input").read_bytes()
        assert hashlib.sha256(made).hexdigest() == photo["tensor_sha256"]
    assert (tmp_path / "out" / "faults.txt").read_text() == (tmp_path / "again" / "faults.txt").read_text() == ""
    assert len((tmp_path / "answers" / "compiled").read_text().splitlines()) == 1


CHANGES = {
    "schema": lambda c: c.update(schema=2),
    "dtype": lambda c: c["input"].update(dtype="float16"),
    "filter": lambda c: c["input"].update(interpolation="lanczos"),
    "layout": lambda c: c["input"].update(layout="CHWN"),
    "size": lambda c: c["input"].update(crop_px=41),
    "whole": lambda c: c["input"].update(crop_px=31.5),
    "text": lambda c: c["input"].update(std="1"),
    "std": lambda c: c["input"].update(std=0),
    "missing": lambda c: c["input"].pop("mean"),
    "labels": lambda c: c["labels"].append(c["labels"][0]),
    "places": lambda c: c["sample_at"].append(3 * 32 * 32),
    "samples": lambda c: c["golden"][0]["samples"].pop(),
    "probabilities": lambda c: c["golden"][0]["probabilities"].pop(),
    "tolerance": lambda c: c["golden"][0].update(tolerance=-1),
    "name": lambda c: c["golden"][0].update(file="../x.png"),
    "no photo": lambda c: c["golden"].clear(),
    "scale": lambda c: c["output"].update(dtype="int8", scale=None),
}


def test_a_contract_that_does_not_hold_is_refused(program, shipped, tmp_path):
    contract, _ = _contract(shipped, "onnx/fp32")
    rows = []
    for name, change in {"sound": lambda c: None, **CHANGES}.items():
        changed = json.loads(json.dumps(contract))
        change(changed)
        (tmp_path / f"{name}.json").write_text(json.dumps(changed))
        rows.append(("contract", tmp_path / f"{name}.json"))
    (tmp_path / "cut.json").write_text(json.dumps(contract)[:-2])
    said, _ = program.run([*rows, ("contract", tmp_path / "cut.json"), ("contract", tmp_path / "none.json")])
    assert said[0] == "taken onnx/fp32"
    assert [line for line in said[1:] if not line.startswith("fault ")] == []
    assert "schema 2 is not one that this app reads" in said[1] and "file: ../x.png is no name" not in said[1]


def _zipped(bundle, goal, change=None):
    """A bundle's zip, all in one folder; its contracts changed."""
    with zipfile.ZipFile(goal, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(p for p in bundle.rglob("*") if p.is_file()):
            data = path.read_bytes()
            if path.parent.name == "contracts" and change is not None:
                value = json.loads(data)
                change(value)
                data = json.dumps(value).encode()
            packed.writestr(f"net/{path.relative_to(bundle).as_posix()}", data)
    return goal


@pytest.fixture
def shop(tmp_path):
    """A channel of a folder, served: `publish` a zip, `row` of what a device asks."""
    key, folder = signing.new_key(), tmp_path / "shop"
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    who = Publisher(storage=Storage(str(folder)), channel="beta", key=key, trust=keys.only(key.public), now_s=NOW, valid_days=30)

    class Shop:
        def publish(self, path, file):
            data = path.read_bytes()
            file = File(path=f"artifacts/{file.name}", format="onnx", size_bytes=file.stat().st_size)
            release = Release(
                number=1, version="1", title=path.stem, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data),
                rollout=10_000, salt="-", files=(file,),
            )  # fmt: skip
            publishing.publish(who, path, release)

        def row(self, what, home):
            public = base64.b64encode(key.public.raw).decode()
            return (what, f"http://127.0.0.1:{server.server_port}", home, public, NOW, *DEVICE)

    yield Shop()
    server.shutdown()
    server.server_close()


def test_an_update_of_another_size_and_other_labels_reaches_the_model(program, shipped, others, shop, tmp_path):
    """From the channel into the app: proved by its own photos; one that is wrong is kept out, and it is said why."""
    _generate.generate(shipped, "ios_onnxruntime", "onnx/fp32", tmp_path / "app", "com.example.fruit")
    tables, homes = tmp_path / "answers", tmp_path / "home"
    _table(*_contract(shipped, "onnx/fp32"), tables)
    for other in others.values():
        _table(*_contract(other, "tflite/fp32"), tables)
        _photos(other, tmp_path / "pixels")
    _photos(shipped, tmp_path / "pixels")
    ask = partial(
        program.run,
        EDGETL_RESOURCES=tmp_path / "app" / "Sources" / "FruitClassifier",
        EDGETL_PIXELS=tmp_path / "pixels",
        EDGETL_ANSWERS=tables,
    )
    assert ask([shop.row("open", homes)])[0] == [f"the built-in model|{len(_contract(shipped, 'onnx/fp32')[0]['labels'])}|"]
    contract, file = _contract(others["bicubic"], "tflite/fp32")
    shop.publish(_zipped(others["bicubic"], tmp_path / "good.zip"), file)
    said, _ = ask([shop.row("proved", homes), shop.row("opened", homes)])
    assert said == [f"installed  1 1 artifacts/{file.name} true", "release 1 (version 1)|4|"]
    _held(others["bicubic"], "tflite/fp32", contract, tmp_path / "home.opened")
    bad = {
        "a sample": lambda c: c["golden"][3]["samples"].__setitem__(0, 9.0),
        "schema": lambda c: c.update(schema=2),
        "a class fewer": lambda c: c["golden"][0].update(probabilities=[0.25, 0.25, 0.25]),
    }
    for number, (name, change) in enumerate(bad.items(), start=2):
        shop.publish(_zipped(others["nearest"], tmp_path / f"{name}.zip", change), _contract(others["nearest"], "tflite/fp32")[1])
        said, messages = ask([shop.row("proved", homes), shop.row("proved", homes), shop.row("open", homes)])
        assert said[0] == f"kept refused {number} 1 artifacts/{file.name} true"
        assert f"release {number} is not right here" in messages
        assert said[1] == f"unchanged  {number} 1 artifacts/{file.name} true", "what was refused is not asked for again"
        assert said[2] == "release 1 (version 1)|4|"
    (damaged,) = homes.glob("*.zip")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    assert ask([shop.row("open", homes)])[0] == [
        "the built-in model|5|release 1 (version 1): it is not the bundle that was installed"
    ]
    assert ask([shop.row("proved", homes), shop.row("open", homes)])[0][1] == "release 1 (version 1)|4|", "it is fetched again"
    # what was not proved when it was installed is proved when it is opened
    said, _ = ask([shop.row("update", tmp_path / "new"), shop.row("open", tmp_path / "new")])
    assert said[0] == f"installed  {number} {number} artifacts/{file.name} true"
    assert said[1].startswith(f"the built-in model|5|release {number} (version 1): ") and "probabilities of 4 classes" in said[1]


def test_a_device_says_what_it_is(program, tmp_path):
    rows = [("device", app, tmp_path / "edgetl") for app in ("2.1-beta", "2.1", "beta")]
    first, second, refused = program.run(rows)[0]
    app, system, version, model, drawn = first.split("|")
    assert (app, system, model) == ("2.1-beta", "macos", platform.machine()) and version[0].isdigit()
    assert len(drawn) == 36 and second.endswith(f"|{drawn}") and (tmp_path / "edgetl.id").read_text() == drawn
    assert refused == "fault the version 'beta' does not begin with a number like 2.1"


def test_zips_that_edgetl_does_not_write_are_refused(program, tmp_path):
    text = b"right " * 5000

    def packed(*names, **kind):
        goal = tmp_path / f"{len(list(tmp_path.iterdir()))}.zip"
        with zipfile.ZipFile(goal, "w", **{"compression": zipfile.ZIP_DEFLATED, **kind}) as made:
            for name in names:
                made.writestr(name, text)
        return goal

    sound, stored = packed("net/a/b.txt", "net/c.txt"), packed("net/a/b.txt", compression=zipfile.ZIP_STORED)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(sound.read_bytes()[:-1])
    flipped = tmp_path / "flipped.zip"
    data = bytearray(sound.read_bytes())
    data[60] ^= 1
    flipped.write_bytes(data)
    longer = tmp_path / "longer.zip"
    data = bytearray(sound.read_bytes())
    place = data.rindex(b"PK\1\2") - 1
    first = data.index(b"PK\1\2")
    data[first + 24 : first + 28] = struct.pack("<I", 10)
    longer.write_bytes(data)
    assert place
    bad = {
        "path": packed("net/../../b.txt"), "root": packed("/net/b.txt"), "flat": packed("b.txt"), "drive": packed("net/c:b.txt"),
        "twice": packed("net/a/b.txt", "net/A/b.txt"), "bzip2": packed("net/a/b.txt", compression=zipfile.ZIP_BZIP2),
        "cut": cut, "flipped": flipped, "longer": longer, "text": tmp_path / "text",
    }  # fmt: skip
    bad["text"].write_bytes(text)
    rows = [("unpack", zipped, tmp_path / name, "a/", "c.txt") for name, zipped in {"1": sound, "2": stored, **bad}.items()]
    said, _ = program.run(rows)
    assert said[:2] == ["unpacked", "unpacked"]
    assert [name for name, line in zip(bad, said[2:], strict=True) if not line.startswith("fault ")] == []
    assert (tmp_path / "1" / "a" / "b.txt").read_bytes() == (tmp_path / "2" / "a" / "b.txt").read_bytes() == text
    assert (tmp_path / "1" / "c.txt").read_bytes() == text
    assert not (tmp_path / "b.txt").exists() and not (tmp_path.parent / "b.txt").exists()
