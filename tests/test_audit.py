"""The audit names what is wrong with a set of photos, each thing for what it is; training refuses the same."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from edgetl import perceptual
from edgetl.audit import groups


def _photo(seed, side=64, colour=True):
    """Noise of many sizes: like a photo, it has most of its strength in low frequencies, and some in all."""
    rng = np.random.default_rng(seed)
    layers = []
    for cells in (6, 12, 25, 50):
        grain = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
        layers.append(np.asarray(grain, np.float64) * 6 / cells)
    image = Image.fromarray((sum(layers) / 1.86).clip(0, 255).astype(np.uint8))
    return image if colour else image.convert("L")


RECIPE = """\
schema: 1
name: audited
data: {source: folder, path: photos}
backbone: {name: mobilenet_v1, alpha: 0.25, input_px: 32, weights: none}
train: [{phase: head, freeze: all, epochs: 1}]
targets: [{format: tflite, scheme: fp32}]
"""


@pytest.fixture
def fixed(tmp_path):
    """Photos in train, val and test folders: 4, 2 and 2 of each of two classes."""
    number = 0
    for split, count in (("train", 4), ("val", 2), ("test", 2)):
        for name in ("cat", "dog"):
            (tmp_path / "photos" / split / name).mkdir(parents=True)
            for _ in range(count):
                _photo(number).save(tmp_path / "photos" / split / name / f"{number}.png")
                number += 1
    (tmp_path / "audited.yaml").write_text(RECIPE)
    return tmp_path


def _audit(edgetl, *more):
    done = edgetl("data", "audit", "audited.yaml", "--json", *more)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, {f["name"]: f for f in json.loads(done.stdout)["findings"]}


def test_what_training_must_not_see_is_named_and_refused(fixed, edgetl):
    photos = fixed / "photos"
    (photos / "test" / "cat" / "copy.png").write_bytes((photos / "train" / "cat" / "0.png").read_bytes())
    (photos / "train" / "dog" / "corrupt.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    for split in ("train", "val", "test"):
        (photos / split / "rare").mkdir()
    _photo(77).save(photos / "train" / "rare" / "only.png")
    _photo(78).save(photos / "val" / "rare" / "v.png")
    (photos / "test" / "rare" / "t.png").write_bytes(b"")
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    (photos / "train" / "cat" / "huge.png").write_bytes(file.getvalue())
    code, found = _audit(edgetl)
    assert code == 1
    assert found["duplicates_across_splits"]["photos"] == ["train/cat/0.png (train) = test/cat/copy.png (test)"]
    bad = " ".join(found["undecodable"]["photos"])
    assert "train/dog/corrupt.jpg: " in bad
    assert "train/cat/huge.png: more pixels than are decoded (100,000,000)" in bad
    assert found["empty_class"]["photos"] == ["class rare: no usable image in the test split; it has 2 in all"]
    assert "class rare: 1 training images" in found["few_images"]["photos"]
    shown = edgetl("data", "audit", "audited.yaml")
    assert shown.returncode == 1
    trained = edgetl("run", "audited.yaml")
    assert trained.returncode == 2
    for name in ("copy.png", "corrupt.jpg", "huge.png", "class rare"):
        assert name in shown.stdout
        assert name in trained.stderr
    assert "Traceback" not in trained.stderr


def test_near_copies_across_splits_are_leakage_and_can_be_allowed_by_name(fixed, edgetl):
    with Image.open(fixed / "photos" / "train" / "dog" / "4.png") as image:
        image.resize((50, 50)).save(fixed / "photos" / "val" / "dog" / "smaller.jpg", quality=70)
    code, found = _audit(edgetl)
    assert code == 1
    assert found["near_duplicates_across_splits"]["photos"] == ["val/dog/smaller.jpg (val) = train/dog/4.png (train)"]
    code, found = _audit(edgetl, "--set", "data.allow=[near_duplicates_across_splits]")
    assert code == 0
    assert found["near_duplicates_across_splits"]["level"] == "warning"


def test_odd_photos_are_noted(fixed, edgetl):
    photos = fixed / "photos" / "train" / "cat"
    _photo(90, colour=False).save(photos / "grey.png")
    clear = _photo(91).convert("RGBA")
    clear.putalpha(100)
    clear.save(photos / "clear.png")
    _photo(92, side=20).save(photos / "small.png")
    _photo(93).resize((300, 60)).save(photos / "long.png")
    turned = _photo(94)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(photos / "turned.jpg", exif=exif)
    code, found = _audit(edgetl)
    assert code == 0
    named = {name: [photo.split("/")[-1] for photo in finding["photos"]] for name, finding in found.items()}
    assert {k: v for k, v in named.items() if k != "few_images"} == {
        "grey": ["grey.png"], "alpha": ["clear.png"], "small": ["small.png"], "long": ["long.png"], "turned": ["turned.jpg"],
    }  # fmt: skip


def test_uneven_classes_are_told(tmp_path, edgetl):
    for name, count in (("many", 60), ("few", 6)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(count):
            _photo(1000 * len(name) + number, side=40).save(tmp_path / "photos" / name / f"{number}.png")
    (tmp_path / "audited.yaml").write_text(RECIPE)
    code, found = _audit(edgetl)
    assert code == 0
    assert found["uneven"]["photos"] == ["many: 60, few: 6"]


def test_fingerprints_bear_recoding_and_tell_photos_apart():
    photos = [_photo(seed, side=200) for seed in range(60)]
    hashes = [np.frombuffer(perceptual.fingerprint(photo), np.uint8) for photo in photos]

    def bits(one, other):
        return int(np.unpackbits(one ^ other).sum())

    for photo, found in zip(photos, hashes, strict=True):
        file = io.BytesIO()
        photo.resize((90, 90)).save(file, "JPEG", quality=60)
        with Image.open(file) as again:
            assert bits(found, np.frombuffer(perceptual.fingerprint(again), np.uint8)) <= perceptual.ALIKE_BITS
    others = [bits(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(others) > 2 * perceptual.ALIKE_BITS


def test_every_pair_is_found_that_comparing_all_finds():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (300, perceptual.BITS), np.uint8)
    for row in range(100):
        near = bits[row].copy()
        near[rng.choice(perceptual.BITS, int(rng.integers(0, 24)), replace=False)] ^= 1
        bits[200 + row] = near
    hashes = np.packbits(bits, axis=1)
    wanted = {(i, j) for i in range(300) for j in range(i + 1, 300) if (bits[i] != bits[j]).sum() <= perceptual.ALIKE_BITS}
    assert 40 < len(wanted) < 100
    assert set(perceptual.alike(hashes)) == wanted


def test_many_copies_of_one_photo_do_not_cost_all_pairs():
    hashes = np.zeros((200_000, perceptual.BYTES), np.uint8)
    pairs = perceptual.alike(hashes)
    assert len(pairs) == 199_999
    assert set(groups(pairs, 200_000)) == {0}


def test_groups_hang_together_by_chains():
    assert groups([(3, 4), (0, 4), (1, 2)], 6) == [0, 1, 1, 0, 0, 5]


def test_the_builtin_digits_and_the_grocery_photos_pass(edgetl, material, tmp_path):
    (tmp_path / "audited.yaml").write_text(RECIPE.replace("{source: folder, path: photos}", "{source: builtin, name: digits}"))
    code, found = _audit(edgetl)
    assert (code, list(found)) == (0, ["small"])
    grocery = material / "data" / "grocery10" / "train"
    (tmp_path / "audited.yaml").write_text(RECIPE.replace("path: photos", f"path: {grocery}"))
    code, found = _audit(edgetl)
    assert code == 0, found
