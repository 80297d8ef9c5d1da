"""A YAML file is read as plain values with lines; what YAML can do beyond that is refused, with its line."""

import time

import pytest

from edgetl.errors import InputError
from edgetl.yamlfile import MAX_BYTES, MAX_DEPTH, read_yaml


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        path = tmp_path / "x.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_yaml(path)

    return write_and_read


def test_every_key_and_item_has_its_line(read):
    file = read("# top\na: 1\nb:\n  - c: x\n    d: [1, 2]\n  - c: y\n\ne: {f: true}\n")
    assert file.value == {"a": 1, "b": [{"c": "x", "d": [1, 2]}, {"c": "y"}], "e": {"f": True}}
    wanted = {"a": 2, "b": 3, "b[0]": 4, "b[0].c": 4, "b[0].d": 5, "b[0].d[1]": 5, "b[1]": 6, "b[1].c": 6, "e": 8, "e.f": 8}
    assert {key: file.lines[key] for key in wanted} == wanted


def test_a_key_without_a_line_is_told_at_its_nearest_parent(read):
    file = read("a: 1\nb:\n  - {c: x}\n")
    assert file.where("b[0].c") == f"{file.path}:3: b[0].c"
    assert file.where("b[0].absent.more") == f"{file.path}:3: b[0].absent.more"
    assert file.where("b[7]") == f"{file.path}:2: b[7]"
    assert file.where("absent") == f"{file.path}:1: absent"
    assert file.where("") == f"{file.path}:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1.0e-3", 0.001), ("1.5e2", 150.0), ("-2E+3", -2000.0), (".5e0", 0.5), ("1.e1", 10.0), ("0.1", 0.1),
        ("7", 7), ("e3", "e3"), ("1e", "1e"), ("1e3x", "1e3x"), ("'1e3'", "1e3"), ("true", True), ("", None), ("~", None),
        ("w8a8_qat", "w8a8_qat"),
    ],
)  # fmt: skip
def test_scalars_are_read_as_yaml_1_2_reads_them(read, text, value):
    found = read(f"a: {text}\n").value["a"]
    assert found == value
    assert type(found) is type(value)


def test_byte_order_mark_and_windows_line_ends_do_no_harm(read):
    file = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert (file.value, file.lines["b"]) == ({"a": 1, "b": 2}, 2)


REFUSED = {
    "not UTF-8": (b"a: \xff", "{path}: is not UTF-8 text (byte 3)."),
    "empty": (b"# nothing\n", "{path}: is empty."),
    "huge": (b"#" * (MAX_BYTES + 1), "{path}: larger than 1000000 bytes; this cannot be a recipe, a device profile or a log."),
    "tab": (b"a:\n\tb: 1\n", "{path}:2: not valid YAML: found character that cannot start any token."),
    "control": (b"a: \x01\n", "{path}: not valid YAML: "),
    "open list": (b"a: [1\n", "{path}:2: not valid YAML: "),
    "two documents": (b"a: 1\n---\nb: 1\n", "{path}:2: not valid YAML: but found another document."),
    "key twice": (b"a: 1\nb: 2\na: 3\n", "  {path}:3: a: given twice."),
    "inner key twice": (b"a:\n  - b: 2\n    b: 3\n", "  {path}:3: a[0].b: given twice."),
    "alias": (b"a: &x [1]\nb: *x\n", "  {path}:1: b: aliases (*name) are not allowed; write the value out."),
    "bomb": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "aliases (*name) are not allowed"),
    "itself": (b"a: &a [*a]\n", "  {path}:1: a[0]: aliases (*name) are not allowed; write the value out."),
    "list as key": (b"a: 1\n? [b]\n: 2\n", "  {path}:2: a key must be a plain word."),
    "object": (b"a: !!python/object/apply:os.system ['false']\n", "tags are not allowed."),
    "own tag": (b"a: !x y\n", "  {path}:1: a: not a plain value: could not determine a constructor for the tag '!x'"),
    "no date": (b"a: 2020-13-45\n", "  {path}:1: a: not a plain value: month must be in 1..12."),
    "digits": (b"a: " + b"9" * 5000, "  {path}:1: a: not a plain value: Exceeds the limit"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_plain_is_refused_at_its_line(read, tmp_path, case):
    content, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        read(content)
    assert message.format(path=tmp_path / "x.yaml") in str(caught.value)


def test_all_faults_come_at_once(read):
    with pytest.raises(InputError) as caught:
        read("a: 1\na: 2\nb: &x [1]\nc: *x\n? [d]\n: 1\n")
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("content", [b"[" * 500_000, b"{a: " * 200_000, b"- " * 400_000], ids=["lists", "mappings", "items"])
def test_deep_nesting_is_refused_at_once(read, content):
    begun = time.monotonic()
    with pytest.raises(InputError, match="nested more than 32 deep"):
        read(content)
    assert time.monotonic() - begun < 10  # going on to the end takes time with the square of the depth
    assert read(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).value


def test_a_file_that_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml: no such file\."):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match=r"cannot be read: Is a directory\."):
        read_yaml(tmp_path)
