"""Golden photos: a bundle's contract, apps held against it, bundles that lie."""

import hashlib
import json
import re

import pytest

from edgetl import tensors
from edgetl.bundle import archive, contracts, plain
from edgetl.bundle.opening import opened
from edgetl.errors import InputError
from edgetl.golden import check, contract, log
from edgetl.golden.expected import expected, opening
from edgetl.replay import observed
from edgetl.types import to_json


def _seal(folder, classes):
    """Write the manifest of what lies there, as `ship` does."""
    (folder / "manifest.json").unlink(missing_ok=True)
    files = {
        p.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(p.read_bytes()).hexdigest(), "size_bytes": p.stat().st_size}
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    value = {**_manifest(classes), "files": files}
    for artifact in value["artifacts"]:
        artifact["sha256"] = files[artifact["path"]]["sha256"]
    (folder / "manifest.json").write_text(json.dumps(value))


def _manifest(classes):
    output = {"name": "probabilities", "dtype": "float32", "scale": None, "zero_point": None}
    ends = {"inputs": [{"name": "image"}], "outputs": [output]}
    artifacts = [{"format": "tflite", "scheme": s, "path": f"artifacts/{s}.tflite", **ends} for s in ("fp32", "w8a8_ptq")]
    answers = {"labels_per_image": "one", "named_from": None}
    return {"schema": 1, "name": "grocer", "version": "1", "classes": classes, "artifacts": artifacts, "answers": answers}


@pytest.fixture(scope="session")
def bundle(replayed, grocer, tmp_path_factory):
    """A bundle of both files with four golden photos."""
    folder = tmp_path_factory.mktemp("shipped") / "bundle"
    for name in ("artifacts", "golden"):
        (folder / name).mkdir(parents=True)
    worlds = {"tflite/fp32": replayed("float32"), "tflite/w8a8_ptq": replayed("int8")}
    world = worlds["tflite/fp32"]
    rows = contract.choose([(int(label), data) for label, data in zip(world.labels, world.data, strict=True)], 4)
    images = []
    for number, row in enumerate(rows):
        (folder / "golden" / f"{number}.jpg").write_bytes(world.data[row])
        answers = {name: w.replays.outputs["none"][row] for name, w in worlds.items()}
        label = grocer.class_names[world.labels[row]]
        images.append(contract.Golden(file=f"{number}.jpg", data=world.data[row], label=label, probabilities=answers))
    places = {name: f"artifacts/{name.split('/')[1]}.tflite" for name in worlds}
    for name, w in worlds.items():
        (folder / places[name]).write_bytes(w.path.read_bytes())
    paths = {name: w.path for name, w in worlds.items()}
    written = [contract.contract(images, paths, grocer.preprocess, grocer.class_names, places) for _ in range(2)]
    assert written[0] == written[1]
    (folder / "golden" / "golden.json").write_text(json.dumps(written[0]))
    (folder / "preprocess.json").write_text(json.dumps({"schema": 1, **to_json(grocer.preprocess), "steps": []}))
    manifest = {**_manifest(grocer.class_names), "preprocess": to_json(grocer.preprocess)}
    for name, value in contracts.derive(manifest, written[0]).items():
        plain.write(folder / name, value)
    _seal(folder, grocer.class_names)
    return folder


def test_the_contract_states_every_step(bundle):
    found = json.loads((bundle / "golden" / "golden.json").read_text())
    assert any(image["turned"] for image in found["images"])
    assert any(image["width"] != image["height"] for image in found["images"])
    assert len({image["label"] for image in found["images"]}) == 4
    for image in found["images"]:
        floats, integers = (image["tensors"][name]["samples"] for name in ("tflite/fp32", "tflite/w8a8_ptq"))
        assert integers == [value - 128 for value in image["pixels"]["samples"]]
        assert floats == pytest.approx([value / 127.5 for value in integers], abs=1e-6)
        assert image["pixels"]["tolerance"]["samples"] == max(
            2, *(2 * m["samples"] for m in image["pixels"]["measured"].values())
        )
        assert len(image["pixels"]["measured"]) == 4
        for name, most in image["measured"].items():
            assert image["tolerance"][name] >= 2 * max(most.values())
            assert image["tolerance"][name] < 0.4
            assert image["top"][name][0]["probability"] == max(image["probabilities"][name])


