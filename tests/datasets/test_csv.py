"""A table of photos: listed as it says; every faulty row is told with its line; nothing outside of its folder is read."""

from pathlib import Path

import pytest
from PIL import Image

from edgetl.datasets import csv
from edgetl.errors import DataError
from edgetl.recipe import Data


@pytest.fixture
def table(tmp_path):
    (tmp_path / "data" / "sub").mkdir(parents=True)
    for number in range(6):
        Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(tmp_path / "data" / "sub" / f"{number}.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "outside.png")

    def write(text, **keys):
        (tmp_path / "data" / "photos.csv").write_text(text, encoding="utf-8")
        return Data(source="csv", path=str(tmp_path / "data" / "photos.csv"), **keys)

    return write


def test_rows_become_samples(table):
    rows = "".join(f"sub/{n}.png,{'cat' if n % 2 else 'dog'}\n" for n in range(6))
    found = csv.load(table(f"\ufeffpath,label\n{rows}"))
    assert found.class_names == ("cat", "dog")
    assert [(s.name, s.class_index, s.split) for s in found.samples][:2] == [("sub/0.png", 1, None), ("sub/1.png", 0, None)]
    assert found.samples[3].read()[:4] == b"\x89PNG"


def test_splits_and_other_names_of_columns(table):
    text = 'file,kind,split\nsub/0.png,"a, b",train\nsub/1.png,c,validation\nsub/2.png,c,Test\nsub/3.png,"a, b",test\n'
    found = csv.load(table(text, image_key="file", label_key="kind"))
    assert found.class_names == ("a, b", "c")
    assert [s.split for s in found.samples] == ["train", "val", "test", "test"]


def test_every_fault_is_told_with_its_line(table, tmp_path):
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "outside.png")
    rows = [
        "sub/0.png,a,train", "sub/9.png,a,train", "../outside.png,a,train", f"{tmp_path}/outside.png,a,train", "link.png,b,train",
        "sub/0.png,a,train", "sub/1.png,,train", "sub/2.png,b,elsewhere", "sub,b,test", "sub/3.png,b", "sub/4.png,b,test,more",
    ]  # fmt: skip
    with pytest.raises(DataError) as caught:
        csv.load(table("path,label,split\n" + "\n".join(rows) + "\n"))
    text = str(caught.value)
    for line, what in (
        (3, "sub/9.png: no such file"), (4, "../outside.png: leads out"), (5, "leads out of the table's folder"),
        (6, "link.png: leads out"), (7, "sub/0.png is there twice"), (8, "an empty path or label"),
        (9, "no split named 'elsewhere'"), (10, "sub: is not a file"), (11, "has not 3 cells"), (12, "has not 3 cells"),
    ):  # fmt: skip
        assert any(f"photos.csv:{line}: " in fault and what in fault for fault in text.splitlines()), (line, what, text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name,label\nx,y\n", "no column named path. It has: name, label."),
        ("", "no column named path or label. It has: none."),
        ("path,label\nsub/0.png,a\nsub/1.png,a\n", "1 class(es); a classifier needs at least two."),
        ("path,label,split\nsub/0.png,a,train\nsub/1.png,b,\n", "some rows name a split and some do not."),
        ("path,label,split\nsub/0.png,a,train\nsub/1.png,b,val\n", "no row is in the test split."),
        ('path,label\n"sub/0.png,a\n', "is not a CSV file"),
    ],
)
def test_a_table_that_cannot_be_used(table, text, what):
    with pytest.raises(DataError) as caught:
        csv.load(table(text))
    assert what in str(caught.value)


def test_what_is_no_text_is_refused(table):
    spec = table("")
    Path(spec.path).write_bytes(b"path,label\n\xff\xfe,a\n")
    with pytest.raises(DataError, match="is not a CSV file in UTF-8"):
        csv.load(spec)


def test_the_fingerprint_follows_contents_labels_and_splits(table, tmp_path):
    plain = "path,label\nsub/0.png,a\nsub/1.png,b\n"
    before = csv.fingerprint(table(plain))
    assert csv.fingerprint(table(plain + "\n")) == before
    assert csv.fingerprint(table(plain.replace("0.png,a", "0.png,c"))) != before
    Image.new("RGB", (8, 8), (1, 2, 3)).save(tmp_path / "data" / "sub" / "0.png")
    assert csv.fingerprint(table(plain)) != before


def test_several_labels_or_none_in_a_cell(tmp_path):
    rows = [("a.png", "dog;cat"), ("b.png", ""), ("c.png", " cat "), ("d.png", "cat;dog;cat"), ("e.png", "cow;")]
    for name, _ in rows:
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "t.csv").write_text("path,label\n" + "".join(f"{name},{label}\n" for name, label in rows))
    found = csv.load(Data(source="csv", path=str(tmp_path / "t.csv"), separator=";"))
    assert found.class_names == ("cat", "cow", "dog")
    named = [[found.class_names[i] for i in found.label_sets[s.class_index]] for s in found.samples]
    assert named == [["cat", "dog"], [], ["cat"], ["cat", "dog"], ["cow"]]
    before = csv.fingerprint(Data(source="csv", path=str(tmp_path / "t.csv"), separator=";"))
    with pytest.raises(DataError, match="an empty path or label"):
        csv.load(Data(source="csv", path=str(tmp_path / "t.csv")))
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text.replace("cow;", "dog;"))
    assert csv.fingerprint(Data(source="csv", path=str(tmp_path / "t.csv"), separator=";")) != before


def test_a_column_given_twice_and_a_table_without_any_label(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "t.csv").write_text("path,label,label\na.png,x,y\n")
    with pytest.raises(DataError, match="label: more than one column of this name"):
        csv.load(Data(source="csv", path=str(tmp_path / "t.csv")))
    (tmp_path / "t.csv").write_text("path,label\na.png,\n")
    with pytest.raises(DataError, match="no row has a label"):
        csv.load(Data(source="csv", path=str(tmp_path / "t.csv"), separator=";"))
    (tmp_path / "t.csv").write_text("path,label\na.png,x\n./a.png,y\n")
    with pytest.raises(DataError, match="a.png is there twice"):
        csv.load(Data(source="csv", path=str(tmp_path / "t.csv")))
