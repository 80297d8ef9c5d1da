"""`edgetl report serve`: the shipped files run in Chromium as the golden contract says; nothing else is to be had."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from edgetl.bundle.opening import opened
from edgetl.errors import InputError
from edgetl.report import reading
from edgetl.report.page import serve, trial

GOLDEN = "document.body.dataset.golden"


@contextmanager
def _served(run, web):
    with opened(run / "bundle") as bundle, serve.server(serve.contents(reading.read(run), run, bundle, "", web), 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def web(need):
    """Folder with onnxruntime-web."""
    return need["node_modules"]() / "onnxruntime-web" / "dist"


def test_try_it_gives_the_golden_tensors_and_answers(run, web, look):
    with _served(run, web) as port:
        url = f"http://127.0.0.1:{port}/"
        views = [{"scheme": s, "width": w, "height": 800} for s, w in (("light", 1280), ("dark", 360))]
        photo = str(run / "bundle" / "golden" / "1.jpg")
        ask = """(async () => {
          const words = (id) => document.querySelector(id).innerText;
          const first = [document.body.dataset.golden, crossOriginIsolated, words("#top"), words("#times")];
          const select = document.querySelector("#artifact");
          select.value = "1";
          select.dispatchEvent(new Event("change"));
          while (!(document.body.dataset.golden || "").includes("w8a8_ptq")) await new Promise((r) => setTimeout(r, 50));
          return [...first, document.body.dataset.golden];
        })()"""
        seen = look(url, views, wait="body[data-golden]", photo=photo, ask=ask, axe=True)
        assert seen["errors"] == []
        assert all(request.startswith((url, f"blob:{url}")) for request in seen["requests"])
        golden, isolated, top, times, other = seen["state"]
        assert json.loads(golden) == {"artifact": "onnx/fp32", "tensors": 4, "bits": 4, "answers": 4, "of": 4}
        assert json.loads(other) == {"artifact": "onnx/w8a8_ptq", "tensors": 4, "bits": 4, "answers": 4, "of": 4}
        assert isolated
        assert top.startswith("a b\n"), "the photo that is turned by EXIF is green"
        assert times.startswith("240 × 160 px")
        assert [v for v in seen["axe"] if v["impact"] in ("serious", "critical")] == []


def test_a_tensor_or_an_answer_that_is_not_the_contracts_is_told(run, web, look, bundle, tmp_path):
    import hashlib

    (run / "bundle").unlink()
    shutil.copytree(bundle, run / "bundle")
    path = run / "bundle" / "contracts" / "fp32.onnx.json"
    contract = json.loads(path.read_text())
    first, *_, last = contract["golden"]
    first["tensor_sha256"], first["samples"] = "0" * 64, [value + 0.1 for value in first["samples"]]
    last["probabilities"].reverse()
    path.write_text(json.dumps(contract))
    manifest = json.loads((run / "bundle" / "manifest.json").read_text())
    facts = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size_bytes": path.stat().st_size}
    manifest["files"]["contracts/fp32.onnx.json"] = facts
    (run / "bundle" / "manifest.json").write_text(json.dumps(manifest))
    with _served(run, web) as port:
        seen = look(
            f"http://127.0.0.1:{port}/",
            wait="body[data-golden]",
            ask=f"[{GOLDEN}, document.querySelector('#golden-result').innerText]",
        )
    told = json.loads(seen["state"][0])
    assert (told["tensors"], told["bits"], told["answers"]) == (3, 3, 3)
    assert seen["state"][1].startswith("✕ 3 of 4 tensors")


def test_each_file_is_fed_as_its_own_contract_says(bundle):
    """One that takes bytes, or normalises by itself, leaves no mean to the page."""
    from edgetl.bundle.opening import opened

    with opened(bundle) as found:
        fed = {a["name"]: a["preprocess"] for a in trial.trial(found).record["artifacts"]}
    sizes = {"resize_px": 40, "crop_px": 32, "interpolation": "bilinear"}
    assert fed == {"onnx/fp32": {**sizes, "mean": 128.0, "std": 127.5}, "onnx/w8a8_ptq": {**sizes, "mean": 0.0, "std": 1.0}}


def test_only_what_is_listed_is_given_and_only_to_this_computer(run, tmp_path):
    web = tmp_path / "web"
    web.mkdir()
    for name in trial.RUNTIME:
        (web / name).write_text("export {};")
    with _served(run, web) as port:

        def ask(path, method="GET", host=f"127.0.0.1:{port}"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

        status, headers, page = ask("/")
        assert status == 200
        assert b'id="drop"' in page
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert ask("/model/0.onnx")[2] == (run / "bundle" / "artifacts" / "fp32.onnx").read_bytes()
        assert ask("/golden/2")[1]["content-type"] == "image/png"
        assert ask("/?x=1")[0] == 200
        escapes = [
            "/../report.json",
            "/golden/../../report.json",
            "/%2e%2e/report.json",
            "//etc/passwd",
            "/golden/9",
            "/report.json",
            "/model/",
        ]
        assert {ask(path)[0] for path in escapes} == {404}
        assert {ask("/", method)[0] for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PROPFIND")} == {405}
        assert {ask("/", host=host)[0] for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example:80", "")} == {
            403
        }
        assert ask("/", host=f"localhost:{port}")[0] == 200
        own = next(
            (a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET) if not a[4][0].startswith("127.")),
            None,
        )
        if own is not None:
            with pytest.raises(OSError):
                socket.create_connection((own, port), timeout=2)
        with pytest.raises(InputError, match=f"--port: {port}: cannot be used"):
            serve.server({}, port)


def test_the_command_serves_until_it_is_interrupted(run, tmp_path):
    (run / "bundle").unlink()
    command = [sys.executable, "-m", "edgetl", "report", "serve", str(run), "--port", "0", "--json"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs inherit that it is ignored
    )
    try:
        address = json.loads(process.stdout.readline())["address"]
        connection = http.client.HTTPConnection(address.split("/")[2], timeout=20)
        connection.request("GET", "/")
        page = connection.getresponse().read().decode()
        assert "This run made no bundle" in page
        assert 'id="drop"' not in page
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "This run made no bundle" in process.stderr.read()
    finally:
        process.kill()
        process.communicate()
