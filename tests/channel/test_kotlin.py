"""The Kotlin client, compiled and run on a JVM beside the Python client: the same decisions, over the same server."""

import base64
import dataclasses
import importlib.util
import random
import resource
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgetl.channel import client, index, memory, publishing
from edgetl.channel.choice import choose, place
from edgetl.channel.index import File, System
from edgetl.channel.transport import Address
from edgetl.errors import InputError
from tests.channel.conftest import DAY, NOW, describe, someone
from tests.channel.test_client import Nasty
from tests.channel.test_latest import NEWEST, TAMPERINGS, _signed, _tampered

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("need", ROOT / "tests/clients/need.py")
need = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(need)
pytestmark = pytest.mark.slow  # kotlinc takes 20 s of a core


@pytest.fixture(scope="module")
def kotlin(tmp_path_factory):
    """Give lines to the Kotlin program; returns what it prints."""
    kotlinc, java = need.kotlinc(), need.java()
    classes = tmp_path_factory.mktemp("classes")
    sources = [*sorted((ROOT / "edgetl/apps/templates/_update").glob("*.kt")), ROOT / "tests/channel/kotlin/Main.kt"]
    command = [kotlinc, "-jvm-target", "1.8", "-d", classes, *sources]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "warning:" not in done.stderr.replace("VM warning:", ""), done.stderr
    jars = [kotlinc.resolve().parents[1] / "lib/kotlin-stdlib.jar", Path("/usr/share/java/kotlin-stdlib.jar")]
    runtime = next((jar for jar in jars if jar.exists()), jars[0])

    def run(rows):
        lines = "".join("\t".join(map(str, row)) + "\n" for row in rows)
        command = [java, "-Dfile.encoding=UTF-8", "-cp", f"{classes}:{runtime}", "MainKt"]
        done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), done.stderr

    return run


