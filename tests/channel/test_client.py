"""The reference client against real servers: a plain one in another process, and one that misbehaves."""

import dataclasses
import datetime
import hashlib
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgetl import signing
from edgetl.channel import bundles, client, keys, memory, publishing
from edgetl.channel.commit import Publisher
from edgetl.channel.rotation import rotate
from edgetl.channel.storage import Storage
from edgetl.channel.transport import Address
from edgetl.errors import ChannelRefused, InputError
from tests.channel.conftest import DAY, NOW, describe, someone

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]),
}


@pytest.fixture
def shop(key, tmp_path):
    """A publisher whose storage is a folder."""
    folder = tmp_path / "served"
    return Publisher(storage=Storage(str(folder)), channel="beta", key=key, trust=keys.only(key.public), now_s=NOW, valid_days=30)


@pytest.fixture
def plain(shop, tmp_path):
    """Address of a plain HTTP server, in another process, over the publisher's folder."""
    (tmp_path / "served").mkdir()
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path / "served")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        port = server.stdout.readline().split("port ")[1].split()[0]
        yield Address(base=f"http://127.0.0.1:{port}/")
        server.kill()


def put(who, path, **rules):
    return publishing.publish(who, path, describe(path, **rules))


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_install_roll_out_roll_back(shop, plain, blobs, tmp_path, protocol):
    address = plain if protocol == "http" else Address(base=(tmp_path / "served").as_uri())
    home = tmp_path / "home"

    def update(now_s=NOW, **facts):
        return client.update(home, address, "beta", shop.trust, someone(**facts), now_s)

    assert (update().status, update().code) == ("kept", "missing")
    put(shop, blobs("a"))
    first = update()
    assert (first.status, first.installed.release, first.installed.file) == ("installed", 1, "artifacts/m.tflite")
    assert memory.bundle_file(home, first.installed).read_bytes() == blobs("a").read_bytes()
    assert update().status == "unchanged"
    put(shop, blobs("b"), rollout=0)
    assert (update().status, update().index_version) == ("unchanged", 2)
    publishing.rollout(shop, 10_000)
    assert update().installed.release == 2
    assert sorted(p.suffix for p in home.iterdir()) == [".json", ".zip", ".zip"], "the previous one is kept"
    publishing.rollback(shop)
    back = update()
    assert (back.status, back.installed.release, back.index_version) == ("installed", 1, 4)
    put(shop, blobs("c"), min_app="3.0")
    publishing.rollout(shop, 5000)
    assert update(app="2.9").status == "unchanged"
    late = update(now_s=NOW + 31 * DAY)
    assert (late.status, late.code, late.installed.release) == ("kept", "expired", 1)
    none = update(formats=("coreml",))
    assert (none.code, none.installed.release) == ("not-offered", 1)
    assert "release 5: app, release 1: format" in none.message


def test_a_rollout_that_is_narrowed(shop, blobs, tmp_path):
    """What `effects.told` says of it."""
    address, home = Address(base=(tmp_path / "served").as_uri()), tmp_path / "home"

    def update():
        outcome = client.update(home, address, "beta", shop.trust, someone(), NOW)
        return outcome.status, outcome.code, outcome.installed.release

    put(shop, blobs("a"))
    update()
    publishing.rollout(shop, 0)
    assert update() == ("kept", "not-offered", 1)
    publishing.rollout(shop, 10_000)
    put(shop, blobs("b"))
    assert update() == ("installed", "", 4)
    publishing.rollout(shop, 0)
    assert update() == ("installed", "", 1)


