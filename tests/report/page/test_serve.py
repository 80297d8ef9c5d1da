"""`edgetl report serve`: the shipped files run in Chromium as the golden contract says; nothing else is to be had."""

import http.client
import json
import shutil
import signal
import socket
import struct
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
GIVEN = """
  const photo = async (n) => (await fetch(`/golden/${n}`)).arrayBuffer();
  const file = (name, ...parts) => new File(parts, name);
  const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const ftyp = (brand) => bytes("\\0\\0\\0\\x18ftyp" + brand + "\\0".repeat(12));
  const bomb = bytes("\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR\\0\\0\\x4e\\x20\\0\\0\\x4e\\x20" + "\\0".repeat(9));
  const by = (id) => document.getElementById(id);
  const drop = (target, ...files) => {
    const dataTransfer = new DataTransfer();
    for (const file of files) dataTransfer.items.add(file);
    const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
    return !target.dispatchEvent(event);
  };
  const still = async () => {
    do await new Promise((r) => setTimeout(r, 20)); while (by("result").ariaBusy === "true");
  };
  const seen = () => {
    const shown = (id, words) => (by(id).checkVisibility() ? words.innerText.split("\\n")[0] : null);
    return [shown("result", by("top")), shown("trouble", by("trouble")), by("note").innerText];
  };
"""
"""Script that makes files in the page, drops them on it, and tells what it shows: first answer, trouble, note."""


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


def test_a_file_that_is_no_photo_leaves_nothing_of_another_on_the_page(run, web, look):
    ask = f"""(async () => {{ {GIVEN}
      const wrong = [file("empty.jpg"), file("IMG_1.HEIC", ftyp("heic")), file("new.avif", ftyp("avif")), file("bomb.png", bomb)];
      const found = [];
      for (const each of wrong) {{
        drop(by("drop"), file("good.jpg", await photo(1)));
        await still();
        found.push(seen());
        drop(by("drop"), each);
        await still();
        found.push(seen());
      }}
      const select = by("artifact");
      drop(by("drop"), file("good.jpg", await photo(1)));
      await still();
      by("times").textContent = "";
      select.value = "1";
      select.dispatchEvent(new Event("change"));
      while (!by("times").textContent) await new Promise((r) => setTimeout(r, 50));
      return [found, document.body.dataset.golden, seen()];
    }})()"""
    with _served(run, web) as port:
        seen = look(f"http://127.0.0.1:{port}/", wait="body[data-golden]", ask=ask)
    found, golden, again = seen["state"]
    assert seen["errors"] == []
    assert found[::2] == [["a b", None, ""]] * 4
    damaged = "it is damaged, or no kind of photo that this browser reads"
    why = ["the file is empty", "this browser does not read HEIC photos; save it as JPEG", damaged]
    why.append("20000 × 20000 pixels are too many (at most 100 million)")
    names = ["empty.jpg", "IMG_1.HEIC", "new.avif", "bomb.png"]
    assert found[1::2] == [[None, f"{name} cannot be used: {said}.", ""] for name, said in zip(names, why, strict=True)]
    assert "w8a8_ptq" in golden
    assert again == ["a b", None, ""], "the photo on the page is answered by the file that was chosen"


def test_of_several_photos_it_says_which_one_is_looked_at_and_the_last_given_stays(run, web, look):
    ask = f"""(async () => {{ {GIVEN}
      const files = [file("green.jpg", await photo(1)), file("blue.png", await photo(2)), file("c.jpg", await photo(3))];
      drop(by("drop"), ...files);
      await still();
      const several = seen();
      const times = [];
      new MutationObserver(() => times.push(by("times").textContent)).observe(by("times"), {{ childList: true }});
      drop(by("drop"), files[0]);
      await null; // it is being looked at
      for (let n = 0; n < 5; n++) drop(by("drop"), files[2]);
      const kept = drop(document.body, files[1]);
      await still();
      const one = seen();
      drop(by("drop"), files[1]);
      drop(by("drop"), file("empty.jpg"));
      await still();
      return [several, kept, one, times.length, seen()];
    }})()"""
    with _served(run, web) as port:
        seen = look(f"http://127.0.0.1:{port}/", wait="body[data-golden]", ask=ask)
    several, kept, one, shown, last = seen["state"]
    assert seen["errors"] == []
    assert several == ["a b", None, "One photo at a time: of 3, this is green.jpg."]
    assert kept, "dropped beside the frame it does not take the page's place"
    assert one == ["ß→🍎", None, ""]
    assert shown == 1, "those before the last were passed over"
    assert last == [None, "empty.jpg cannot be used: the file is empty.", ""]


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
        for path in ("/", "/model/0.onnx", "/no"):
            undated = [{k: v for k, v in ask(path, method)[1].items() if k != "date"} for method in ("GET", "HEAD")]
            assert undated[0] == undated[1]
            assert (ask(path, "HEAD")[0], ask(path, "HEAD")[2]) == (ask(path)[0], b"")
        assert headers["x-content-type-options"] == "nosniff"
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
        assert {ask("/", method)[0] for method in ("POST", "PUT", "DELETE", "OPTIONS", "PROPFIND")} == {405}
        assert ask("/", "POST")[1]["allow"] == "GET, HEAD"
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


def test_a_client_that_goes_away_is_no_news(run, tmp_path, capsys):
    large = tmp_path / "large"
    large.write_bytes(bytes(20_000_000))
    for listed in (large, large.read_bytes()):
        with serve.server({"/": listed}, 0) as server:
            for ask in (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", b"GE"):
                client = socket.create_connection(server.server_address)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # goes with a reset
                client.sendall(ask)
                thread = threading.Thread(target=lambda: server.process_request_thread(*server.get_request()), daemon=True)
                thread.start()
                if ask.endswith(b"\r\n"):
                    client.recv(1)
                client.close()
                thread.join(20)
                assert not thread.is_alive()
    assert capsys.readouterr().err == ""


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
