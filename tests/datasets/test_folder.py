"""A folder of photos: what is read, and a dozen ways in which one is broken, each named."""

import os
import shutil
import unicodedata

import pytest

from edgetl.datasets import folder
from edgetl.errors import DataError
from edgetl.recipe import Data


def _spec(path):
    return Data(source="folder", path=str(path))


@pytest.fixture
def good(tmp_path):
    for name in ("apple", "pear"):
        (tmp_path / "p" / name).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "p" / name / f"{number}.jpg").write_bytes(f"{name}{number}".encode())
    return tmp_path / "p"


def test_classes_and_images_come_in_a_fixed_order(good):
    (good / "pear" / "deep").mkdir()
    (good / "pear" / "deep" / "9.PNG").write_bytes(b"x")
    for dropping in (good / ".DS_Store", good / "apple" / "Thumbs.db", good / "README.txt"):
        dropping.write_bytes(b"")
    found = folder.load(_spec(good))
    assert found.class_names == ("apple", "pear")
    assert [s.name for s in found.samples][-4:] == ["pear/0.jpg", "pear/1.jpg", "pear/2.jpg", "pear/deep/9.PNG"]
    assert found.samples[4].read() == b"pear1"
    assert {s.split for s in found.samples} == {None}


def test_split_folders_are_obeyed(good, tmp_path):
    for split in ("train", "valid", "test"):
        shutil.copytree(good, tmp_path / "s" / split)
    found = folder.load(_spec(tmp_path / "s"))
    assert {s.split for s in found.samples} == {"train", "val", "test"}
    assert found.class_names == ("apple", "pear")
    shutil.rmtree(tmp_path / "s" / "valid" / "pear")
    with pytest.raises(DataError, match="val: has no folder for class pear"):
        folder.load(_spec(tmp_path / "s"))
    shutil.rmtree(tmp_path / "s" / "test")
    with pytest.raises(DataError, match="has train, valid but no test folder"):
        folder.load(_spec(tmp_path / "s"))


def _break(how, good):
    if how == "missing":
        shutil.rmtree(good)
    elif how == "file":
        shutil.rmtree(good)
        good.write_text("x")
    elif how == "one class":
        shutil.rmtree(good / "pear")
    elif how == "no class":
        shutil.rmtree(good)
        good.mkdir()
    elif how == "empty class":
        (good / "plum").mkdir()
    elif how == "stray file":
        (good / "photo.jpg").write_bytes(b"x")
    elif how == "no image":
        (good / "apple" / "notes.pdf").write_bytes(b"x")
    elif how == "link out":
        (good / "apple" / "9.jpg").symlink_to("/etc/hostname")
    elif how == "folder link out":
        (good / "plum").symlink_to("/etc")
    elif how == "link loop":
        (good / "apple" / "loop.jpg").symlink_to("loop.jpg")
    elif how == "folder link":
        (good / "apple" / "again").symlink_to(good / "pear")
    elif how == "case":
        shutil.copytree(good / "apple", good / "Apple")
    elif how == "form":
        for form in ("NFC", "NFD"):
            shutil.copytree(good / "apple", good / unicodedata.normalize(form, "Äpfel"))
    elif how == "control":
        shutil.copytree(good / "apple", good / "a\nb")
    elif how == "fifo":
        os.mkfifo(good / "apple" / "pipe.jpg")


BROKEN = {
    "missing": "no such folder",
    "file": "is not a folder",
    "one class": r"only one class \(apple\)",
    "no class": "no class folder: a classifier needs at least two",
    "empty class": "plum: holds no image",
    "stray file": "photo.jpg: is a file where class folders are expected",
    "no image": r"apple/notes.pdf: is not an image \(jpg",
    "link out": "apple/9.jpg: is a link that leads out of the folder",
    "folder link out": "plum: is a link that leads out of the folder",
    "link loop": "apple/loop.jpg: is a link that leads out",
    "folder link": "apple/again: is a link to a folder",
    "case": "apple: differs from Apple in case",
    "form": "differs from .* in case or accents' form",
    "control": "a class name must not hold control characters",
    "fifo": "apple/pipe.jpg: is not a regular file",
}


@pytest.mark.parametrize("how", BROKEN)
def test_each_broken_folder_is_told(how, good):
    _break(how, good)
    with pytest.raises(DataError, match=BROKEN[how]):
        folder.load(_spec(good))


def test_all_faults_come_at_once_and_the_command_leaves_nothing(good, tmp_path, edgetl, tiny):
    ways = ("empty class", "stray file", "no image", "link out")
    for how in ways:
        _break(how, good)
    recipe = tiny("tflite/fp32")
    before = set(tmp_path.rglob("*"))
    done = edgetl("run", recipe, "--set", f"data.path={good}")
    assert done.returncode == 2
    for word in ("plum", "photo.jpg", "notes.pdf", "apple/9.jpg"):
        assert word in done.stderr
    assert "4 fault(s)" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(tmp_path.rglob("*")) == before


def test_an_image_that_does_not_decode_is_told_and_leaves_nothing(photos, tmp_path, edgetl, tiny):
    shutil.copytree(photos, tmp_path / "bad")
    (tmp_path / "bad" / "red" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (tmp_path / "bad" / "blue" / "empty.png").write_bytes(b"")
    recipe = tiny("tflite/fp32")
    before = set(tmp_path.rglob("*"))
    done = edgetl("run", recipe, "--set", f"data.path={tmp_path / 'bad'}")
    assert done.returncode == 2, done.stderr
    for word in ("red/broken.jpg: ", "blue/empty.png: ", "2 fault(s)"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert set(tmp_path.rglob("*")) == before


def test_the_fingerprint_follows_names_and_contents(good):
    one = folder.fingerprint(_spec(good))
    os.utime(good / "pear" / "0.jpg")
    assert folder.fingerprint(_spec(good)) == one
    (good / "pear" / "0.jpg").write_bytes(b"other")
    two = folder.fingerprint(_spec(good))
    (good / "pear" / "0.jpg").rename(good / "pear" / "7.jpg")
    assert len({one["content"], two["content"], folder.fingerprint(_spec(good))["content"]}) == 3