def test_what_is_wrong_with_a_bundle_leaves_the_last_one(shop, plain, blobs, tmp_path):
    home, served = tmp_path / "home", tmp_path / "served"
    put(shop, blobs("a"))
    client.update(home, plain, "beta", shop.trust, someone(), NOW)
    put(shop, blobs("b"))
    path = served / publishing.bundle_path(describe(blobs("b")).sha256)
    good = path.read_bytes()
    for spoiled, code in (
        (bytes(len(good)), "bundle-differs"), (good[:-1], "truncated"), (good + b"x", "too-large"), (None, "missing"),
    ):  # fmt: skip
        path.unlink(missing_ok=True)
        if spoiled is not None:
            path.write_bytes(spoiled)
        outcome = client.update(home, plain, "beta", shop.trust, someone(), NOW)
        assert (outcome.status, outcome.code, outcome.installed.release) == ("kept", code, 1)
        assert not list(home.glob("*.partial"))
    path.write_bytes(good)
    assert client.update(home, plain, "beta", shop.trust, someone(), NOW).installed.release == 2


def test_a_client_forgets_nothing_between_times(shop, blobs, tmp_path):
    served, home = tmp_path / "served", tmp_path / "home"
    address = Address(base=served.as_uri())
    put(shop, blobs("a"))
    old = (served / "beta/newest.json").read_bytes()
    put(shop, blobs("b"))
    client.update(home, address, "beta", shop.trust, someone(), NOW)
    (served / "beta/newest.json").write_bytes(old)
    (served / "beta/index/2.json").unlink()
    outcome = client.update(home, address, "beta", shop.trust, someone(), NOW)
    assert (outcome.code, outcome.installed.release, outcome.index_version) == ("older-index", 2, 2)
    (home / "state.json").write_text('{"schema": 1, "installed": 7}')
    with pytest.raises(InputError, match=r"state.json: is damaged. The next update begins anew"):
        memory.read(home)
    outcome = client.update(home, Address(base="http://127.0.0.1:9/", wait_s=1), "beta", shop.trust, someone(), NOW)
    assert (outcome.code, outcome.installed, list(home.glob("*.zip"))) == ("unreachable", None, [])
    assert outcome.message.startswith("what this client remembered was damaged: it began anew. http")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: cannot be written"):
        client.update(tmp_path / "file", address, "beta", shop.trust, someone(), NOW)


def test_a_bundle_that_changed_is_fetched_again(shop, blobs, tmp_path):
    address, home = Address(base=(tmp_path / "served").as_uri()), tmp_path / "home"
    put(shop, blobs("a"))
    installed = client.update(home, address, "beta", shop.trust, someone(), NOW).installed
    path = memory.bundle_file(home, installed)
    assert memory.intact(home, installed) and path.exists()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert client.update(home, address, "beta", shop.trust, someone(), NOW).status == "installed"
    assert memory.intact(home, installed)
    path.write_bytes(b"")
    assert not memory.intact(home, installed) and not path.exists()


def test_an_app_that_is_built_with_another_key_begins_anew(shop, blobs, tmp_path):
    """The way out where the key that signs lists was lost or stolen: the app's next version."""
    address, home = Address(base=(tmp_path / "served").as_uri()), tmp_path / "home"
    put(shop, blobs("a"))
    client.update(home, address, "beta", shop.trust, someone(), NOW)
    new = signing.new_key()
    other = dataclasses.replace(shop, storage=Storage(str(tmp_path / "new")), key=new, trust=keys.only(new.public))
    put(other, blobs("b"))
    address = Address(base=(tmp_path / "new").as_uri())
    assert client.update(home, address, "beta", shop.trust, someone(), NOW).code == "key-unknown"
    found = client.update(home, address, "beta", other.trust, someone(), NOW)
    assert memory.bundle_file(home, found.installed).read_bytes() == blobs("b").read_bytes()
    rotate(other.storage, other.trust, new, (keys.listed(signing.new_key().public, rotates=False),), frozenset())
    for file in ("1", "2"):
        trust = keys.trusted(tmp_path / f"new/keys/{file}.json")
        assert client.update(home, address, "beta", trust, someone(), NOW).status == "unchanged"
    assert memory.read(home).trust_version == 2
    assert client.update(home, address, "beta", other.trust, someone(), NOW).status == "unchanged"