def test_special_photos_are_chosen_first_and_classes_differ(replayed):
    world = replayed("float32")
    photos = [(int(label), data) for label, data in zip(world.labels, world.data, strict=True)]
    assert len(contract.choose(photos, 1)) == 1
    assert contract.choose([(0, b"no image"), (1, b"none")], 4) == [0, 1]


def _held(bundle, artifact, images):
    value = observed.AppLog(schema=1, artifact=artifact, images=tuple(images))
    with opened(bundle) as found:
        return check.hold(found, expected(found, artifact, "the log"), value)


def _logged(bundle, app, **how):
    names = sorted(p.name for p in (bundle / "golden").glob("*.jpg"))
    return [app.log(name, (bundle / "golden" / name).read_bytes(), **how) for name in names]


PLACES = tensors.sample_at(96, "NHWC")


@pytest.mark.parametrize(("io", "artifact"), [("float32", "tflite/fp32"), ("int8", "tflite/w8a8_ptq")])
@pytest.mark.parametrize(
    "decoder", [{"dct_method": "INTEGER_FAST"}, {"dct_method": "INTEGER_ACCURATE", "fancy_upscaling": False}]
)
def test_sound_apps_are_within_the_tolerances(bundle, replayed, io, artifact, decoder):
    for app in (replayed(io).app, replayed(io).reference):
        assert _held(bundle, artifact, _logged(bundle, app, decoder=decoder, places=PLACES)).same
        assert _held(bundle, artifact, _logged(bundle, app, decoder=decoder, say="top")).same


@pytest.mark.parametrize(
    ("planted", "first", "named"),
    [
        ("nearest", "decode or resize", "nearest"),
        ("squash", "decode or resize", "squash"),
        ("bgr", "normalisation or layout", "bgr"),
        ("range_0_1", "normalisation or layout", "range_0_1"),
        ("channels_first", "normalisation or layout", "channels_first"),
        ("labels_shifted", "labels", "labels_shifted"),
    ],
)
def test_the_first_step_that_differs_is_told(bundle, replayed, planted, first, named):
    found = _held(bundle, "tflite/fp32", _logged(bundle, replayed("float32").app, mistakes={planted}, places=PLACES))
    assert not found.same
    assert first in {image.first for image in found.images} <= {"same", first}
    assert found.diagnosis.finding.outcome == "named"
    assert found.diagnosis.finding.explanations[0].mistakes == (named,)


@pytest.mark.parametrize("say", ["none", "names", "probabilities"])
def test_samples_of_the_input_decide(bundle, replayed, say):
    from dataclasses import replace

    app = replayed("float32").app
    logs = _logged(bundle, app, mistakes={"bgr"}, places=PLACES, say=say.replace("none", "names"))
    found = _held(bundle, "tflite/fp32", [replace(i, top=None) for i in logs] if say == "none" else logs).diagnosis
    assert (found.finding.outcome, found.finding.explanations[0].best, found.input) == ("named", "bgr", "wrong")


@pytest.mark.parametrize("changed", ["gamma", "recompressed"])
def test_an_unknown_change_of_the_input_is_no_sound_app(bundle, replayed, changed):
    import io

    import numpy as np
    from PIL import Image, ImageOps

    from edgetl.replay import diagnosis

    logs = []
    for path in sorted((bundle / "golden").glob("*.jpg")):
        photo = ImageOps.exif_transpose(Image.open(path))
        if changed == "gamma":
            photo = Image.fromarray((255 * (np.asarray(photo) / 255) ** 0.6).round().astype(np.uint8))
        copy = io.BytesIO()
        photo.save(copy, "JPEG", quality=95 if changed == "gamma" else 12)
        logs.append(replayed("float32").app.log(path.name, copy.getvalue(), places=PLACES))
    found = _held(bundle, "tflite/fp32", logs)
    assert not found.same
    assert found.diagnosis.finding.outcome == "unexplained"
    assert () not in {e.mistakes for e in found.diagnosis.finding.explanations}
    said = " ".join(diagnosis.words(found.diagnosis))
    assert "it is before the network" in said
    assert "how_to_log" not in said


