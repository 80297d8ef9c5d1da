"""A bundle of some artifacts is a whole bundle: it verifies, says nothing of the others, and its bytes follow from its inputs."""

import dataclasses
import hashlib
import json

import pytest

from edgetl.bundle import archive
from edgetl.bundle.faults import BundleFault
from edgetl.bundle.restricting import restrict
from edgetl.bundle.verifying import verify_bundle
from edgetl.errors import InputError
from edgetl.types import Companion, Verdict

from .. import small_bundle as small


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Its Core ML file has a companion, which goes where it goes."""
    plain = small._artifacts

    def with_companion(folder):
        made = plain(folder)
        (folder / "small.ort").write_bytes(b"ort")
        companion = Companion(path="small.ort", sha256=hashlib.sha256(b"ort").hexdigest(), size_bytes=3)
        return {**made, "coreml/fp16": dataclasses.replace(made["coreml/fp16"], companions=(companion,))}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "_artifacts", with_companion)
        return small.make(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def sums(source):
    held = json.loads((source / "manifest.json").read_text())["artifacts"]
    return {f"{a['format']}/{a['scheme']}": a["sha256"] for a in held}


VERDICT = Verdict(
    format="coreml", scheme="fp16", device="iphone-14-pro", gate="size_mb", outcome="pass", value=0.003, interval=None,
    limit=16.0, evidence="measured", reason="0.003 MB; the budget is 16 MB.",
)  # fmt: skip


@pytest.mark.parametrize("name", ["coreml/fp16", "tflite/fp32"])
def test_it_is_whole_and_of_one_artifact(source, sums, tmp_path, name):
    for number, given in enumerate((source, source.parent / "bundle.zip")):
        restrict(given, tmp_path / f"{number}", {name: sums[name]}, [VERDICT] if name == "coreml/fp16" else [])
        archive.pack(tmp_path / f"{number}", tmp_path / f"{number}.zip", "small")
        assert verify_bundle(tmp_path / f"{number}.zip").artifacts == (name,)
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes(), "the same inputs, the same bytes"
    other = next(n for n in sums if n != name)
    manifest, golden = (json.loads((tmp_path / "0" / p).read_text()) for p in ("manifest.json", "golden/golden.json"))
    assert [v["reason"] for v in manifest["verdicts"]] == ([VERDICT.reason] if name == "coreml/fp16" else [])
    assert list(golden["artifacts"]) == [name] and len(golden["images"]) == 2
    for file in (tmp_path / "0").rglob("*"):
        if file.suffix in (".md", ".html", ".json") and file.name != "evaluation.json":
            assert other not in file.read_text(), file
    assert (tmp_path / "0" / "artifacts" / "small.ort").exists() == (name == "coreml/fp16")
    before = {p.relative_to(source).as_posix(): p.read_bytes() for p in source.rglob("*") if p.is_file()}
    after = {p.relative_to(tmp_path / "0").as_posix(): p.read_bytes() for p in (tmp_path / "0").rglob("*") if p.is_file()}
    changed = {n for n in before if n in after and before[n] != after[n]}
    assert changed == {"manifest.json", "golden/golden.json", "card.md", "card.html"}
    assert {n.split(".")[0] for n in set(before) - set(after)} == {"artifacts/small", "contracts/small"} and not set(after) - set(
        before
    )


def test_other_artifacts_and_spoilt_bundles_are_refused(source, sums, tmp_path):
    with pytest.raises(InputError, match="tflite/fp32: is not in it, or is another file"):
        restrict(source, tmp_path / "a", {"tflite/fp32": sums["coreml/fp16"]}, [])
    with pytest.raises(InputError, match="onnx/fp32"):
        restrict(source, tmp_path / "b", {"onnx/fp32": "0" * 64}, [])
    spoilt = bytearray((source.parent / "bundle.zip").read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    (tmp_path / "spoilt.zip").write_bytes(spoilt)
    with pytest.raises(BundleFault):
        restrict(tmp_path / "spoilt.zip", tmp_path / "c", sums, [])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["spoilt.zip"]
