"""A folder laid out as TensorFlow Datasets lays it out is read without that package."""

import io
import json

import pytest
from PIL import Image

from edgetl.datasets import tfds
from edgetl.errors import DataError, UnknownName
from edgetl.recipe import Data

FEATURES = {
    "pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict",
    "featuresDict": {
        "features": {
            "image": {
                "pythonClassName": "tensorflow_datasets.core.features.image_feature.Image",
                "image": {"shape": {"dimensions": ["-1", "-1", "3"]}, "dtype": "uint8", "encodingFormat": "png"},
            },
            "label": {
                "pythonClassName": "tensorflow_datasets.core.features.class_label_feature.ClassLabel",
                "classLabel": {"numClasses": "2"},
            },
        }
    },
}


def _png(shade):
    file = io.BytesIO()
    Image.new("RGB", (9, 7), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def _prepare(root, splits, *, name="pets", version="1.0.0", labels=("cat", "dog"), features=FEATURES):
    """Write a set; `splits`: name → the labels of each shard. Returns its folder."""
    import tensorflow as tf

    folder = root / name / version
    folder.mkdir(parents=True)
    described, shade = [], 0
    for split, shards in splits.items():
        for number, shard in enumerate(shards):
            path = folder / f"{name.split('/')[0]}-{split}.tfrecord-{number:05d}-of-{len(shards):05d}"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for label in shard:
                    values = {
                        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[_png(shade)])),
                        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                    }
                    writer.write(tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString())
                    shade += 1
        described.append(
            {
                "name": split,
                "shardLengths": [str(len(shard)) for shard in shards],
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
            }
        )
    info = {
        "name": name.split("/")[0], "version": version, "fileFormat": "tfrecord", "splits": described,
        "redistributionInfo": {"license": "CC0"},
    }  # fmt: skip
    (folder / "dataset_info.json").write_text(json.dumps(info))
    (folder / "features.json").write_text(json.dumps(features))
    (folder / "label.labels.txt").write_text("".join(f"{label}\n" for label in labels))
    return folder


def _data(root, name="pets", **keys):
    return Data(source="tfds", path=str(root), name=name, **keys)


def test_splits_shards_and_names_are_found_and_other_splits_left_out(tmp_path):
    _prepare(tmp_path, {"train": [[0, 1], [1]], "test": [[0]], "extra": [[1, 1]]})
    found = tfds.load(_data(tmp_path))
    assert found.class_names == ("cat", "dog")
    assert found.licence == "CC0"
    assert [(s.split, s.class_index) for s in found.samples] == [("train", 0), ("train", 1), ("train", 1), ("test", 0)]
    with Image.open(io.BytesIO(found.samples[2].read())) as image:
        assert image.getpixel((0, 0)) == (2, 0, 0)


def test_one_split_alone_is_dealt_by_the_recipe_and_the_newest_version_is_taken(tmp_path):
    _prepare(tmp_path, {"train": [[0]]}, version="2.0.0")
    _prepare(tmp_path, {"train": [[0, 1, 0]]}, version="10.0.0")
    assert [s.split for s in tfds.load(_data(tmp_path)).samples] == [None, None, None]
    assert len(tfds.load(_data(tmp_path, "pets:2.0.0")).samples) == 1
    with pytest.raises(UnknownName, match=r"no version named '3\.0\.0'"):
        tfds.load(_data(tmp_path, "pets:3.0.0"))


def test_a_configuration_and_the_folder_of_the_environment(tmp_path, monkeypatch):
    _prepare(tmp_path, {"train": [[0, 1]]}, name="pets/small")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    found = tfds.load(Data(source="tfds", name="pets/small"))
    assert [s.class_index for s in found.samples] == [0, 1]
    with pytest.raises(UnknownName, match=r"no prepared data set named 'pets/big'.*pets/small"):
        tfds.load(Data(source="tfds", name="pets/big"))


def test_missing_short_and_damaged_shards_and_classless_records_are_told_together(tmp_path):
    folder = _prepare(tmp_path, {"train": [[0, 1], [1], [0], [0, -1]]})
    shards = sorted(folder.glob("*.tfrecord-*"))
    shards[0].unlink()
    shards[1].write_bytes(b"")
    shards[2].write_bytes(shards[2].read_bytes()[:-3])
    with pytest.raises(DataError) as caught:
        tfds.load(_data(tmp_path))
    text = str(caught.value)
    assert "pets-train.tfrecord-00000-of-00004: is missing" in text
    assert "pets-train.tfrecord-00001-of-00004: holds 0 records, dataset_info.json says 1" in text
    assert "pets-train.tfrecord-00002-of-00004: the record at byte 0" in text
    assert "pets-train.tfrecord-00003-of-00004#1: its label is not one of the 2 classes" in text


def test_wrong_keys_other_formats_hostile_names_and_broken_descriptions(tmp_path):
    folder = _prepare(tmp_path, {"train": [[0, 1]]})
    with pytest.raises(DataError, match=r"data\.label_key: kind: no ClassLabel of this name\. The set has: image \(Image\)"):
        tfds.load(_data(tmp_path, label_key="kind"))
    with pytest.raises(DataError, match="must be name"):
        tfds.load(_data(tmp_path, "../pets"))
    info = json.loads((folder / "dataset_info.json").read_text())
    for changes, message in (
        ({"fileFormat": "array_record"}, "holds array_record files"),
        ({"splits": [{**info["splits"][0], "filepathTemplate": "../x"}]}, "names a file outside"),
        ({"splits": [{"name": "all", "shardLengths": []}, {"name": "more", "shardLengths": []}]}, "has no split train"),
        ({"splits": 3}, "does not list its splits"),
    ):
        (folder / "dataset_info.json").write_text(json.dumps({**info, **changes}))
        with pytest.raises(DataError, match=message):
            tfds.load(_data(tmp_path))
    (folder / "dataset_info.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="cannot be read"):
        tfds.load(_data(tmp_path))


def test_odd_descriptions_are_told_and_a_set_without_test_is_tested_on_its_validation(tmp_path):
    folder = _prepare(tmp_path, {"train": [[0, 1]], "validation": [[1]]})
    assert [s.split for s in tfds.load(_data(tmp_path)).samples] == ["train", "train", "test"]
    info = json.loads((folder / "dataset_info.json").read_text())
    (folder / "dataset_info.json").write_text(json.dumps({**info, "redistributionInfo": "none"}))
    assert tfds.load(_data(tmp_path)).licence == "see the data set's page"
    (folder / "label.labels.txt").write_bytes("chat\nchi\xe9n\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"label\.labels\.txt: is not UTF-8 text"):
        tfds.load(_data(tmp_path))
    features = json.loads((folder / "features.json").read_text())
    features["featuresDict"]["features"]["label"]["classLabel"]["numClasses"] = "1000000000"
    (folder / "features.json").write_text(json.dumps(features))
    with pytest.raises(DataError, match="label has 1000000000 classes; must be 2 to 100000"):
        tfds.load(_data(tmp_path))


def test_the_fingerprint_follows_the_content(tmp_path):
    folder = _prepare(tmp_path, {"train": [[0, 1]]})
    before = tfds.fingerprint(_data(tmp_path))
    (folder / "label.labels.txt").write_text("dog\ncat\n")
    assert tfds.fingerprint(_data(tmp_path)) != before