def test_what_a_withdrawn_key_brought_is_dropped(shop, blobs, tmp_path):
    """Another root too; what the index still names stays, whoever brought it."""
    address, home = Address(base=(tmp_path / "served").as_uri()), tmp_path / "home"
    ci, new = signing.new_key(), signing.new_key()
    thief, mine = (dataclasses.replace(shop, key=key) for key in (ci, new))

    def update(address=address, trust=shop.trust):
        found = client.update(home, address, "beta", trust, someone(), NOW)
        return found.status, found.code, found.installed and found.installed.release

    rotate(shop.storage, shop.trust, shop.key, (keys.listed(ci.public, rotates=False),), frozenset())
    put(thief, blobs("evil"))
    assert update() == ("installed", "", 1)
    added = (keys.listed(new.public, rotates=False),)
    rotate(shop.storage, shop.trust, shop.key, added, frozenset({ci.public.id}), stolen=True)
    assert update() == ("kept", "key-unknown", 1), "no index was taken"
    publishing.publish(mine, blobs("b"), describe(blobs("b"), min_app="9"), anew=True)
    assert update() == ("kept", "withdrawn", None) and not list(home.glob("*.zip"))
    assert update() == ("kept", "not-offered", None)
    put(mine, blobs("c"))
    assert update() == ("installed", "", 3)
    other = signing.new_key()
    again = dataclasses.replace(shop, storage=Storage(str(tmp_path / "new")), key=other, trust=keys.only(other.public))
    put(again, blobs("d"), min_app="9")
    address = Address(base=(tmp_path / "new").as_uri())
    assert update(address, again.trust) == ("kept", "withdrawn", None)


class Crash(BaseException):
    pass


class Proof:
    """What an app does with its golden photos, given what becomes of each title; counts what it was asked."""

    def __init__(self, **fates):
        self.fates, self.asked = fates, []

    def __call__(self, path, installed):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == installed.sha256
        self.asked.append(installed.release)
        if self.fates.get(f"r{installed.release}") == "dies":
            raise Crash
        return self.fates.get(f"r{installed.release}", "")


def test_a_bundle_that_is_not_right_on_this_client_is_not_asked_for_again(shop, blobs, tmp_path, monkeypatch):
    address, home = Address(base=(tmp_path / "served").as_uri()), tmp_path / "home"
    proof, fetched, real = Proof(r2="golden/0.png: 0.7, not 0.2"), [], bundles.fetch
    monkeypatch.setattr(bundles, "fetch", lambda *a: (fetched.append(a[1]), real(*a)))

    def update(**facts):
        return client.update(home, address, "beta", shop.trust, someone(**facts), NOW, proof)

    put(shop, blobs("a"))
    assert update().status == "installed"
    put(shop, blobs("b"))
    refused = update()
    assert (refused.status, refused.code, refused.installed.release) == ("kept", "refused", 1)
    assert "release 2 is not right here: golden/0.png: 0.7, not 0.2" in refused.message
    assert [path.stem for path in home.glob("*.zip")] == [refused.installed.sha256], "its bytes are gone"
    assert [update().status for _ in range(2)] == ["unchanged"] * 2, "release 1 is looked at, as it is installed"
    assert (proof.asked, len(fetched)) == ([1, 2], 2)
    publishing.renew(shop)
    assert (update().status, proof.asked) == ("unchanged", [1, 2]), "the same bundle in a newer index"
    assert update(app="2.1").code == "refused", "another app tries again"
    assert (update(app="2.1").status, proof.asked) == ("unchanged", [1, 2, 2])
    proof.fates.clear()
    assert update().installed.release == 2, "as does the app before it"
    put(shop, blobs("c"))
    assert update().installed.release == 4
    assert not memory.read(home).refused


