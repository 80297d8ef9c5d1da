"""What a bundle says of itself: its schema, where it comes from, its cards and lists; and that the same makes the same."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import jsonschema
import pytest

from edgetl import signing
from edgetl.bundle import contracts, licences, manifest, names, plain, provenance, sbom, signature
from edgetl.errors import InputError

from .. import small_bundle as small


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return small.make(tmp_path_factory.mktemp("small"))


def _json(bundle, name):
    return json.loads((bundle / name).read_text(encoding="utf-8"))


def test_the_schema_in_the_repository_is_the_one_that_is_checked(bundle, edgetl):
    schema = json.loads(manifest.schema_file().read_text(encoding="utf-8"))
    assert schema == manifest.schema() == json.loads(edgetl("ship", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    value = _json(bundle, "manifest.json")
    jsonschema.validate(value, schema)
    for change in (
        {"run": "x"},
        {"schema": 2},
        {"classes": []},
        {"files": {"../x": value["files"]["labels.txt"]}},
        {"files": {"x": {"sha256": "no", "size_bytes": 1}}},
        {"files": {"x": {"sha256": "0" * 64, "size_bytes": -1}}},
    ):
        wrong = {**value, **change}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
        with pytest.raises(InputError, match=r"manifest\.json"):
            manifest.check_whole(manifest.read(plain.text(wrong).encode(), bundle), bundle)


def test_contracts_obey_their_schema(bundle, edgetl):
    schema = json.loads(edgetl("ship", "schema", "--contract").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    for artifact in _json(bundle, "manifest.json")["artifacts"]:
        value = _json(bundle, artifact["contract"])
        jsonschema.validate(value, schema)
        assert contracts.checked(value, "x", bundle).labels == tuple(small.CLASSES)
        for change in (
            {"schema": 2},
            {"labels": []},
            {"run": "x"},
            {"golden": []},
            {"input": {**value["input"], "dtype": "int16"}},
            {"input": {**value["input"], "interpolation": "area"}},
            {"output": {**value["output"], "scale": 0}},
        ):
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({**value, **change}, schema)
            with pytest.raises(InputError, match="^[^\n]*x: "):
                contracts.checked({**value, **change}, "x", bundle)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c["labels"].append("red"), "labels: names one twice"),
        (lambda c: c["labels"].append("x"), "0.png: must have 4 probabilities, one a label"),
        (lambda c: c["golden"][1]["samples"].pop(), "1.png: must have 64 samples"),
        (lambda c: c["golden"][1].update(file="0.png"), "golden: names one twice"),
        (lambda c: c["golden"][1].update(file="../0.png"), "is not the name of a file"),
        (lambda c: c["sample_at"].reverse(), "sample_at: are not the places"),
        (lambda c: c["input"].update(layout="NCHW"), "sample_at: are not the places"),
        (lambda c: c["input"].update(resize_px=31), "input.crop_px: is larger than resize_px"),
        (lambda c: c["input"].update(dtype="uint8"), "input.mean: must be 0, and std 1"),
        (lambda c: c["input"].update(std=0.0), "input.std: 0.0 is out of range"),
        (lambda c: c["output"].update(dtype="uint8"), "output: uint8 needs scale and zero_point"),
        (lambda c: c["output"].update(dtype="float16"), "output.dtype"),
    ],
)
def test_contracts_that_contradict_themselves_are_refused(bundle, change, says):
    value = _json(bundle, "contracts/small.tflite.json")
    change(value)
    with pytest.raises(InputError, match=says):
        contracts.checked(value, "x", bundle)


@pytest.mark.parametrize("name", ["a", "a/b.c", "Data/com.apple.CoreML/model.mlmodel", "é.txt", "console.txt", "a.b/.hidden"])
def test_plain_names(name):
    assert names.plain(name)


@pytest.mark.parametrize(
    "name",
    ["", "/a", "../a", "a/..", "a/./b", "a//b", "a/", "a\\b", "C:a", "a\0", "a\n", "a.", "a ", "a./b", "CON", "b/nul.txt",
     "Com1", "*", "x" * 256, "é" * 200, "a/" * 300 + "b"],
)  # fmt: skip
def test_names_that_are_none(name):
    assert not names.plain(name)


def test_the_same_inputs_give_the_same_bytes_anywhere(tmp_path):
    """Other folder, umask, hash seed, locale, time zone and user name."""
    made = []
    for number, (mask, seed, locale) in enumerate(((0o022, "1", "C"), (0o077, "2", "C.UTF-8"))):
        folder = tmp_path / f"deep{'er' * number}"
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": f"UTC-{5 * number}", "USER": f"u{number}"}
        script = os.path.abspath(small.__file__)
        subprocess.run([sys.executable, script, str(folder)], check=True, cwd=folder, env=environment, umask=mask)
        made.append((folder / "bundle.zip").read_bytes())
    assert made[0] == made[1]
    key = signing.new_key()
    for folder in ("deep", "deeper"):
        signature.sign(tmp_path / folder / "bundle", key)
    assert len({(tmp_path / f / "bundle" / "manifest.sig").read_bytes() for f in ("deep", "deeper")}) == 1


def test_provenance_names_no_place_of_this_computer(bundle):
    for path in bundle.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"someone" not in data and b"secret place" not in data and str(bundle.parent).encode() not in data, path
    told = _json(bundle, "manifest.json")["provenance"]
    assert told["recipe"]["overrides"] == ["data.path=…/photos"]
    assert "path: …/photos}" in (bundle / "recipe.yaml").read_text(encoding="utf-8")
    assert told["recipe"]["file_sha256"] == plain.digest((bundle.parent / "small.yaml").read_bytes())
    assert told["data"]["train"]["classes"] == dict.fromkeys(small.CLASSES, 1)


def test_the_digest_of_the_images_is_of_bytes_and_classes():
    def index(*images):
        told = [{"name": n, "class_index": c, "split": "train", "sha256": s} for n, c, s in images]
        return {"class_names": ["a", "b"], "label_sets": None, "images": told}

    one = provenance.of_images(index(("x", 0, "11"), ("y", 1, "22")))
    assert one["train"]["sha256"] == plain.digest(b"11  a\n22  b\n")
    assert one == provenance.of_images(index(("z", 1, "22"), ("q", 0, "11")))
    assert one != provenance.of_images(index(("x", 1, "11"), ("y", 1, "22")))
    several = {**index(("x", 0, "11")), "label_sets": [[0, 1]]}
    assert provenance.of_images(several)["train"]["classes"] == {"a": 1, "b": 1}


def test_what_was_skipped_is_one_line_for_each_artifact_and_device(bundle):
    from edgetl.bundle import card

    one = _json(bundle, "manifest.json")["verdicts"][0]
    left_out = {**one, "outcome": "skipped", "evidence": None, "interval": None, "value": None}
    verdicts = [one]
    for form, scheme, gates in (("tflite", "fp32", ["size_mb"]), ("coreml", "fp16", ["latency_p90_ms", "size_mb"])):
        verdicts += [{**left_out, "format": form, "scheme": scheme, "gate": g, "reason": "no runtime."} for g in gates]
    value = {**_json(bundle, "manifest.json"), "verdicts": verdicts}
    lines = card.judged(value, "pixel-4")
    assert [(v["file"], v["gate"], v["outcome"], v["reason"]) for v in lines] == [
        ("tflite/fp32", "latency_p90_ms", "unsure", one["reason"]),
        ("tflite/fp32", "size_mb", "skipped", "no runtime."),
        ("coreml/fp16", "latency_p90_ms, size_mb", "skipped", "no runtime."),
    ]
    assert card.judged(value, None) == []


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.outside = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.outside += [f"{k}={v}" for k, v in attrs if k in ("src", "href") or (v and "://" in v)]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_cards_tell_what_is_known_and_how(bundle):
    markdown, page = ((bundle / name).read_text(encoding="utf-8") for name in ("card.md", "card.html"))
    for text in (markdown, page):
        for words in ("Version 1.2.0, by Ann", "Intended use", "estimate from published measurements",
                      "measured on the test images", "0.800 to 1.000", "Quantization", "How to cite", "pixel-4", "unsure",
                      "Apache-2.0", "CC-BY-4.0"):  # fmt: skip
            assert words in text, words
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    columns = {len(re.findall(r"(?<!\\)\|", line)) for line in rows if "straddles" in line}
    assert columns == {7}, "what a verdict says breaks no table"
    facts = _json(bundle, "manifest.json")["provenance"]["recipe"]
    for text in (markdown, page):
        assert "data.path=…/photos" in text, "what ran is not what the file says"
        digests = {facts["sha256"], facts["file_sha256"], plain.digest((bundle / "recipe.yaml").read_bytes())}
        assert all(digest in text for digest in digests) and len(digests) == 3
    parsed = _Page(page)
    assert not parsed.open and not parsed.outside
    assert "<b>" not in page and "Colours | &lt;b&gt;" in page
    for needed in ("prefers-color-scheme: dark", "width=device-width", "@media print", 'lang="en"'):
        assert needed in page


def test_the_toolchain_is_a_valid_cyclonedx_list(bundle):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (bundle / "sbom.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    value = json.loads(text)
    parts = {c["name"]: c for c in value["components"]}
    assert {"packaging", "pillow", "edgetl", "cpython"} <= set(parts)
    assert parts["packaging"]["purl"].startswith("pkg:pypi/packaging@")
    assert parts["packaging"]["licenses"] == [{"expression": "Apache-2.0 OR BSD-2-Clause"}]
    assert value["metadata"]["component"]["type"] == "machine-learning-model"
    assert "timestamp" not in value["metadata"]
    other = sbom.of({"name": "small", "version": "1.2.1", "licence": "Apache-2.0"}, ["packaging", "pillow"])
    assert other["serialNumber"] != value["serialNumber"]
    assert set(sbom.installed(["typer"])) > {"typer", "click"}, "what a package needs is listed too"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Apache-2.0 (TensorFlow models and Keras applications)", ["Apache-2.0"]),
        ("BSD-3-Clause (Huang et al.'s models) and Apache-2.0 (Keras applications)", ["BSD-3-Clause", "Apache-2.0"]),
        ("CC BY 4.0: E. Alpaydin, 1998", ["CC-BY-4.0"]),
        ("MIT (He et al.'s models)", ["MIT"]),
        ("that of the file", []),
        ("", []),
    ],
)
def test_spdx_identifiers_are_found_in_words(text, found):
    assert licences.spdx(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("The MIT License", "MIT"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("BSD 2-Clause License", "BSD-2-Clause"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("BSD", "BSD"),
        ("BSD License", "BSD License"),
        ("Apache Software License", "Apache Software License"),
        ("MIT and BSD", "MIT and BSD"),
        ("Apache-2.0 OR BSD-2-Clause", "Apache-2.0 OR BSD-2-Clause"),
        ("", ""),
    ],
)
def test_names_of_licences_become_identifiers_where_they_mean_one(text, found):
    assert licences.identifier(text) == found


def test_a_pair_of_keys_is_made_once_and_signs(bundle, edgetl, tmp_path):
    import shutil

    done = edgetl("ship", "key", "mine", "--json")
    made = json.loads(done.stdout)
    assert (tmp_path / "mine.key").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in done.stdout + done.stderr
    before = (tmp_path / "mine.key").read_bytes()
    again = edgetl("ship", "key", "mine")
    assert again.returncode == 2
    assert "never overwritten" in again.stderr
    assert (tmp_path / "mine.key").read_bytes() == before
    (tmp_path / "half.pub").write_text("x")
    assert edgetl("ship", "key", "half").returncode == 2
    assert not (tmp_path / "half.key").exists()
    assert edgetl("ship", "key", "no/such/folder/k").returncode == 2
    signed = shutil.copytree(bundle, tmp_path / "bundle")
    signature.sign(signed, signing.secret_key(tmp_path / "mine.key"))
    assert _json(signed, "manifest.sig")["key_id"] == made["id"]
    done = edgetl("ship", "verify", signed, "--key", "mine.pub")
    assert (done.returncode, f"Signed by {made['id']}" in done.stdout) == (0, True)


def test_a_run_says_who_signed_its_bundle():
    from edgetl.report import rows

    facts = {"path": "bundle.zip", "sha256": "ab" * 32, "signed_by": None}
    assert rows.bundled(facts) == f"bundle.zip, sha256 {'ab' * 32}, not signed"
    assert rows.bundled({**facts, "signed_by": "0123456789abcdef"}).endswith(", signed by key 0123456789abcdef")


def test_openssl_accepts_the_signature(bundle, tmp_path):
    """The format is Ed25519 over `edgetl bundle 1\\n` and the manifest, so another program can check it."""
    import base64
    import shutil

    openssl = shutil.which("openssl")
    if openssl is None:
        if "EDGETL_CI" in os.environ:
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")
    key = signing.new_key()
    signed = shutil.copytree(bundle, tmp_path / "bundle")
    signature.sign(signed, key)
    (tmp_path / "k.pub").write_bytes(key.public.pem())
    (tmp_path / "sig").write_bytes(base64.b64decode(_json(signed, "manifest.sig")["signature"]))
    (tmp_path / "data").write_bytes(b"edgetl bundle 1\n" + (signed / "manifest.json").read_bytes())
    command = [openssl, "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "k.pub", "-in", "data", "-sigfile", "sig"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_whose_key_is_bad_stops_before_anything_runs(edgetl, tmp_path, tiny):
    (tmp_path / "no.key").write_text("no key")
    (tmp_path / "no.key").chmod(0o600)
    done = edgetl("ship", tiny("tflite/fp32"), "--key", "no.key")
    assert done.returncode == 2
    assert "no.key: is no unencrypted secret key" in done.stderr
    assert not (tmp_path / ".edgetl").exists()


def test_a_key_in_the_environment_reaches_no_child(monkeypatch):
    from edgetl import isolation

    monkeypatch.setenv(signing.VARIABLE, "secret")
    assert signing.VARIABLE not in isolation._merged({})


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("wanted", [0.2, 0.9999])
def test_cards_show_what_evaluations_give(bundle, tmp_path, several, wanted):
    """One label an image or several, a class without test images, a precision that is reached or not."""
    import numpy as np

    from edgetl import evaluation, multilabel
    from edgetl.bundle import card

    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, 60), rng.normal(0, 1, (60, 3))
    logits[np.arange(60), labels] += 3
    names_ = tuple(small.CLASSES)
    if several:
        sets = np.array([[True, False, False], [True, True, False]])
        found = multilabel.evaluate(logits, labels, logits, labels, names_, sets, wanted)
    else:
        found = evaluation.evaluate(logits, labels, logits, labels, names_, wanted)
    value = _json(bundle, "manifest.json")
    if several:
        value["answers"] = {"labels_per_image": "several", "function": "sigmoid", "named_from": 0.5}
    (tmp_path / "recipe.yaml").write_bytes((bundle / "recipe.yaml").read_bytes())
    card.write(tmp_path, value, found, _json(bundle, "licences.json"), ["Decode it."])
    texts = [(tmp_path / name).read_text(encoding="utf-8") for name in ("card.md", "card.html")]
    for text in texts:
        assert ("mean average precision" in text) is several
        assert ("as precise as wanted" in text) is (wanted < 0.5)
        assert "None" not in text and "nan" not in text
    assert re.search(r"^\| red \| – \| – to – \|", texts[0], re.M)
