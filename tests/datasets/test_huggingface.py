"""Parquet files as the `datasets` library writes them, read without it."""

import io
import json

import pytest
from PIL import Image

from edgetl.datasets import huggingface
from edgetl.errors import DataError, MissingDependency
from edgetl.recipe import Data


def _png(shade):
    file = io.BytesIO()
    Image.new("RGB", (9, 7), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def _write(path, labels, names=None, image="image", plain=False):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    images = [_png(n) if plain else {"bytes": _png(n), "path": f"{n}.png"} for n in range(len(labels))]
    table = pyarrow.table({image: images, "label": labels})
    if names is not None:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}, image: {"_type": "Image"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, row_group_size=3)


def test_splits_names_and_images(tmp_path):
    _write(tmp_path / "data" / "train-00000-of-00001.parquet", [0, 1, 1, 0, 2], ["ant", "bee", "cow"])
    _write(tmp_path / "data" / "test-00000-of-00001.parquet", [2, 1], ["ant", "bee", "cow"])
    found = huggingface.load(Data(source="huggingface", path=str(tmp_path)))
    assert found.class_names == ("ant", "bee", "cow")
    assert [(s.split, s.class_index) for s in found.samples] == [
        ("test", 2), ("test", 1), ("train", 0), ("train", 1), ("train", 1), ("train", 0), ("train", 2),
    ]  # fmt: skip
    for number, sample in enumerate(found.samples[2:]):
        with Image.open(io.BytesIO(sample.read())) as image:
            assert image.getpixel((0, 0)) == (number, 0, 0)


def test_text_for_classes_plain_bytes_and_other_names(tmp_path):
    _write(tmp_path / "all.parquet", ["b", "a", "b"], image="photo", plain=True)
    found = huggingface.load(Data(source="huggingface", path=str(tmp_path), image_key="photo"))
    assert found.class_names == ("a", "b")
    assert [(s.split, s.class_index) for s in found.samples] == [(None, 1), (None, 0), (None, 1)]


def test_faults_are_told_together(tmp_path):
    _write(tmp_path / "a.parquet", [0, 5], ["x", "y"])
    _write(tmp_path / "b.parquet", [0, 1], image="picture")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError) as caught:
        huggingface.load(Data(source="huggingface", path=str(tmp_path)))
    text = str(caught.value)
    assert "b.parquet: no column named image. It has: picture, label." in text
    assert "c.parquet: is not a parquet file" in text
    assert "class 5 has no name; there are 2 names." in text


def test_a_folder_without_parquet_is_told(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="source: folder reads"):
        huggingface.fingerprint(Data(source="huggingface", path=str(tmp_path)))


def test_without_the_extra_it_says_how_to_get_it(tmp_path, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install edgetl\[huggingface\]"):
        huggingface.load(Data(source="huggingface", path=str(tmp_path)))
