"""What is not known is said to be unknown: uncounted layers, weights in other files, versions that no table has."""

import io

import onnx

from edgetl.inspection import Asked, inspect, telling


def _found(path, rule):
    return [finding for finding in inspect(path, Asked()).findings if finding.rule == rule]


def test_a_keras_file_has_no_invented_zeros(made, tmp_path, capsys):
    from edgetl.cli import _audit

    made.network.save(tmp_path / "net.keras")
    _audit.show(telling.record(inspect(tmp_path / "net.keras")))
    told = capsys.readouterr().out
    assert "work not counted" in told and " 0.0" not in told.partition("MB")[2]
    (row,) = [line for line in told.splitlines() if line.startswith("Dense ")]
    assert row.split() == ["Dense", "2", "0", "–", "–", "–", "–"]


def test_weights_in_another_file(made, tmp_path):
    model = onnx.load(made("onnx/fp32"))
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="net.bin", size_threshold=0)
    size = (tmp_path / "net.bin").stat().st_size
    assert inspect(tmp_path / "net.onnx").facts.outside == {"net.bin": size}
    (found,) = _found(tmp_path / "net.onnx", "outside")
    assert (found.level, found.message) == ("note", f"weights lie in other files, {size / 1e6:.2f} MB: net.bin.")
    (tmp_path / "net.bin").unlink()
    (found,) = _found(tmp_path / "net.onnx", "outside")
    assert found.level == "error" and found.message.endswith("Not there: net.bin.")


def test_an_opset_that_the_table_does_not_know(made, tmp_path):
    model = onnx.load(made("onnx/fp32"))
    assert not _found(made("onnx/fp32"), "opset")
    next(one for one in model.opset_import if one.domain == "").version = 26
    onnx.save(model, tmp_path / "net.onnx")
    (found,) = _found(tmp_path / "net.onnx", "opset")
    assert found.level == "warning" and found.message.startswith("opset 26 is newer than the table knows (opset 21)")


def test_no_none_in_who_wrote_it(made):
    assert inspect(made("onnx/fp32")).facts.producer == "edgetl"


def test_lines_fit_a_terminal(made, monkeypatch):
    from rich.console import Console

    from edgetl.cli import _audit, _console

    out = io.StringIO()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(_console, "console", lambda: Console(file=out, width=80, force_terminal=True, color_system=None))
    told = telling.record(inspect(made("onnx/w8a8_qat")))
    row = {"delegate": "nnapi", "operators": 3, "leaving": [], "mac_share": 1.0, "partitions": 1, "unchecked": "Words. " * 30}
    _audit.show({**told, "coverage": [row]})
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("    Words.") for line in lines)
