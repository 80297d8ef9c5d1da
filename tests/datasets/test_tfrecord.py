"""TFRecord files written by TensorFlow are read without it; damage is told with its place."""

import io

import numpy as np
import pytest
from PIL import Image

from edgetl.datasets import _records, tfrecord
from edgetl.errors import DataError
from edgetl.recipe import Data


def _png(shade):
    file = io.BytesIO()
    Image.new("RGB", (9, 7), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def _write(path, rows):
    import tensorflow as tf

    def feature(value):
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))

    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            features = tf.train.Features(feature={name: feature(value) for name, value in row.items()})
            writer.write(tf.train.Example(features=features).SerializeToString())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "r").mkdir()
    rows = [
        {"image/encoded": _png(n), "image/class/text": (b"cat", b"dog")[n % 2], "image/class/label": n % 2, "box": [0.5, 1.0]}
        for n in range(6)
    ]
    _write(tmp_path / "r" / "train-00000-of-00001.tfrecord", rows[:4])
    _write(tmp_path / "r" / "test.tfrecord", rows[4:])
    return tmp_path / "r"


def test_images_classes_and_splits_are_found(folder):
    found = tfrecord.load(Data(source="tfrecord", path=str(folder)))
    assert found.class_names == ("cat", "dog")
    assert [(s.name, s.class_index, s.split) for s in found.samples] == [
        ("test.tfrecord#0", 0, "test"), ("test.tfrecord#1", 1, "test"),
        *((f"train-00000-of-00001.tfrecord#{n}", n % 2, "train") for n in range(4)),
    ]  # fmt: skip
    with Image.open(io.BytesIO(found.samples[4].read())) as image:
        assert image.getpixel((0, 0)) == (2, 0, 0)


def test_one_file_with_numbers_for_classes_and_other_names(tmp_path):
    _write(tmp_path / "a.tfrecord", [{"image": _png(n), "label": (10, 9, -1)[n % 3]} for n in range(6)])
    spec = Data(source="tfrecord", path=str(tmp_path / "a.tfrecord"), image_key="image", label_key="label")
    found = tfrecord.load(spec)
    assert found.class_names == ("-1", "9", "10")
    assert [s.class_index for s in found.samples] == [2, 1, 0, 2, 1, 0]
    assert {s.split for s in found.samples} == {None}


def test_checksums_are_those_of_the_format():
    assert _records.masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("cut", [5, 40])
def test_a_torn_file_is_told_with_its_place(folder, cut):
    path = folder / "test.tfrecord"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"test.tfrecord: .*at byte \d+"):
        tfrecord.load(Data(source="tfrecord", path=str(folder)))


def test_flipped_bits_are_found_in_lengths_at_once_and_in_images_when_they_are_read(folder):
    path = folder / "train-00000-of-00001.tfrecord"
    data = bytearray(path.read_bytes())
    place = data.index(b"IDAT")
    data[place] ^= 1
    path.write_bytes(data)
    found = tfrecord.load(Data(source="tfrecord", path=str(folder)))
    with pytest.raises(OSError, match="does not fit its checksum"):
        found.samples[2].read()
    data[0] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="the length at byte 0 does not fit its checksum"):
        tfrecord.load(Data(source="tfrecord", path=str(folder)))


def test_records_without_image_or_class_are_all_told(tmp_path):
    _write(tmp_path / "a.tfrecord", [{"image/encoded": _png(1)}, {"image/class/text": b"cat"}, {}])
    with pytest.raises(DataError) as caught:
        tfrecord.load(Data(source="tfrecord", path=str(tmp_path / "a.tfrecord")))
    text = str(caught.value)
    assert "a.tfrecord#0: has no single class named image/class/text or image/class/label. It has: image/encoded." in text
    assert "a.tfrecord#1: has no bytes named image/encoded. It has: image/class/text." in text
    assert "a.tfrecord#2: has no bytes named image/encoded. It has: nothing." in text


def test_any_bytes_are_an_example_or_a_value_error():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        data = rng.integers(0, 256, int(rng.integers(0, 60)), np.uint8).tobytes()
        try:
            _records.example(data)
        except ValueError:
            continue


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no file ending in"):
        tfrecord.load(Data(source="tfrecord", path=str(tmp_path)))
