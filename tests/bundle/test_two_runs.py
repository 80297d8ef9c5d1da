"""Two whole runs of one recipe, from empty stores, give the same bundle to the byte; and the key that signs it stays unseen."""

import json
import os
import subprocess
import sys

import pytest

from edgetl import signing
from edgetl.bundle.verifying import verify_bundle


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_whole_runs_give_the_same_signed_bundle(tiny, tmp_path):
    recipe = tiny("tflite/fp32", "tflite/w8a8_qat", "onnx/w8a8_qat", "coreml/fp16")
    key = signing.new_key()
    secret = key.pem().decode()
    zips = []
    for number, (mask, locale) in enumerate(((0o022, "C"), (0o077, "C.UTF-8"))):
        folder = tmp_path / f"deep{'er' * number}"
        folder.mkdir()
        environment = {
            **os.environ, "LC_ALL": locale, "TZ": f"UTC-{5 * number}", "USER": f"user{number}", "PYTHONHASHSEED": str(number + 1),
            signing.VARIABLE: secret,
        }  # fmt: skip
        command = [sys.executable, "-m", "edgetl", "ship", str(recipe), "--json"]
        done = subprocess.run(command, cwd=folder, env=environment, umask=mask, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert {stage["status"] for stage in report["stages"]} == {"ran"}
        assert report["bundle"]["signed_by"] == key.public.id
        made = folder / "runs" / "tiny"
        for form in ("bundle", "bundle.zip"):
            assert verify_bundle(made / form, key.public).origin_checked
        zips.append((made / "bundle.zip").read_bytes())
        line = secret.splitlines()[1]
        assert line not in done.stdout + done.stderr
        for path in folder.rglob("*"):
            assert not path.is_file() or line.encode() not in path.read_bytes(), path
    assert zips[0] == zips[1]