def test_a_client_that_has_nothing_takes_the_release_below(shop, blobs, tmp_path):
    address, home = Address(base=(tmp_path / "served").as_uri()), tmp_path / "home"
    put(shop, blobs("a"))
    put(shop, blobs("b"))
    proof = Proof(r1="no", r2="no")
    codes = [client.update(home, address, "beta", shop.trust, someone(), NOW, proof).code for _ in range(3)]
    assert codes == ["refused", "refused", "not-offered"]
    last = client.update(home, address, "beta", shop.trust, someone(), NOW, proof)
    assert "release 2: refused, release 1: refused" in last.message and last.installed is None
    publishing.rollback(shop)
    put(shop, blobs("b"))
    assert client.update(home, address, "beta", shop.trust, someone(), NOW, Proof()).installed is None, "still named"
    publishing.rollback(shop)
    client.update(home, address, "beta", shop.trust, someone(), NOW, Proof())
    put(shop, blobs("b"))
    found = client.update(home, address, "beta", shop.trust, someone(), NOW, Proof())
    assert found.installed.release == 6, "an index in between did not name it: forgotten"


def test_a_bundle_that_ends_the_process_is_tried_three_times(shop, blobs, tmp_path, monkeypatch):
    address, home = Address(base=(tmp_path / "served").as_uri()), tmp_path / "home"
    proof, fetched, real = Proof(r2="dies"), [], bundles.fetch
    monkeypatch.setattr(bundles, "fetch", lambda *a: (fetched.append(a[1]), real(*a)))
    put(shop, blobs("a"))
    client.update(home, address, "beta", shop.trust, someone(), NOW, proof)
    put(shop, blobs("b"))
    for _ in range(memory.MAX_TRIES):
        with pytest.raises(Crash):
            client.update(home, address, "beta", shop.trust, someone(), NOW, proof)
        assert memory.read(home).installed.release == 1
    outcome = client.update(home, address, "beta", shop.trust, someone(), NOW, proof)
    assert (outcome.status, outcome.installed.release) == ("unchanged", 1)
    assert (proof.asked, len(fetched)) == ([1, 2, 2, 2], 2), "fetched once"
    assert len(list(home.glob("*.zip"))) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_client_that_dies_at_any_step_has_one_whole_bundle(shop, blobs, tmp_path, monkeypatch, after):
    address = Address(base=(tmp_path / "served").as_uri())
    put(shop, blobs("a"))
    real, left = os.replace, [0]

    def replace(source, target):
        left[0] -= 1
        if left[0] < 0 and not after:
            raise Crash
        real(source, target)
        if left[0] < 0:
            raise Crash

    monkeypatch.setattr(memory.os, "replace", replace)
    for when in range(8):
        home = tmp_path / f"home{when}"
        left[0] = 100
        client.update(home, address, "beta", shop.trust, someone(), NOW)
        put(shop, blobs(f"b{when}"))
        left[0], before = when, memory.read(home).installed
        died = False
        try:
            client.update(home, address, "beta", shop.trust, someone(), NOW)
        except Crash:
            died = True
        left[0] = 100
        now = memory.read(home).installed
        assert now.release in (before.release, before.release + 1)
        assert hashlib.sha256(memory.bundle_file(home, now).read_bytes()).hexdigest() == now.sha256
        assert client.update(home, address, "beta", shop.trust, someone(), NOW).installed.release == when + 2
        assert died == (when < 3), "the index seen, the bundle, what is installed"
        assert not [path for path in home.iterdir() if path.suffix == ".partial"]