def test_two_mistakes_that_no_photo_tells_apart_are_no_crash(bundle, replayed):
    logs = _logged(bundle, replayed("float32").app, mistakes={"bgr", "torch"}, say="names")
    assert not _held(bundle, "tflite/fp32", logs).same


def test_a_photo_that_would_tell_two_mistakes_from_one_is_looked_for(replayed):
    from edgetl.replay import diagnosis

    world = replayed("float32")
    images = [world.app.log(n, d, mistakes={"bgr", "nearest"}) for n, d in zip(world.names[:5], world.data, strict=False)]
    found = diagnosis.explain(images, range(5), world.names, world.data, world.replays, world.network)
    assert found.finding.outcome == "undecided", "or the photo is not looked for"
    assert " + " in found.finding.explanations[0].best
    assert found.telling in world.names[5:]
    assert all(len(values) == 20 for values in world.replays.outputs.values()), "what was replayed before is left as it was"


def test_a_log_that_contradicts_itself_is_refused(bundle, replayed):

    with opened(bundle) as found:
        value = log.log(found, expected(found, "tflite/fp32", "the log"))
        wanted = expected(found, "tflite/fp32", "the log").golden

    def held(**changed):
        value["images"][0] = {**sound, **changed}
        (bundle.parent / "log.json").write_text(json.dumps(value))
        return _held(bundle, "tflite/fp32", observed.read(bundle.parent / "log.json", classes).images)

    classes, sound = found.class_names, value["images"][0]
    assert held().same
    for changed, why in (
        ({"tensor": {"sha256": wanted[0].tensor_sha256, "samples": list(wanted[1].samples)}}, "its sha256 is that of the right"),
        ({"probabilities": sound["probabilities"][1:] + sound["probabilities"][:1]}, "stand in another order"),
        ({"top": [{"label": classes[0], "probability": 0.123}], "probabilities": [0.0] * 9 + [1.0]}, "not among probabilities"),
    ):
        with pytest.raises(InputError, match=rf"0\.jpg: .*{why}"):
            held(**changed)
    value["images"][0] = sound


def test_answers_beyond_the_tolerance_are_never_called_sound(bundle, replayed):
    from edgetl.replay import diagnosis

    with opened(bundle) as found:
        images = {i.file: i for i in expected(found, "tflite/fp32", "the log").golden}
    logs = _logged(bundle, replayed("float32").app, decoder={})
    least = min(logs, key=lambda i: images[i.file].tolerance)
    shares = list(images[least.file].probabilities)
    shares[0] += 1.2 * images[least.file].tolerance * (1 if shares[0] < 0.5 else -1)
    wrong = [type(i)(file=i.file, probabilities=tuple(shares)) if i is least else i for i in logs]
    found = _held(bundle, "tflite/fp32", wrong)
    assert not found.same
    assert "a sound app explains" not in " ".join(diagnosis.words(found.diagnosis))


def test_another_network_is_told_apart_from_another_input(bundle, replayed):
    logs = _logged(bundle, replayed("float32").app, places=PLACES)
    wrong = [type(image)(file=image.file, tensor=image.tensor, probabilities=(0.1,) * 10) for image in logs]
    found = _held(bundle, "tflite/fp32", wrong)
    assert {image.first for image in found.images} == {"network"}
    assert found.diagnosis.finding.outcome == "unexplained"
    assert {
        i.first for i in _held(bundle, "tflite/fp32", [type(i)(file=i.file, probabilities=(0.1,) * 10) for i in logs]).images
    } == {"input or network"}
    assert _held(bundle, "tflite/fp32", logs[:3]).missing == ("3.jpg",)
    with pytest.raises(InputError, match="no golden photo"):
        _held(bundle, "tflite/fp32", [type(logs[0])(file="x.jpg", probabilities=(0.1,) * 10)])