@pytest.fixture
def http(tmp_path):
    """Serve folders of `tmp_path`; returns the address."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _public(who):
    return base64.b64encode(who.key.public.raw).decode()


def _facts(c):
    return (c.app, c.system, c.system_version, c.device, c.id, ",".join(c.formats))


def _said(outcome, home):
    installed = outcome.installed
    whole = installed is None or memory.bundle_file(home, installed).is_file()
    release, file = (installed.release, installed.file) if installed else ("null", "null")
    return f"{outcome.status} {outcome.code} {outcome.index_version} {release} {file} {str(whole).lower()}"


def _written(files, folder):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_the_same_places(kotlin):
    draw = random.Random(3)
    pairs = [(f"beta/{draw.randrange(99)}", "".join(draw.choices("aÜ☃😀z09 -", k=12))) for _ in range(200)]
    assert kotlin([("place", *pair) for pair in pairs])[0] == [str(place(*pair)) for pair in pairs]


def test_the_same_choices(kotlin, who, blobs, tmp_path):
    draw = random.Random(4)
    versions = ("1", "2", "2.0", "2.9", "2.10", "10.0.1", "999999999.1.2.3")
    models = ("Pixel 8", "Pixel 8 Pro", "Galaxy S24", "iPhone16,1")
    rows, expected = [], []
    for number in range(12):
        mine = dataclasses.replace(who, channel="beta", storage=type(who.storage)(f"memory://kt{number}-{draw.random()}"))
        for name in "abcd":
            rules = {"rollout": draw.choice((0, 1000, 5000, 10_000)), "min_app": draw.choice(("", *versions))}
            if draw.random() < 0.5:
                rules["systems"] = tuple(
                    System(name=n, version=draw.choice(versions)) for n in draw.sample(("android", "ios"), 1)
                )
            if draw.random() < 0.4:
                rules["devices"] = (draw.choice(("Pixel*", "Pixel 8", "Galaxy S24", "*")),)
            formats = draw.sample(("tflite", "onnx", "coreml"), 2)
            given = draw.choice(((), ("Pixel*",)))
            rules["files"] = tuple(File(path=f"artifacts/m.{f}", format=f, size_bytes=1, devices=given) for f in formats)
            publishing.publish(mine, blobs(name), describe(blobs(name), **rules))
        data = mine.storage.read("beta/newest.json", 10**6)
        (tmp_path / f"{number}.json").write_bytes(data)
        held = index.opened(data, "beta", (who.key.public,), "x")
        for client_number in range(40):
            me = someone(
                app=draw.choice(versions), system=draw.choice(("android", "ios", "linux")), system_version=draw.choice(versions),
                device=draw.choice(models), id=f"c{client_number}", formats=(draw.choice(("tflite", "onnx", "coreml")),),
            )  # fmt: skip
            choice = choose(held.index, me)
            rows.append(("choose", tmp_path / f"{number}.json", _public(who), *_facts(me)))
            passed = ",".join(f"{n}:{reason}" for n, reason in choice.passed_over)
            release, file = (choice.release.number, choice.file.path) if choice.release else ("null", "null")
            expected.append(f"{release} {file} {passed}")
    assert kotlin(rows)[0] == expected
    assert len({line.split(":")[-1] for line in expected if ":" in line}) == 5, "every reason occurred"


def test_the_same_reading_of_versions_as_apps_name_them(kotlin, who, blobs, tmp_path):
    """The leading numbers count; none is a message that can be caught."""
    publishing.publish(who, blobs("a"), describe(blobs("a"), min_app="2.0.5"))
    data = who.storage.read("beta/newest.json", 10**6)
    (tmp_path / "index.json").write_bytes(data)
    held = index.opened(data, "beta", (who.key.public,), "x")
    names = (
        "2.0.5-debug", "2.0-debug", "2.1-beta.9", "2.0.5.6.7", "2.0.12345678901", "2.1234567890.9", "2.x", "3", "2.0.5", "2.",
        "3.-1", "v2", "", "debug", ".3", "-3", " 3", "1234567890", "\u0663", "3" + "x" * 199, "3" + "x" * 200,
    )  # fmt: skip
    expected = []
    for name in names:
        try:
            expected.append(str(choose(held.index, someone(app=name)).release and 1))
        except InputError:
            expected.append("fault")
    rows = [("choose", tmp_path / "index.json", _public(who), name, *_facts(someone())[1:]) for name in names]
    found = [line.split(" ")[0].replace("null", "None") for line in kotlin(rows)[0]]
    assert list(zip(names, found, strict=True)) == list(zip(names, expected, strict=True))
    assert (expected.count("1"), expected.count("None"), expected.count("fault")) == (7, 5, 9)


def test_the_same_answers_to_every_tampering(kotlin, who, blobs, tmp_path, http):
    rows, expected = [], []
    cases = [
        *TAMPERINGS,
        "sound",
        "expired",
        "clock never set",
        "bundle differs",
        "bundle too long",
        "bundle gone",
        "not offered",
    ]
    for number, name in enumerate(cases):
        mine = dataclasses.replace(who, storage=type(who.storage)(f"memory://tamper{number}-{id(who)}"))
        for blob in ("a", "b", "c"):
            publishing.publish(mine, blobs(blob), describe(blobs(blob), rollout=5000, min_app="2.0"))
        publishing.publish(dataclasses.replace(mine, channel="stable"), blobs("d"), describe(blobs("d")))
        names = [f"beta/index/{n}.json" for n in (1, 2, 3)] + ["beta/newest.json", "stable/newest.json", "keys/1.json"]
        names += [publishing.bundle_path(describe(blobs(blob)).sha256) for blob in ("a", "b", "c")]
        clean = {n: mine.storage.read(n, 10**6) for n in names}
        _written(clean, tmp_path / f"clean{number}")
        files, known = _tampered(name, dict(clean), mine) if name in TAMPERINGS else (dict(clean), None)
        now_s = {"expired": NOW + 30 * DAY, "clock never set": 0}.get(name, NOW)
        for path in [n for n in files if n.startswith("bundles/")]:
            if name == "bundle differs":
                files[path] = bytes(len(files[path]))
            if name == "bundle too long":
                files[path] += b"x"
            if name == "bundle gone":
                del files[path]
        _written(files, tmp_path / f"case{number}")
        me = someone(app="1.0" if name == "not offered" else "2.0", id="c2")
        bases = [f"clean{number}"] * (known is not None and known.held is not None) + [f"case{number}"]
        for base in bases:
            home = tmp_path / f"python{number}"
            trust = who.trust
            outcome = client.update(home, Address(base=f"{http}/{base}", wait_s=1), "beta", trust, me, now_s)
            expected.append((name, _said(outcome, home)))
            rows.append(("update", f"{http}/{base}", tmp_path / f"kotlin{number}", _public(who), now_s, *_facts(me)))
            if base.startswith("case") and TAMPERINGS.get(name):
                assert outcome.code == TAMPERINGS[name], name
    said, messages = kotlin(rows)
    assert [(name, line) for (name, _), line in zip(expected, said, strict=True)] == expected, messages
    codes = {line.split(" ")[1] for _, line in expected}
    assert {"expired", "bundle-differs", "too-large", "missing", "not-offered", "older-index"} <= codes


ODD = (
    None, True, False, 0, -1, 1, 1.5, 2**53, 2**53 + 1, 10**30, "", "a", "A", "1", "1.2.3.4", "1.2.3.4.5", "1.", "\u0661", "a\nb",
    "a\u2028b", "a\x85b", "a\ud800b", "\U0001f642" * 150, "x" * 200, "x" * 201, "x" * 513, "../x", "a/../b", "a//b", "/a", "a/",
    "a\\b", "a:b", "a/.b", "a" * 301, "0" * 64, "F" * 64, [], {}, [1], ["*"], [""],
)  # fmt: skip
"""What a field may be changed to, of its own type or another."""


def _odd(value, draw):
    """Change one place of a payload; says what."""
    places = []

    def visit(node, path):
        for name in list(node if isinstance(node, dict) else range(len(node))):
            places.append((node, name, (*path, name)))
            if isinstance(node[name], dict | list):
                visit(node[name], (*path, name))

    visit(value, ())
    node, name, path = draw.choice(places)
    what = draw.choice(("set", "set", "set", "set", "set", "drop", "add", "twice"))
    if what == "add" and isinstance(node, dict):
        node["more"] = 1
    elif what == "drop":
        del node[name]
    elif what == "twice" and isinstance(node, list):
        node.append(node[name])
    else:
        node[name] = draw.choice(ODD)
    return what, path, node[name] if what == "set" else ""


def test_the_same_answers_to_odd_indexes(kotlin, who, blobs, tmp_path, http):
    """Signed by a listed key, changed in one place: what one client reads, all read."""
    draw, rows, expected = random.Random(5), [], []
    systems = (System(name="android", version="2"), System(name="ios", version="1"))
    for name in ("a", "b"):
        publishing.publish(who, blobs(name), describe(blobs(name), min_app="1.0", systems=systems, devices=("Pixel*",)))
    names = ["keys/1.json", "beta/newest.json", *(publishing.bundle_path(describe(blobs(b)).sha256) for b in ("a", "b"))]
    clean = {name: who.storage.read(name, 10**6) for name in names}
    for number in range(240):
        said = []
        odd = _signed(clean[NEWEST], lambda payload, said=said: said.append(_odd(payload, draw)), who.key)
        _written({**clean, NEWEST: odd}, tmp_path / f"odd{number}")
        home, base = tmp_path / f"python{number}", f"{http}/odd{number}"
        outcome = client.update(home, Address(base=base, wait_s=2), "beta", who.trust, someone(), NOW)
        expected.append((said[0], _said(outcome, home)))
        rows.append(("update", base, tmp_path / f"kotlin{number}", _public(who), NOW, *_facts(someone())))
    found = kotlin(rows)[0]
    differ = [(what, ours, theirs) for (what, ours), theirs in zip(expected, found, strict=True) if ours != theirs]
    assert not differ, "\n".join(map(str, differ))
    codes = [ours.split(" ")[1] for _, ours in expected]
    assert codes.count("malformed") > 60 and codes.count("") > 20


def test_the_same_history(kotlin, who, blobs, tmp_path, http):
    """Publish, roll out, roll back, change keys: both clients follow with a folder that remembers."""
    from edgetl import signing
    from edgetl.channel import keys
    from edgetl.channel.rotation import rotate
    from edgetl.channel.storage import Storage

    mine = dataclasses.replace(who, storage=Storage(str(tmp_path / "shop")))
    new = signing.new_key()
    later = dataclasses.replace(mine, key=new)
    steps = (
        lambda: publishing.publish(mine, blobs("a"), describe(blobs("a"))),
        lambda: publishing.publish(mine, blobs("b"), describe(blobs("b"), rollout=0)),
        lambda: publishing.rollout(mine, 10_000),
        lambda: publishing.rollback(mine),
        lambda: rotate(mine.storage, mine.trust, mine.key, (keys.listed(new.public, rotates=True),), frozenset()),
        lambda: publishing.renew(later),
        lambda: rotate(mine.storage, mine.trust, new, (), frozenset({mine.key.public.id})),
        lambda: publishing.publish(later, blobs("c"), describe(blobs("c"))),
    )
    me, expected = someone(), []
    for step in steps:
        step()
        outcome = client.update(tmp_path / "python", Address(base=f"{http}/shop"), "beta", who.trust, me, NOW)
        said, messages = kotlin([("update", f"{http}/shop", tmp_path / "kotlin", _public(who), NOW, *_facts(me))])
        assert said == [_said(outcome, tmp_path / "python")], messages
        expected.append(outcome.installed.release)
    assert expected == [1, 1, 2, 1, 1, 1, 1, 6]
    assert len(list((tmp_path / "kotlin").glob("*.zip"))) == 2


def test_the_same_proofs(kotlin, who, blobs, tmp_path, http):
    """Releases that are wrong on this client: refused once, passed over then, forgotten with another app or index."""
    from edgetl.channel.storage import Storage

    mine = dataclasses.replace(who, storage=Storage(str(tmp_path / "shop")))
    steps = (
        (lambda: publishing.publish(mine, blobs("a"), describe(blobs("a"))), "2.0", ()),
        (lambda: publishing.publish(mine, blobs("b"), describe(blobs("b"))), "2.0", (2,)),
        (lambda: None, "2.0", ()),
        (lambda: publishing.renew(mine), "2.0", ()),
        (lambda: None, "2.1", (2,)),
        (lambda: None, "2.0", ()),
        (lambda: publishing.publish(mine, blobs("c"), describe(blobs("c"))), "2.0", (4,)),
        (lambda: publishing.rollback(mine), "2.0", ()),
    )
    expected = []
    for step, app, wrong in steps:
        step()
        me = someone(app=app)
        trust, url = who.trust, Address(base=f"{http}/shop")
        outcome = client.update(
            tmp_path / "python", url, "beta", trust, me, NOW, lambda _, it, bad=wrong: "no" if it.release in bad else ""
        )
        row = ("update", f"{http}/shop", tmp_path / "kotlin", _public(who), NOW, *_facts(me), ",".join(map(str, wrong)))
        said, messages = kotlin([row])
        assert said == [_said(outcome, tmp_path / "python")], messages
        expected.append((outcome.status, outcome.code, outcome.installed.release))
    assert expected[:6] == [
        ("installed", "", 1),
        ("kept", "refused", 1),
        ("unchanged", "", 1),
        ("unchanged", "", 1),
        ("kept", "refused", 1),
        ("installed", "", 2),
    ]
    assert expected[6][:2] == ("kept", "refused")


def test_the_same_way_out_of_a_stolen_key(kotlin, who, blobs, tmp_path, http):
    """The thief counted far ahead; with its key the count falls."""
    from edgetl import signing
    from edgetl.channel import keys
    from edgetl.channel.rotation import rotate
    from edgetl.channel.storage import Storage

    mine = dataclasses.replace(who, storage=Storage(str(tmp_path / "shop")))
    new = signing.new_key()
    publishing.publish(mine, blobs("a"), describe(blobs("a")))
    honest = mine.storage.read(NEWEST, 10**6)
    said = []

    def look():
        outcome = client.update(tmp_path / "python", Address(base=f"{http}/shop"), "beta", who.trust, someone(), NOW)
        theirs, messages = kotlin([("update", f"{http}/shop", tmp_path / "kotlin", _public(who), NOW, *_facts(someone()))])
        assert theirs == [_said(outcome, tmp_path / "python")], messages
        said.append((outcome.status, outcome.code, outcome.index_version))

    mine.storage.replace(NEWEST, _signed(honest, lambda p: p.update(version=2**52), who.key))
    look()
    mine.storage.replace(NEWEST, honest)
    look()
    rotate(
        mine.storage, mine.trust, mine.key, (keys.listed(new.public, rotates=True),), frozenset({who.key.public.id}), stolen=True
    )
    look()
    publishing.publish(dataclasses.replace(mine, key=new), blobs("b"), describe(blobs("b")), anew=True)
    look()
    assert said == [
        ("installed", "", 2**52),
        ("kept", "older-index", 2**52),
        ("kept", "key-unknown", 2**52),
        ("installed", "", 2),
    ]


def test_the_same_withdrawal_of_what_a_stolen_key_brought(kotlin, who, blobs, tmp_path, http):
    """What the thief published is gone, also from clients that are offered nothing else; a plain rotation takes nothing."""
    from edgetl import signing
    from edgetl.channel import keys
    from edgetl.channel.rotation import rotate
    from edgetl.channel.storage import Storage

    root = dataclasses.replace(who, storage=Storage(str(tmp_path / "shop")))
    ci, new, later = (signing.new_key() for _ in range(3))
    stolen, mine, rotated = (dataclasses.replace(root, key=key) for key in (ci, new, later))

    def publish(by, name, **rules):
        made = {key: rules.pop(key) for key in ("anew",) if key in rules}
        publishing.publish(by, blobs(name), describe(blobs(name), **rules), **made)

    def listed(add, *remove, stolen=False):
        removed = frozenset(key.public.id for key in remove)
        rotate(root.storage, root.trust, who.key, (keys.listed(add.public, rotates=False),), removed, stolen=stolen)

    steps = (
        lambda: publish(root, "a"),
        lambda: (listed(ci), publish(stolen, "evil")),
        lambda: (listed(new, ci, stolen=True), publish(mine, "b", anew=True, rollout=0)),
        lambda: publishing.rollout(mine, 10_000),
        lambda: (listed(later), publishing.renew(rotated)),
        lambda: listed(signing.new_key(), new),
        lambda: publish(rotated, "c"),
    )
    said, zips = [], []
    for step in steps:
        step()
        outcome = client.update(tmp_path / "python", Address(base=f"{http}/shop"), "beta", who.trust, someone(), NOW)
        theirs, messages = kotlin([("update", f"{http}/shop", tmp_path / "kotlin", _public(who), NOW, *_facts(someone()))])
        assert theirs == [_said(outcome, tmp_path / "python")], messages
        assert outcome.message.partition(" nothing is")[0] in messages
        said.append((outcome.status, outcome.code, outcome.installed and outcome.installed.release))
        zips.append([len(list((tmp_path / name).glob("*.zip"))) for name in ("python", "kotlin")])
    assert said == [
        ("installed", "", 1),
        ("installed", "", 2),
        ("kept", "withdrawn", None),
        ("installed", "", 3),
        ("unchanged", "", 3),
        ("unchanged", "", 3),
        ("installed", "", 6),
    ]
    assert zips == [[1, 1], [2, 2], [1, 1], [2, 2], [2, 2], [2, 2], [2, 2]], "the thief's is deleted at once"


def test_the_same_word_for_a_full_disk(kotlin, who, blobs, tmp_path, http):
    """What cannot be written is not "unreachable"."""
    from edgetl.channel.storage import Storage

    mine = dataclasses.replace(who, storage=Storage(str(tmp_path / "shop")))
    publishing.publish(mine, blobs("a", 2_000_000), describe(blobs("a", 2_000_000)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        outcome = client.update(tmp_path / "python", Address(base=f"{http}/shop"), "beta", who.trust, someone(), NOW)
        row = ("update", f"{http}/shop", tmp_path / "kotlin", _public(who), NOW, *_facts(someone()))
        said, messages = kotlin([row])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert said == [_said(outcome, tmp_path / "python")] == ["kept platform 1 null null true"], messages
    assert "cannot be written" in outcome.message and "cannot be written" in messages
    assert not [path for name in ("python", "kotlin") for path in (tmp_path / name).glob("*.partial")]


DAMAGES = {
    "cut": lambda data: data[: len(data) // 2],
    "cut at its end": lambda data: data[:-2],
    "empty": lambda data: b"",
    "garbage": lambda data: bytes(range(256)),
    "half an escape": lambda data: data + b"\\u12",
    "another index": lambda data: data.replace(b"index", b"xedni"),
}


def test_the_same_new_beginning_from_a_damaged_state(kotlin, who, blobs, tmp_path, http):
    """No exception at any start; nothing is offered to the app but what it was built with, until a bundle is fetched again."""
    from edgetl.channel.storage import Storage

    mine = dataclasses.replace(who, storage=Storage(str(tmp_path / "shop")))
    publishing.publish(mine, blobs("a"), describe(blobs("a")))
    homes = [tmp_path / "python", tmp_path / "kotlin"]
    row = ("update", f"{http}/shop", homes[1], _public(who), NOW, *_facts(someone()))

    def update():
        outcome = client.update(homes[0], Address(base=f"{http}/shop"), "beta", who.trust, someone(), NOW)
        said, messages = kotlin([row, ("candidates", *row[1:])])
        assert said == [_said(outcome, homes[0]), "1"], messages
        assert outcome.message == messages.strip()
        return outcome.status, outcome.message

    assert update() == ("installed", "") and update() == ("unchanged", "")
    for name, damage in DAMAGES.items():
        for home in homes:
            (state,) = home.glob("state.*")
            state.write_bytes(damage(state.read_bytes()))
        assert kotlin([("candidates", *row[1:])])[0] == [""], name
        assert update() == ("installed", "what this client remembered was damaged: it began anew."), name
    for home in homes:
        (bundle,) = home.glob("*.zip")
        bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    assert update() == ("installed", ""), "one byte is another: it is fetched again"
    (tmp_path / "file").write_text("")
    (said,) = kotlin([("update", f"{http}/shop", tmp_path / "file", *row[3:])])[0]
    assert said.startswith(("kept platform 0 null", "fault "))


@pytest.mark.parametrize(
    "what", ["endless", "trickle", "silent", "broken", "hop4", "elsewhere", "truncated", "slow_header", "slow_chunk"]
)
def test_the_same_bounds(kotlin, tmp_path, what, who):
    """Whatever is asked of the server, it misbehaves in one way."""
    nasty = type("Only", (Nasty,), {"do_GET": lambda self: (setattr(self, "path", f"/{what}"), Nasty.do_GET(self))})
    server = ThreadingHTTPServer(("127.0.0.1", 0), nasty)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    outcome = client.update(tmp_path / "python", Address(base=url, wait_s=1), "beta", who.trust, someone(), NOW)
    said, messages = kotlin([("update", url, tmp_path / "kotlin", _public(who), NOW, *_facts(someone()))])
    server.shutdown()
    server.server_close()
    assert said == [_said(outcome, tmp_path / "python")], messages