@pytest.mark.slow
def test_a_client_killed_at_any_time_has_one_whole_bundle(shop, blobs, tmp_path):
    """Kill -9 at 12 times while it changes between two bundles of 3 MB."""
    served, home = tmp_path / "served", tmp_path / "home"
    put(shop, blobs("a", 3_000_000))
    put(shop, blobs("b", 3_000_000), min_app="2")
    (tmp_path / "key.pub").write_bytes(shop.key.public.pem())
    script = f"""
import sys
from pathlib import Path
from edgetl.channel import client, keys
from edgetl.channel.transport import Address
from tests.channel.conftest import NOW, someone
trust = keys.trusted(Path("key.pub"))
print("ready", flush=True)
while True:
    for app in ("1", "2"):
        client.update(Path("home"), Address(base={served.as_uri()!r}), "beta", trust, someone(app=app), NOW)
"""
    for kill in range(12):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, env=ENVIRONMENT)
        process.stdout.readline()
        time.sleep(0.05 + 0.013 * kill)
        process.kill()
        process.wait()
        installed = memory.read(home).installed
        data = memory.bundle_file(home, installed).read_bytes()
        assert data == blobs("a" if installed.release == 1 else "b", 3_000_000).read_bytes()
    client.update(home, Address(base=served.as_uri()), "beta", shop.trust, someone(), NOW)
    assert not list(home.glob("*.partial"))


class Nasty(BaseHTTPRequestHandler):
    """Does what its path says."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        what = self.path.strip("/").replace("_", " ")
        if what.startswith("hop"):
            self.send_response(302)
            self.send_header("Location", f"/hop{int(what[3:]) - 1}" if what != "hop0" else "/fine")
            self.end_headers()
            return
        if what == "weaker":
            self.send_response(302)
            self.send_header("Location", "http://localhost/fine")
            self.end_headers()
            return
        if what == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        if what == "endless hop":
            self.send_response(302)
            self.send_header("Location", "/fine")
            self.end_headers()
        if what in ("slow header", "slow chunk"):
            start = b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n\r\n1;" if what == "slow chunk" else b"X: ")
            try:
                self.wfile.write(start)
                for _ in range(100):
                    self.wfile.write(b"x")
                    time.sleep(0.1)
            except OSError:
                pass
            return
        if what == "broken":
            self.send_error(500)
            return
        if what == "forbidden":
            self.send_error(403)
            return
        if what != "endless hop":
            self.send_response(200)
            if what in ("truncated", "fine"):
                self.send_header("Content-Length", "1000" if what == "truncated" else "4")
            self.end_headers()
        try:
            if what.startswith("endless"):
                while True:
                    self.wfile.write(bytes(1 << 16))
            if what == "trickle":
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            if what == "trickle once":
                time.sleep(0.2)
            if what == "silent":
                time.sleep(3)
            self.wfile.write(b"fine")
        except OSError:
            pass


@pytest.fixture
def nasty():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nasty)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Address(base=f"http://127.0.0.1:{server.server_port}", wait_s=0.5, download_s=0.8)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("endless", "too-large"), ("trickle", "unreachable"), ("silent", "unreachable"), ("broken", "unreachable"),
        ("hop4", "unreachable"), ("elsewhere", "unreachable"), ("truncated", "truncated"), ("slow_header", "unreachable"),
        ("slow_chunk", "unreachable"),
    ],
)  # fmt: skip
def test_bounds(nasty, path, code):
    begin = time.monotonic()
    with pytest.raises(ChannelRefused) as error:
        nasty.read(path, 500)
    assert error.value.code == code
    assert time.monotonic() - begin < 2.5
    assert f"http://127.0.0.1:{nasty.base.rsplit(':', 1)[1]}" in str(error.value)


@pytest.fixture
def secure(tmp_path, monkeypatch):
    """The same over TLS, with a certificate of its own that this process trusts."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "both.pem").write_bytes(key.private_bytes(*plain) + certificate)
    (tmp_path / "certificate.pem").write_bytes(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nasty)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    yield Address(base=f"https://localhost:{server.server_port}", wait_s=0.5, download_s=0.8)
    server.shutdown()
    server.server_close()


