"""The pages that `ship app` writes, in Chromium, with the packages that their package.json names."""

import functools
import http.server
import json
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from edgetl.apps import _generate
from edgetl.bundle.opening import opened
from edgetl.golden.check import hold
from edgetl.golden.expected import expected, opening
from edgetl.preprocess import to_pixels
from edgetl.replay import network, observed
from edgetl.replay.hypotheses import as_values


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def browse(need, tmp_path):
    """Write a page and look at it."""
    modules, chromium, node = need["node_modules"](), need["chromium"](), need["node"]()

    def look(bundle, platform, artifact, photos):
        out = tmp_path / "page"
        _generate.generate(bundle, platform, artifact, out, None)
        wanted = json.loads((out / "package.json").read_text())["dependencies"]
        for name, version in wanted.items():
            assert json.loads((modules / name / "package.json").read_text())["version"] == version
        (out / "node_modules").symlink_to(modules)
        (out / "photos").mkdir()
        for name, data in photos.items():
            (out / "photos" / name).write_bytes(data)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(out)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = {
            "modules": str(modules.resolve()),
            "chromium": str(chromium),
            "url": f"http://127.0.0.1:{server.server_port}/",
            "photo": str(out / "photos" / next(iter(photos))),
            "photos": [f"photos/{name}" for name in photos],
        }
        try:
            script = Path(__file__).with_name("browse.mjs")
            done = subprocess.run([node, script], input=json.dumps(asked), capture_output=True, text=True, timeout=300)
        finally:
            server.shutdown()
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return look


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


@pytest.mark.parametrize("artifact", ["onnx/fp32", pytest.param("onnx/w8a8_ptq", marks=pytest.mark.slow), pytest.param("onnx/w8a8_qat", marks=pytest.mark.slow)])
def test_a_browser_answers_as_we_do(browse, shipped, making, artifact, tmp_path):
    photos = making.many(100)
    seen = browse(shipped, "web", artifact, photos)
    off = _held(shipped, artifact, seen, photos, tmp_path, 1.0)
    assert off < (0.002 if artifact == "onnx/fp32" else 0.02)


def test_mediapipe_in_a_browser_answers_as_we_do(browse, shipped, making, tmp_path):
    photos = making.many(100)
    seen = browse(shipped, "web_mediapipe", "tflite/w8a8_ptq", photos)
    assert _held(shipped, "tflite/w8a8_ptq", seen, photos, tmp_path, 1.0) < 0.02
