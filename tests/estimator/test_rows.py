import pytest

from edgetl.errors import InputError
from edgetl.estimator.rows import read_questions, read_rows

HEADER = "device,runtime,accelerator,threads,precision,model,alpha,input_size,latency_ms"


def _file(tmp_path, *lines, header=HEADER):
    path = tmp_path / "rows.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def test_a_row_is_read(tmp_path):
    (row,) = read_rows(_file(tmp_path, "Board,tflite,cpu,4,int8,mobilenet_v2,0.5,160,12.5"))
    assert (row.setting.device, row.setting.threads, row.setting.runtime_version) == ("Board", 4, "")
    assert (row.model, row.alpha, row.input_px, row.latency_ms, row.noisy) == ("mobilenet_v2", 0.5, 160, 12.5, False)


def test_a_row_that_its_source_doubts_is_marked(tmp_path):
    path = _file(tmp_path, "B,tflite,cpu,,int8,m,,,1,x; CAVEAT: unstable", header=HEADER + ",notes")
    assert read_rows(path)[0].noisy and read_rows(path)[0].setting.threads == 0


def test_all_faults_are_told_with_their_lines(tmp_path):
    lines = (
        "B,tflite,cpu,four,int8,m,1,224,9",
        ",tflite,cpu,1,int8,m,1,224,9",
        "B,tflite,cpu,1,int8,m,1,224,nan",
        "B,tflite",
        "B,t,c,1,i,m,1,9,",
    )
    with pytest.raises(InputError) as caught:
        read_rows(_file(tmp_path, *lines))
    told = "\n".join(caught.value.faults)
    for number, words in ((2, "threads"), (3, "device"), (4, "latency_ms"), (5, "number of cells"), (6, "latency_ms: is empty")):
        assert any(f":{number}: " in fault and words in fault for fault in caught.value.faults), told


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace(",model", ""), "column 'model' is missing"),
        (HEADER + ",speed", "column 'speed' is not known"),
        (HEADER + ",device", "twice"),
    ],
)
def test_the_header_must_hold(tmp_path, header, words):
    with pytest.raises(InputError) as caught:
        read_rows(_file(tmp_path, header=header))
    assert words in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not a table in CSV"):
        read_rows(path)


def test_questions_keep_their_order_and_say_what_is_wrong_with_one(tmp_path):
    path = _file(tmp_path, "B,tflite,cpu,1,int8,m,1,224,", "B,tflite,cpu,-1,int8,m,1,224,", "C,tflite,cpu,1,int8,m,1,224,7")
    first, second, third = read_questions(path)
    assert first.setting.device == "B" and third.setting.device == "C"
    assert "threads: '-1' is not a whole number from 1 to 256" in second