def test_over_tls(secure, monkeypatch):
    assert secure.read("fine", 500) == b"fine"
    assert secure.read("hop1", 500) == b"fine"
    for path, message in (
        ("weaker", "redirects from https to http"),
        ("slow_header", "cannot be read"),
        ("trickle", "cannot be read|in time"),
    ):
        begin = time.monotonic()
        with pytest.raises(ChannelRefused, match=message) as error:
            secure.read(path, 500)
        assert error.value.code == "unreachable" and time.monotonic() - begin < 2
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ChannelRefused, match="cannot be read .*CERTIFICATE_VERIFY_FAILED"):
        secure.read("fine", 500)


def test_a_look_has_an_end(nasty):
    """However many versions a server has, each of them just in time."""
    slow = Address(base=nasty.base, wait_s=5, look_s=0.5)
    read, begin = slow.look(), time.monotonic()
    assert read("fine", 500) == b"fine"
    with pytest.raises(ChannelRefused, match="unreachable|in time|too long|timed out"):
        while True:
            read("trickle_once", 500)
    assert time.monotonic() - begin < 2


def test_what_is_allowed(nasty):
    assert nasty.read("fine", 500) == b"fine"
    assert nasty.read("hop1", 500) == b"fine"
    assert nasty.read("forbidden", 500) is None
    assert nasty.read("endless_hop", 500) == b"fine", "what comes with a redirect is not read"
    with pytest.raises(ChannelRefused, match="cannot be read"):
        Address(base="http://127.0.0.1:9/", wait_s=1).read("x", 5)
    with pytest.raises(InputError, match="must begin with"):
        Address(base="ftp://localhost/")


def test_the_command_line(edgetl, bundle, key, tmp_path):
    """Publish, look, check and take back, as a user does."""
    (tmp_path / "k.key").write_bytes(key.pem())
    (tmp_path / "k.key").chmod(0o600)
    (tmp_path / "k.pub").write_bytes(key.public.pem())
    place = ("--to", "shop", "--channel", "beta")
    sign = (*place, "--key", "k.key", "--json")

    def ask(*arguments, code=0):
        done = edgetl("channel", *arguments)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if not code else done.stderr

    ask("publish", bundle("a"), *sign)
    made = ask("publish", bundle("b"), *sign, "--rollout", "10%", "--os", "android=12", "--min-app", "2")
    assert made["index"]["releases"][0]["rollout"] == 0.1
    asked = ("check", *place, "--trust", "k.pub", "--app", "2", "--device", "x", "--format", "coreml", "--json", "--os")
    found = ask(*asked, "ios=17", "--id", "c2")
    assert (found["release"]["number"], found["passed_over"][0]["reason"]) == (1, "system")
    assert ask("rollback", *sign)["index"]["action"] == "rollback"
    status = ask("status", *place, "--trust", "k.pub", "--json")
    assert (status["index"]["version"], status["newest_json_current"], status["signed_by"]) == (3, True, key.public.id)
    assert "must be a share like 10% or 0.1" in ask("rollout", "110%", *sign, code=2)
    assert found["bundle"] == {"status": "whole", "message": ""}
    assert ask(*asked, "ios=17", "--id", "c2", "--no-fetch")["bundle"]["status"] == "not fetched"
    assert "renewed it. With its key: `edgetl channel renew" in ask(
        *asked, "ios=17", "--id", "c2", "--clock", "2000000000", code=2
    )
    lines = edgetl("channel", "status", *place, "--trust", "k.pub").stdout
    assert "small.tflite (0.01 MB): all that run tflite" in lines
    with next((tmp_path / "shop/bundles").glob(f"{found['release']['sha256']}.zip")).open("r+b") as file:
        file.write(b"no")
    done = edgetl("channel", *asked, "ios=17", "--id", "c2")
    assert done.returncode == 1 and json.loads(done.stdout)["bundle"]["status"] == "bundle-differs"
    assert "keeps what it has" in edgetl("channel", *[a for a in asked if a != "--json"], "ios=17", "--id", "c2").stdout