def test_edgetls_own_log_is_the_same(bundle):
    with opened(bundle) as found:
        wanted = expected(found, "tflite/w8a8_ptq", "--artifact")
        text = json.dumps(log.log(found, wanted))
    path = bundle.parent / "app.json"
    path.write_text(text)
    assert (
        "input equal to the bit" in _held(bundle, "tflite/w8a8_ptq", observed.read(path, found.class_names).images).images[0].says
    )


def test_the_command_reads_a_zip_and_exits_1_when_something_differs(bundle, edgetl, tmp_path):
    packed = tmp_path / "bundle.zip"
    archive.pack(bundle, packed, "grocer")
    assert edgetl("golden", "run", packed, "--artifact", "tflite/fp32", "--out", "app.json").returncode == 0
    done = edgetl("golden", "check", packed, "--outputs", "app.json", "--json")
    assert (done.returncode, json.loads(done.stdout)["same"]) == (0, True)
    value = json.loads((tmp_path / "app.json").read_text())
    for image in value["images"]:
        image["tensor"] = {"samples": image["tensor"]["samples"]}
        image["probabilities"] = image["probabilities"][-1:] + image["probabilities"][:-1]
        del image["top"]
    (tmp_path / "bad.json").write_text(json.dumps(value))
    done = edgetl("golden", "check", packed, "--outputs", "bad.json")
    assert done.returncode == 1
    assert re.search(r"^0\.jpg: labels: input off by up to 0 levels \(allowed \d+\); probabilities off by up to 0\.", done.stdout)
    assert "Likeliest mistake: labels_shifted (next name)" in done.stdout
    wrong = edgetl("golden", "check", packed, "--outputs", "bad.json", "--artifact", "tflite/fp31")
    assert (wrong.returncode, "Did you mean 'tflite/fp32'" in wrong.stderr) == (2, True)


def test_diagnose_preprocessing_as_a_command(bundle, grocer, replayed, edgetl, tmp_path):
    world = replayed("float32")
    images = [to_json(world.app.log(n, d, mistakes={"bgr"})) for n, d in zip(world.names[:12], world.data, strict=False)]
    for image in images:
        del image["tensor"], image["top"]
    (tmp_path / "app.json").write_text(json.dumps({"schema": 1, "images": images}))
    file = bundle / "artifacts" / "fp32.tflite"
    done = edgetl("diagnose", "preprocessing", file, "--data", grocer.data, "--outputs", "app.json", "--limit", "12", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["diagnosis"]["finding"]["outcome"] == "named"
    assert found["says"][0].startswith("Likeliest mistake: bgr (")
    assert {"none", "bgr", "no_division", "labels_shifted (next name)"} <= {cost["name"] for cost in found["mistakes"]}


def test_a_changed_file_and_a_manifest_that_leaves_the_folder_are_refused(bundle, grocer, tmp_path):
    import shutil

    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    (copy / "golden" / "0.jpg").write_bytes((copy / "golden" / "0.jpg").read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="0.jpg: is not the file that manifest.json names"), opened(copy):
        pass
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["../secret"] = {"sha256": "0" * 64, "size_bytes": 1}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="is not a path inside the bundle"), opened(copy):
        pass
    shutil.copyfile(bundle / "golden" / "0.jpg", copy / "golden" / "0.jpg")
    path = copy / "contracts" / "fp32.tflite.json"
    sound = json.loads(path.read_text())
    turned = {**sound, "input": {**sound["input"], "layout": "NCHW"}, "sample_at": list(tensors.sample_at(96, "NCHW"))}
    for changed, why in (
        ({**sound, "path": "../../secret"}, "is not a path inside"),
        ({**sound, "path": "artifacts/w8a8_ptq.tflite"}, "is of artifacts/w8a8_ptq.tflite, not of artifacts/fp32.tflite"),
        ({**sound, "sample_at": turned["sample_at"]}, "not the places of such an input"),
        (turned, "input.layout: is 'NCHW'; the file takes 'NHWC'"),
        (None, r"holds no contracts/fp32\.tflite\.json; ship it again"),
    ):
        path.unlink() if changed is None else path.write_text(json.dumps(changed))
        _seal(copy, grocer.class_names)
        with opened(copy) as found, pytest.raises(InputError, match=why):
            opening(found, expected(found, "tflite/fp32", "the log"))
