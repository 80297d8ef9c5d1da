"""Prepare: arrays, splits, copies kept together, bad images told or listed."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from edgetl.errors import DataError
from edgetl.preprocess import load_index, load_split
from edgetl.recipefile import load_recipe
from edgetl.stages import prepare
from edgetl.stages._base import Job


@pytest.fixture
def run(tmp_path, tiny):
    recipe = tiny("tflite/fp32")

    def call(folder, *overrides):
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        loaded = load_recipe(str(recipe), (f"data.path={folder}", *overrides))
        job = Job(stage="prepare", target="", recipe=loaded.recipe, inputs={}, out=str(out), extra={})
        return prepare.run(job, lambda event: None), out

    return call


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "f" / name).mkdir(parents=True)
        for number in range(8):
            Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(tmp_path / "f" / name / f"{number}.png")
    return tmp_path / "f"


def test_every_image_is_there_once_in_the_order_of_the_splits(run, folder):
    answer, out = run(folder)
    assert answer["images"] == {"train": 8, "val": 4, "test": 4}
    index = load_index(out)
    assert [i["split"] for i in index["images"]] == ["train"] * 8 + ["val"] * 4 + ["test"] * 4
    pixels, labels = load_split(out, "val")
    assert pixels.shape == (4, 32, 32, 3)
    assert pixels.dtype == np.uint8
    assert sorted(labels.tolist()) == [0, 0, 1, 1]
    image = next(i for i in index["images"] if i["split"] == "val")
    with Image.open(folder / image["name"]) as source:
        centre = np.asarray(source.resize((37, 37), Image.Resampling.BILINEAR).crop((2, 2, 34, 34)))
    assert np.array_equal(pixels[0], centre)
    assert sorted(p.name for p in out.iterdir()) == ["index.json", "labels.npy", "pixels.npy"]


def test_copies_of_one_file_stay_in_one_split(run, folder):
    for number in range(8, 16):
        (folder / "a" / f"{number}.png").write_bytes((folder / "a" / "0.png").read_bytes())
    answer, out = run(folder)
    copies = [
        i for i in load_index(out)["images"] if i["name"].startswith("a/") and (i["name"] == "a/0.png" or len(i["name"]) > 7)
    ]
    assert len({i["split"] for i in load_index(out)["images"] if i["sha256"] == copies[0]["sha256"]}) == 1
    kinds = {finding["name"]: finding["count"] for finding in answer["audit"]}
    assert kinds["duplicates"] == 8
    assert "duplicates_across_splits" not in kinds


def test_pictures_that_look_alike_stay_in_one_split_and_others_where_they_were(run, folder):
    _, out = run(folder)
    before = {i["name"]: i["split"] for i in load_index(out)["images"]}
    with Image.open(folder / "a" / "0.png") as image:
        for number, quality in enumerate((95, 80, 60, 50, 40)):
            image.resize((120, 120)).save(folder / "a" / f"0_{number}.jpg", quality=quality)
    answer, out = run(folder)
    after = {i["name"]: i["split"] for i in load_index(out)["images"]}
    assert len({split for name, split in after.items() if name.startswith("a/0")}) == 1
    assert {name: after[name] for name in before} == before
    assert not [finding for finding in answer["audit"] if finding["level"] == "error"]


def test_the_same_file_in_two_classes_is_refused_unless_it_is_allowed_by_name(run, folder):
    (folder / "b" / "x.png").write_bytes((folder / "a" / "0.png").read_bytes())
    with pytest.raises(DataError, match=r"data.allow: \[conflicting_labels\]") as caught:
        run(folder)
    assert "b/x.png (b) = a/0.png (a): the same file under two classes." in str(caught.value)
    answer, _ = run(folder, "data.allow=[conflicting_labels]")
    assert answer["warnings"][0] == "the same file under two classes: b/x.png (b) = a/0.png (a)"


def test_a_test_set_from_elsewhere_and_photos_without_labels(run, folder, tmp_path):
    rng = np.random.default_rng(5)
    for name in ("b", "a"):
        (tmp_path / "elsewhere" / name).mkdir(parents=True)
        for number in range(3):
            shade = 60 if name == "a" else 200
            noise = rng.integers(0, 40, (40, 40, 3), np.uint8)
            Image.fromarray((noise + shade).astype(np.uint8)).save(tmp_path / "elsewhere" / name / f"{number}.png")
    (tmp_path / "loose").mkdir()
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(tmp_path / "loose" / f"{number}.png")
    answer, out = run(
        folder, f"test={{source: folder, path: {tmp_path}/elsewhere}}", f"unlabelled={{source: folder, path: {tmp_path}/loose}}"
    )
    assert answer["images"] == {"train": 10, "val": 6, "test": 6, "unlabelled": 5}
    pixels, labels = load_split(out, "test")
    assert [int(p.mean() > 150) for p in pixels[:]] == labels.tolist()
    _, none = load_split(out, "unlabelled")
    assert none.tolist() == [-1] * 5
    (tmp_path / "elsewhere" / "b").rename(tmp_path / "elsewhere" / "c")
    with pytest.raises(DataError, match="test: has classes that data has not: c"):
        run(folder, f"test={{source: folder, path: {tmp_path}/elsewhere}}")


def test_bad_images_are_all_told_or_listed(run, folder):
    whole = (folder / "a" / "0.png").read_bytes()
    (folder / "a" / "cut.png").write_bytes(whole[:300])
    (folder / "b" / "text.jpg").write_text("no image")
    with pytest.raises(DataError) as caught:
        run(folder)
    assert "a/cut.png: damaged" in str(caught.value)
    assert "b/text.jpg: not an image of a known kind" in str(caught.value)
    assert "data.on_bad_image: skip" in str(caught.value)
    answer, _ = run(folder, "data.on_bad_image=skip")
    assert [line.split(":")[0] for line in answer["skipped"]] == ["a/cut.png", "b/text.jpg"]
    assert sum(answer["images"].values()) == 16


def test_a_class_without_an_image_in_a_split_is_told(run, folder):
    for number in range(1, 8):
        (folder / "a" / f"{number}.png").unlink()
    with pytest.raises(DataError, match="class a: no usable image in the val split; it has 1 in all"):
        run(folder)


def test_validation_is_drawn_from_train_where_only_test_is_given(run, folder, tmp_path):
    for split, numbers in (("train", range(6)), ("test", range(6, 8))):
        for name in ("a", "b"):
            (tmp_path / "s" / split / name).mkdir(parents=True)
            for number in numbers:
                (folder / name / f"{number}.png").rename(tmp_path / "s" / split / name / f"{number}.png")
    answer, out = run(tmp_path / "s", "data.split={train: 0.6, val: 0.3, test: 0.1}")
    assert answer["images"] == {"train": 8, "val": 4, "test": 4}
    assert all(i["name"].startswith("test/") for i in load_index(out)["images"] if i["split"] == "test")


def test_a_photo_as_large_as_a_cameras_goes_through(run, folder):
    file = io.BytesIO()
    Image.new("RGB", (4000, 3000), (200, 10, 10)).save(file, "JPEG")
    (folder / "a" / "large.jpg").write_bytes(file.getvalue())
    answer, out = run(folder)
    row = next(image["row"] for image in load_index(out)["images"] if image["name"] == "a/large.jpg")
    pixels = np.load(out / "pixels.npy")
    assert pixels[row].mean(axis=(0, 1)) == pytest.approx([200, 10, 10], abs=3)
    assert json.loads((out / "index.json").read_text())["schema"] == 1
