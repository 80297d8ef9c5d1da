"""Whatever is done to a bundle after it was signed is refused, and named by a kind of its own; a sound one passes."""

import json
import os
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest

from edgetl import signing
from edgetl.bundle import archive, plain, signature
from edgetl.bundle.faults import BundleFault
from edgetl.bundle.opening import opened
from edgetl.bundle.verifying import verify_bundle
from edgetl.errors import InputError

from .. import small_bundle as small

KEY = signing.SecretKey(signing.new_key().key)
OTHER = signing.new_key()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A signed bundle, as a folder and as a zip; nothing changes it."""
    folder = tmp_path_factory.mktemp("sound")
    bundle = small.make(folder)
    signature.sign(bundle, KEY)
    archive.pack(bundle, folder / "bundle.zip", "small")
    return bundle


@pytest.fixture
def copy(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "bundle"))


def refused(path, key=KEY.public):
    with pytest.raises(BundleFault) as caught:
        verify_bundle(path, key)
    return caught.value.found[0]


def test_sound_bundles_pass(sound, tmp_path):
    for path in (sound, sound.parent / "bundle.zip"):
        found = verify_bundle(path, KEY.public)
        assert (found.name, found.version, found.origin_checked, found.signed_by) == ("small", "1.2.0", True, KEY.public.id)
        assert found.files == sum(p.is_file() for p in sound.rglob("*")) - 1
        assert not verify_bundle(str(path)).origin_checked
        (tmp_path / "k.pub").write_bytes(KEY.public.pem())
        assert verify_bundle(str(path), str(tmp_path / "k.pub")) == verify_bundle(path, tmp_path / "k.pub") == found
        with opened(path) as bundle:
            assert bundle.class_names == tuple(small.CLASSES)


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


FILES = (
    "artifacts/small.mlpackage/Data/weight.bin", "artifacts/small.mlpackage/Manifest.json", "artifacts/small.tflite", "card.html",
    "card.md", "contracts/small.mlpackage.json", "contracts/small.tflite.json", "evaluation.json",
    "golden/0.png", "golden/1.png", "golden/golden.json", "labels.txt", "licences.json",
    "preprocess.json", "recipe.yaml", "sbom.cdx.json",
)  # fmt: skip


def test_the_files_are_all_those_of_a_bundle(sound):
    assert archive.files_of(sound) == sorted([*FILES, "manifest.json", "manifest.sig"])


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("name", [*FILES, "manifest.json", "manifest.sig"])
def test_a_byte_flipped_in_any_file_is_named(copy, name, form):
    _flip(copy / name)
    if form == "zip":
        archive.pack(copy, copy.parent / "b.zip", "small")
    found = refused(copy if form == "folder" else copy.parent / "b.zip")
    wanted = {"manifest.json": "signature wrong", "manifest.sig": ("signature form", "signature wrong")}
    assert found.kind in wanted.get(name, "file content")
    assert name in found.says


def _edit(bundle, name, change, seal=False):
    """Change a JSON file; `seal`: as somebody who also changes the manifest to fit."""
    value = json.loads((bundle / name).read_text())
    change(value)
    (bundle / name).write_bytes(plain.text(value).encode())
    if seal:
        _seal(bundle)


def _seal(bundle, key=None):
    """Let the manifest list what lies there now, and sign it where a key is given."""
    value = json.loads((bundle / "manifest.json").read_text())
    names = [n for n in archive.files_of(bundle) if n not in ("manifest.json", "manifest.sig")]
    value["files"] = {
        n: {"sha256": plain.digest((bundle / n).read_bytes()), "size_bytes": (bundle / n).stat().st_size} for n in names
    }
    value["golden"]["sha256"] = value["files"].get("golden/golden.json", {}).get("sha256", "0" * 64)
    (bundle / "manifest.json").write_bytes(plain.text(value).encode())
    if key is not None:
        signature.sign(bundle, key)


def _resigned(bundle, change, name="manifest.json"):
    """As the owner of the key would, by mistake: everything fits but what is said."""
    _edit(bundle, name, change)
    _seal(bundle, KEY)


def _swap(bundle, one, other):
    (bundle / one).rename(bundle / "swap")
    (bundle / other).rename(bundle / one)
    (bundle / "swap").rename(bundle / other)


def _replace_and_seal(bundle, key=None):
    (bundle / "artifacts/small.tflite").write_bytes(b"another model")
    _seal(bundle, key)


def _sign_of_another(bundle):
    other = bundle.parent / "other"
    other.mkdir()
    (other / "manifest.json").write_text("{}")
    signature.sign(other, KEY)
    shutil.move(other / "manifest.sig", bundle / "manifest.sig")


def _sign_for_another_purpose(bundle):
    import base64

    signed = KEY.sign("channel index", (bundle / "manifest.json").read_bytes())
    _edit(bundle, "manifest.sig", lambda s: s.update(signature=base64.b64encode(signed).decode()))


def _say(bundle, **changes):
    _edit(bundle, "manifest.sig", lambda s: s.update(changes))


def _twice(bundle):
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(text.replace('"schema": 1,', '"schema": 1,\n "schema": 1,', 1))
    signature.sign(bundle, KEY)


def _huge(bundle):
    with (bundle / "manifest.json").open("ab") as file:
        file.write(b" " * 16_000_001)


def _add(bundle, name, data=b"x"):
    (bundle / name).parent.mkdir(parents=True, exist_ok=True)
    (bundle / name).write_bytes(data)


def _set(*keys):
    *path, last, value = keys

    def change(found):
        for key in path:
            found = found[key]
        found[last] = value

    return change


BOTH = {
    "a file removed": ("file missing", lambda b: (b / "golden/1.png").unlink()),
    "labels removed": ("file missing", lambda b: (b / "labels.txt").unlink()),
    "the manifest removed": ("manifest missing", lambda b: (b / "manifest.json").unlink()),
    "the signature removed": ("signature missing", lambda b: (b / "manifest.sig").unlink()),
    "a file added": ("file not listed", lambda b: _add(b, "readme.txt")),
    "a file added below": ("file not listed", lambda b: _add(b, "artifacts/small.mlpackage/Data/run.sh")),
    "a hidden file added": ("file not listed", lambda b: _add(b, "golden/.DS_Store")),
    "a file renamed": ("file missing", lambda b: (b / "card.md").rename(b / "card2.md")),
    "a file in another case": ("file missing", lambda b: (b / "labels.txt").rename(b / "Labels.txt")),
    "a twin in another case": ("names collide", lambda b: _add(b, "LABELS.txt")),
    "a folder's twin in another case": ("names collide", lambda b: _add(b, "Golden/2.png")),
    "twins of Unicode": ("names collide", lambda b: [_add(b, unicodedata.normalize(f, "é.txt")) for f in ("NFC", "NFD")]),
    "a name that Windows keeps": ("bad name", lambda b: _add(b, "aux.txt")),
    "photos swapped": ("file", lambda b: _swap(b, "golden/0.png", "golden/1.png")),
    "cards swapped": ("file size", lambda b: _swap(b, "card.md", "card.html")),
    "an artifact cut off": ("file size", lambda b: os.truncate(b / "artifacts/small.tflite", 4000)),
    "an artifact emptied": ("file size", lambda b: os.truncate(b / "artifacts/small.tflite", 0)),
    "something appended to a file": ("file size", lambda b: (b / "labels.txt").open("a").write("more\n")),
    "a manifest edited": ("signature wrong", lambda b: _edit(b, "manifest.json", _set("version", "9.9.9"))),
    "a manifest laid out otherwise": ("signature wrong", lambda b: _edit(b, "manifest.json", lambda m: m.update(m.copy()))
                                      or (b / "manifest.json").write_text((b / "manifest.json").read_text() + "\n")),
    "an artifact and its sum replaced": ("signature wrong", _replace_and_seal),
    "signed anew by another key": ("signed by another key", lambda b: _replace_and_seal(b, OTHER)),
    "another key under the right id": ("signature wrong", lambda b: (_replace_and_seal(b, OTHER), _say(b, key_id=KEY.public.id))),
    "the signature of another bundle": ("signature wrong", _sign_of_another),
    "a signature for another purpose": ("signature wrong", _sign_for_another_purpose),
    "a signature that claims another purpose": ("signature form", lambda b: _say(b, purpose="channel index")),
    "a signature of another kind": ("signature form", lambda b: _say(b, algorithm="none")),
    "a signature that is too short": ("signature form", lambda b: _say(b, signature="QUJD")),
    "a signature under another id": ("signature form", lambda b: _say(b, key_id="0" * 16)),
    "a signature under another's id": ("signature form", lambda b: _say(b, key_id=OTHER.public.id)),
    "a signature laid out otherwise": ("signature form", lambda b: (b / "manifest.sig").write_text(
        json.dumps(json.loads((b / "manifest.sig").read_text())))),
    "a signature with more behind it": ("signature form", lambda b: (b / "manifest.sig").open("a").write("\n" * 1000)),
    "a signature that is no JSON": ("signature form", lambda b: (b / "manifest.sig").write_text("no")),
    "a signature that is huge": ("signature form", lambda b: (b / "manifest.sig").write_text("[" * 3000)),
    "a huge manifest": ("manifest too large", _huge),
    "signed: a key twice": ("manifest form", _twice),
    "signed: a manifest without a title": ("manifest form", lambda b: _resigned(b, lambda m: m.pop("title"))),
    "signed: a manifest that says more": ("manifest form", lambda b: _resigned(b, _set("run", "rm -rf"))),
    "signed: a file that escapes": ("manifest form", lambda b: (_edit(b, "manifest.json", lambda m: m["files"].update(
        {"../labels.txt": m["files"]["labels.txt"]})), signature.sign(b, KEY))),
    "signed: lists its own manifest": ("manifest form", lambda b: (_edit(b, "manifest.json", lambda m: m["files"].update(
        {"manifest.json": m["files"]["labels.txt"]})), signature.sign(b, KEY))),
    "signed: other labels": ("labels differ", lambda b: ((b / "labels.txt").write_text("red\ngreen\nblé\n"), _seal(b, KEY))),
    "signed: other classes": ("labels differ", lambda b: _resigned(b, _set("classes", ["red", "green", "blé"]))),
    "signed: other labels inside": ("labels differ", lambda b: (
        (b / "labels.txt").write_text("red\ngreen\nblé\n"), _resigned(b, _set("classes", ["red", "green", "blé"])))),
    "signed: other preparation": ("preprocessing differs", lambda b: _resigned(b, _set("std", 255.0), "preprocess.json")),
    "signed: preparation told otherwise": ("preprocessing differs", lambda b: _resigned(b, _set("preprocess", "mean", 0.0))),
    "signed: preparation that is none": ("record form", lambda b: _resigned(b, _set("crop_px", "all"), "preprocess.json")),
    "signed: another golden photo": ("golden differs", lambda b: (
        shutil.copy(b / "golden/0.png", b / "golden/1.png"), _seal(b, KEY))),
    "signed: a photo that looks otherwise": ("golden differs", lambda b: _resigned(
        b, lambda g: g["images"][0]["pixels"].update(sha256="0" * 64, mean=[0, 0, 0]), "golden/golden.json")),
    "signed: a contract of other artifacts": ("golden differs", lambda b: _resigned(
        b, lambda g: g["artifacts"].pop("coreml/fp16"), "golden/golden.json")),
    "signed: a photo of another class": ("golden differs", lambda b: _resigned(
        b, _set("images", 0, "label", "blue"), "golden/golden.json")),
    "signed: probabilities that are others": ("golden differs", lambda b: _resigned(
        b, _set("images", 1, "probabilities", "tflite/fp32", [0.2, 0.7, 0.1]), "golden/golden.json")),
    "signed: a top of another order": ("golden differs", lambda b: _resigned(
        b, lambda g: g["images"][0]["top"]["tflite/fp32"].reverse(), "golden/golden.json")),
    "signed: a top of another name": ("golden differs", lambda b: _resigned(
        b, _set("images", 0, "top", "coreml/fp16", 0, "label", "green"), "golden/golden.json")),
    "signed: a probability too few": ("golden differs", lambda b: _resigned(
        b, lambda g: g["images"][0]["probabilities"]["tflite/fp32"].pop(), "golden/golden.json")),
    "signed: answers of another artifact": ("golden differs", lambda b: _resigned(
        b, lambda g: g["images"][0]["tensors"].pop("tflite/fp32"), "golden/golden.json")),
    "signed: a sample of an input": ("golden differs", lambda b: _resigned(
        b, _set("images", 0, "tensors", "tflite/fp32", "samples", 5, 0.5), "golden/golden.json")),
    "signed: an input's sha256": ("golden differs", lambda b: _resigned(
        b, _set("images", 1, "tensors", "coreml/fp16", "sha256", "0" * 64), "golden/golden.json")),
    "signed: a sample of a photo": ("golden differs", lambda b: _resigned(
        b, _set("images", 1, "pixels", "samples", 63, 300), "golden/golden.json")),
    "signed: samples of another decoder's photo": ("golden differs", lambda b: _resigned(
        b, lambda g: (g["images"][0]["pixels"].update(sha256="0" * 64), _set("tensors", "coreml/fp16", "samples", 0, 7)(
            g["images"][0])), "golden/golden.json")),
    "signed: a PNG said to be decoded otherwise": ("golden differs", lambda b: _resigned(
        b, lambda g: [g["images"][0]["pixels"].update(sha256="0" * 64), [t.update(sha256="1" * 64) for t in g["images"][0][
            "tensors"].values()]], "golden/golden.json")),
    "signed: a tolerance that nothing measured": ("golden differs", lambda b: _resigned(
        b, _set("images", 0, "tolerance", "tflite/fp32", 1.0), "golden/golden.json")),
    "signed: a tolerance of pixels that nothing measured": ("golden differs", lambda b: _resigned(
        b, _set("images", 1, "pixels", "tolerance", "samples", 255), "golden/golden.json")),
    "signed: an input of another size": ("artifact differs", lambda b: _resigned(
        b, _set("artifacts", 0, "inputs", 0, "shape", [1, 3, 3, 3]))),
    "signed: an input in another order": ("artifact differs", lambda b: _resigned(
        b, _set("artifacts", 0, "inputs", 0, "layout", "NCHW"))),
    "signed: a mean of a photo": ("golden differs", lambda b: _resigned(
        b, lambda g: g["images"][0]["pixels"]["mean"].reverse(), "golden/golden.json")),
    "signed: another way of normalising": ("golden differs", lambda b: _resigned(
        b, _set("artifacts", "tflite/fp32", "mean", 127.5), "golden/golden.json")),
    "signed: another layout": ("golden differs", lambda b: _resigned(
        b, _set("artifacts", "tflite/fp32", "layout", "NCHW"), "golden/golden.json")),
    "signed: no label": ("record form", lambda b: _resigned(b, _set("images", 0, "label", None), "golden/golden.json")),
    "signed: a contract that is none": ("record form", lambda b: _resigned(b, _set("images", 7), "golden/golden.json")),
    "signed: an artifact that was not verified": ("artifact differs", lambda b: _resigned(
        b, _set("artifacts", 0, "sha256", "0" * 64))),
    "signed: a file of no artifact": ("artifact differs", lambda b: (_add(b, "artifacts/small.ort"), _seal(b, KEY))),
    "signed: an artifact elsewhere": ("file missing", lambda b: _resigned(b, _set("artifacts", 0, "path", "labels.txt"))),
    "signed: a contract of an app that says otherwise": ("contract differs", lambda b: _resigned(
        b, _set("input", "mean", 127.5), "contracts/small.tflite.json")),
    "signed: a contract of an app with other labels": ("contract differs", lambda b: _resigned(
        b, _set("labels", ["red", "green", "blé"]), "contracts/small.tflite.json")),
    "signed: a contract of an app with true for 1": ("contract form", lambda b: _resigned(
        b, lambda c: (c.update(schema=True), c["input"].update(mean=False, std=True)), "contracts/small.mlpackage.json")),
    "signed: no contract of an app": ("file missing", lambda b: ((b / "contracts/small.tflite.json").unlink(), _seal(b, KEY))),
    "signed: a contract of no artifact": ("file missing", lambda b: (_add(b, "contracts/x.json", b"{}"), _seal(b, KEY))),
    "signed: a contract elsewhere": ("file missing", lambda b: _resigned(b, _set("artifacts", 0, "contract", "labels.txt"))),
    "signed: artifacts without contracts": ("manifest earlier", lambda b: _resigned(
        b, lambda m: m["artifacts"][1].pop("contract"))),
    "signed: a mean that pictures do not have": ("golden differs", lambda b: _resigned(
        b, _set("artifacts", "coreml/fp16", "mean", 128.0), "golden/golden.json")),
    "signed: a version that steers terminals": ("manifest form", lambda b: _resigned(b, _set("version", "1\x9b2J"))),
    "signed: a title in another direction": ("manifest form", lambda b: _resigned(b, _set("title", "a\u202eb"))),
    "signed: a title of two lines": ("manifest form", lambda b: _resigned(b, _set("title", "a\u2028b"))),
    "signed: no card": ("file missing", lambda b: ((b / "card.md").unlink(), _seal(b, KEY))),
}  # fmt: skip
"""What is done → kind of the first fault, and how; the same as a folder and as a zip."""


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("what", BOTH)
def test_tampering_is_refused_and_named(copy, what, form):
    kind, tamper = BOTH[what]
    tamper(copy)
    if form == "zip":
        archive.pack(copy, copy.parent / "b.zip", "small")
    found = refused(copy if form == "folder" else copy.parent / "b.zip")
    assert found.kind.startswith(kind), found
    assert found.says.endswith((".", ")")), found


def test_there_are_more_than_thirty():
    assert len(BOTH) + len(FILES) + len(ZIPS) >= 60


def _linked(bundle):
    (bundle / "labels.txt").rename(bundle.parent / "labels.txt")
    (bundle / "labels.txt").symlink_to(bundle.parent / "labels.txt")


def _folder_linked(bundle):
    (bundle / "golden").rename(bundle.parent / "golden")
    (bundle / "golden").symlink_to(bundle.parent / "golden")


@pytest.mark.parametrize(
    ("kind", "tamper"),
    [
        ("link or device", _linked),
        ("link or device", _folder_linked),
        ("link or device", lambda b: os.mkfifo(b / "pipe")),
        ("hard link", lambda b: os.link(b / "labels.txt", b.parent / "labels.txt")),
        ("bad name", lambda b: (b / "a\\b").write_text("x")),
        ("bad name", lambda b: (b / "a\nb").write_text("x")),
        ("bad name", lambda b: (b / "a\u202eb").write_text("x")),
        ("file not listed", lambda b: (b / "empty").mkdir()),
        ("file missing", lambda b: (b / "artifacts/small.mlpackage/Data/weight.bin").unlink()),
        ("file not listed", lambda b: (b / "artifacts/small.mlpackage/Data/more/and/more").mkdir(parents=True)),
    ],
)
def test_a_folder_holds_files_of_its_own_only(copy, kind, tamper):
    tamper(copy)
    assert refused(copy).kind == kind


def _entry(name="small/extra.txt", mode=stat.S_IFREG | 0o644):
    entry = archive.entry(name)
    entry.external_attr = mode << 16
    return entry


def _appended(*names, mode=stat.S_IFREG | 0o644, data=b"x", **fields):
    def tamper(path):
        with zipfile.ZipFile(path, "a") as file:
            for name in names:
                entry = _entry(name, mode)
                for key, value in fields.items():
                    setattr(entry, key, value)
                file.writestr(entry, data)

    return tamper


def _bytes(change):
    def tamper(path):
        data = bytearray(path.read_bytes())
        path.write_bytes(bytes(change(data) or data))

    return tamper


def _poke(signature_, offset, form, value):
    """Overwrite a field of the last record that starts so."""

    def change(data):
        struct.pack_into(form, data, data.rindex(signature_) + offset, value)

    return _bytes(change)


def _hide(data):
    """Put a member before the directory that the directory does not list."""
    end = len(data) - 22
    start = struct.unpack_from("<L", data, end + 16)[0]
    hidden = b"PK\x03\x04" + data[4:30] + b"out_of_the_zip"
    struct.pack_into("<L", data, end + 16, start + len(hidden))
    return data[:start] + hidden + data[start:]


def _rename_local(data):
    at = data.index(b"small/labels.txt")
    data[at : at + 16] = b"small/nothing.txt"[:16]


def _garbage(data):
    at = data.index(b"small/card.html") + 40
    data[at : at + 200] = b"\xff" * 200


def _bomb(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr(_entry("small/large.bin"), bytes(30_000_000), zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<L", data, data.rindex(mark) + place, 3_900_000_000)
    path.write_bytes(data)


def _many_bombs(path):
    """Members that each may be, but together unpack to more than is allowed."""
    large = os.urandom(1_000_000)
    with zipfile.ZipFile(path, "a") as file:
        for number in range(5):
            file.writestr(_entry(f"small/{number}.bin"), large, zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    assert data.count(struct.pack("<L", len(large))) == 10
    path.write_bytes(data.replace(struct.pack("<L", len(large)), struct.pack("<L", 1_000_000_000)))


def _long_directory(path):
    """All of a large file is said to be its directory."""
    with path.open("wb") as file:
        file.truncate(3_000_000_000)
        file.seek(3_000_000_000)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 3_000_000_000, 0, 0))


def _flood(path):
    with zipfile.ZipFile(path, "w") as file:
        for number in range(10_001):
            file.writestr(_entry(f"small/{number}"), b"")


def _stream(change):
    """Change the compressed bytes of a member, and every size and place that speaks of them."""

    def tamper(path):
        with zipfile.ZipFile(path) as file:
            held = {name: file.read(name) for name in file.namelist()}
        data, directory = b"", b""
        for name, raw in held.items():
            pack = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = pack.compress(raw) + pack.flush()
            packed = change(packed) if name == "small/card.md" else packed
            facts = struct.pack("<4H3L2H", 0 if name.isascii() else 0x800, 8, 0, 33, zlib.crc32(raw), len(packed), len(raw),
                                len(name.encode()), 0)  # fmt: skip
            directory += b"PK\x01\x02" + struct.pack("<2H", 3 << 8 | 20, 20) + facts
            directory += struct.pack("<3H2L", 0, 0, 0, 0o100644 << 16, len(data)) + name.encode()
            data += b"PK\x03\x04" + struct.pack("<H", 20) + facts + name.encode() + packed
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(held), len(held), len(directory), len(data), 0)
        path.write_bytes(data + directory + end)

    return tamper


def _repack(path, root="small", reverse=False):
    """The same files in the same form, but for the folder that they lie in or their order."""
    with zipfile.ZipFile(path) as file:
        held = {name.removeprefix("small/"): file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name in sorted(held, reverse=reverse):
            file.writestr(archive.entry(f"{root}/{name}" if root else name), held[name])


ZIPS = {
    "../": ("bad name", _appended("small/../../out_of_the_zip.txt")),
    "../ at the start": ("bad name", _appended("../out_of_the_zip.txt")),
    "an absolute name": ("bad name", _appended("/etc/out_of_the_zip.txt")),
    "a drive": ("bad name", _appended("C:/out_of_the_zip.txt")),
    "a backslash": ("bad name", _bytes(lambda d: d.replace(b"small/labels.txt", b"small\\labels.txt"))),
    "a dot": ("bad name", _appended("small/./out_of_the_zip.txt")),
    "an empty part": ("bad name", _appended("small//out_of_the_zip.txt")),
    "a name of 300 letters": ("bad name", _appended("small/" + "a" * 300)),
    "a folder": ("link or device", _appended("small/empty/", mode=stat.S_IFDIR | 0o755, data=b"")),
    "a link": ("link or device", _appended("small/link", mode=stat.S_IFLNK | 0o777, data=b"/etc/passwd")),
    "a device": ("link or device", _appended("small/device", mode=stat.S_IFCHR | 0o666)),
    "a file outside the folder": ("file not listed", _appended("other/out_of_the_zip.txt")),
    "a file at the top": ("file not listed", _appended("out_of_the_zip.txt")),
    "a member twice": ("name twice", _appended("small/labels.txt")),
    "a file that is a folder": ("names collide", _appended("small/labels.txt/out_of_the_zip")),
    "fields of another program": ("packed otherwise", _appended("small/extra.txt", extra=b"UT\x05\x00\x03\0\0\0\0")),
    "a comment of a member": ("packed otherwise", _appended("small/extra.txt", comment=b"hello")),
    "stored": ("packed otherwise", _appended("small/extra.txt", compress_type=zipfile.ZIP_STORED)),
    "members in another order": ("packed otherwise", lambda p: _repack(p, reverse=True)),
    "another folder": ("packed otherwise", lambda p: _repack(p, root="other")),
    "no folder": ("packed otherwise", lambda p: _repack(p, root="")),
    "another compression": ("packed otherwise", _appended("small/extra.txt", compress_type=zipfile.ZIP_BZIP2)),
    "sizes behind the data": ("packed otherwise", _poke(b"PK\x01\x02", 8, "<H", 8)),
    "encrypted": ("encrypted", _poke(b"PK\x01\x02", 8, "<H", 1)),
    "a part of several": ("packed otherwise", _poke(b"PK\x05\x06", 4, "<H", 1)),
    "another size in front": ("records differ", _poke(b"PK\x03\x04", 22, "<L", 7)),
    "another sum in front": ("records differ", _poke(b"PK\x03\x04", 14, "<L", 7)),
    "another name in front": ("records differ", _bytes(_rename_local)),
    "another size in both": (
        "file size",
        lambda p: (_poke(b"PK\x01\x02", 24, "<L", 999)(p), _poke(b"PK\x03\x04", 22, "<L", 999)(p)),
    ),
    "a member that starts elsewhere": ("hidden data", _poke(b"PK\x01\x02", 42, "<L", 0)),
    "a member that is not listed": ("hidden data", _bytes(_hide)),
    "one member fewer in the end": ("packed otherwise", _poke(b"PK\x05\x06", 8, "<H", 2)),
    "something behind a member's end": ("hidden data", _stream(lambda d: d + b"more")),
    "a byte behind a member's end": ("hidden data", _stream(lambda d: d + b"\0")),
    "megabytes of empty blocks": ("hidden data", _stream(lambda d: b"\0\0\0\xff\xff" * 1_000_000 + d)),
    "a member without its end": ("damaged", _stream(lambda d: d[:-1])),
    "something before it": ("leading data", _bytes(lambda d: b"#!/bin/sh\n" + d)),
    "something behind it": ("trailing data", _bytes(lambda d: d + b"more")),
    "a comment of the zip": ("trailing data", _bytes(lambda d: d[:-2] + b"\x04\x00more")),
    "a zip behind it": ("leading data", _bytes(lambda d: d + d)),
    "the last byte missing": ("truncated", _bytes(lambda d: d[:-1])),
    "half of it": ("truncated", _bytes(lambda d: d[: len(d) // 2])),
    "the middle missing": ("truncated", _bytes(lambda d: d[:1000] + d[2000:])),
    "nothing": ("not a bundle", _bytes(lambda d: b"\n")),
    "another file": ("not a bundle", _bytes(lambda d: b"GIF89a" * 100)),
    "damaged data": ("damaged", _bytes(_garbage)),
    "a bomb": ("too large", _bomb),
    "a bomb of many": ("too large", _many_bombs),
    "ten thousand files": ("too large", _flood),
    "a directory of gigabytes": ("too large", _long_directory),
}


@pytest.mark.parametrize("what", ZIPS)
def test_zips_that_are_not_as_packed_are_refused(sound, tmp_path, what, monkeypatch):
    kind, tamper = ZIPS[what]
    path, unpacked = tmp_path / "b.zip", tmp_path / "unpacked"
    shutil.copy(sound.parent / "bundle.zip", path)
    tamper(path)
    unpacked.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(unpacked))
    found = refused(path)
    assert found.kind.startswith(kind), found
    assert not list(unpacked.iterdir()), "what was unpacked is gone"
    assert not list(tmp_path.parent.rglob("out_of_the_zip*"))
    with pytest.raises(InputError), opened(path):
        pass


def test_a_zip_may_be_packed_by_another_build_of_zlib(sound, tmp_path):
    shutil.copy(sound.parent / "bundle.zip", tmp_path / "b.zip")
    _stream(lambda d: b"\0\0\0\xff\xff" + d)(tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() != (sound.parent / "bundle.zip").read_bytes()
    assert verify_bundle(tmp_path / "b.zip", KEY.public).name == "small"


CENTRAL = (("made by", 4, "H"), ("needed", 6, "H"), ("flags", 8, "H"), ("method", 10, "H"), ("time", 12, "H"), ("date", 14, "H"),
           ("sum", 16, "L"), ("packed size", 20, "L"), ("size", 24, "L"), ("name", 28, "H"), ("extra", 30, "H"),
           ("comment", 32, "H"), ("disk", 34, "H"), ("internal", 36, "H"), ("external", 38, "L"), ("place", 42, "L"))  # fmt: skip
LOCAL = tuple((name, at - 2, form) for name, at, form in CENTRAL[1:11])


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("mark", "field"), [*((b"PK\x01\x02", f) for f in CENTRAL), *((b"PK\x03\x04", f) for f in LOCAL)])
def test_every_bit_of_every_record_counts(sound, tmp_path, mark, field, both):
    """Of one record alone, and of the two of a member alike: neither the sum of a file nor the signature covers them."""
    name, at, form = field
    whole, path = (sound.parent / "bundle.zip").read_bytes(), tmp_path / "b.zip"
    for bit in range(8 * struct.calcsize(form)):
        data = bytearray(whole)
        data[data.index(mark) + at + bit // 8] ^= 1 << bit % 8
        if both and field in CENTRAL[1:11] and mark == b"PK\x01\x02":
            data[at - 2 + bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        assert refused(path), (name, bit)


def test_a_hostile_manifest_costs_little(copy):
    import time

    for text in ("[" * 5_000_000, '{"schema": 1, "files": ' + "[" * 3000 + "]" * 3000 + "}", '{"a": ' + "9" * 5000 + "}", "NaN",
                 '{"schema": 1, "files": {"a": {"sha256": 1e999, "size_bytes": 1}}, "classes": ["a"]}'):  # fmt: skip
        (copy / "manifest.json").write_text(text)
        begun = time.process_time()
        assert refused(copy, None).kind == "manifest form"
        assert time.process_time() - begun < 5


def test_the_command_names_the_first_thing_and_exits_1(sound, copy, edgetl, tmp_path):
    (tmp_path / "k.pub").write_bytes(KEY.public.pem())
    done = edgetl("ship", "verify", sound.parent / "bundle.zip", "--key", "k.pub", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["sound"], told["origin_checked"], told["signed_by"]) == (0, True, True, KEY.public.id)
    done = edgetl("ship", "verify", sound)
    assert (done.returncode, "Origin not checked" in done.stdout) == (0, True)
    (copy / "labels.txt").unlink()
    (copy / "readme.txt").write_text("x")
    done = edgetl("ship", "verify", copy, "--key", "k.pub", "--json")
    told = json.loads(done.stdout)
    wanted = {"kind": "file missing", "says": "labels.txt: is not in the bundle."}
    assert (done.returncode, told["sound"], told["fault"]) == (1, False, wanted)
    assert edgetl("ship", "verify", tmp_path / "nothing").returncode == 2
    assert edgetl("ship", "verify", sound, "--key", sound / "labels.txt").returncode == 2


def test_a_photo_decoded_otherwise_is_no_tampering(copy):
    """Decoders of JPEG lie a level or two apart, and then the sha256 of the inputs is another too."""
    import io

    import numpy as np
    from PIL import Image

    from edgetl import tensors
    from edgetl.bundle import contracts
    from edgetl.preprocess import to_pixels
    from edgetl.types import Preprocess, from_json

    golden, manifest = (json.loads((copy / name).read_text()) for name in ("golden/golden.json", "manifest.json"))
    steps = from_json(Preprocess, manifest["preprocess"])
    image = golden["images"][0]
    buffer = io.BytesIO()
    Image.open(copy / "golden/0.png").convert("RGB").save(buffer, "JPEG")
    (copy / "golden/0.png").write_bytes(buffer.getvalue())
    pixels = to_pixels(buffer.getvalue(), steps)
    image["sha256"] = plain.digest(buffer.getvalue())
    image["pixels"]["mean"] = [float(m) for m in pixels.reshape(-1, 3).mean(axis=0)]
    places = golden["artifacts"]["tflite/fp32"]["sample_at"]
    image["pixels"]["samples"] = [int(s) - 2 if s > 127 else int(s) + 2 for s in pixels.reshape(-1)[places]]
    image["pixels"]["sha256"] = "0" * 64
    for name, facts in golden["artifacts"].items():
        samples = tensors.of_pixels(np.array(image["pixels"]["samples"], np.uint8), facts["dtype"], steps)
        image["tensors"][name] = {"sha256": "1" * 64, "samples": tensors.printed(samples)}
    for name, value in {"golden/golden.json": golden, **contracts.derive(manifest, golden)}.items():
        (copy / name).write_bytes(plain.text(value).encode())
    _seal(copy, KEY)
    assert verify_bundle(copy, KEY.public).artifacts == ("tflite/fp32", "coreml/fp16")
