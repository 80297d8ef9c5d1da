"""The profile of operators as CSV: rows of the regular runs, and no latency made of them."""

import pytest

from edgetl.errors import InputError
from edgetl.logs import benchmark_model_csv


def test_operators_of_the_regular_runs(log):
    (found,) = benchmark_model_csv.read(log("operators.csv"), "x.csv")
    assert [(o.type, o.name, o.first_ms, o.mean_ms) for o in found.operators] == [
        ("CONV_2D", "[net/conv/Relu6,net/other]:0", 0.61, 0.571),
        ("Softmax (NC, F32)", "[net/answer]:1", 0.13, 0.124),
    ]
    assert (found.count, found.statistics_ms.stated, found.values_ms) == (200, {}, ())


def test_the_older_header_has_a_start(log):
    text = (
        log("operators.csv").replace("node type, first", "node type, start, first").replace("CONV_2D, 0.61", "CONV_2D, 0.0, 0.61")
    )
    text = text.replace("(NC, F32), 0.13", "(NC, F32), 0.6, 0.13").replace("AllocateTensors, 1", "AllocateTensors, 0, 1")
    assert [o.first_ms for o in benchmark_model_csv.read(text, "x.csv")[0].operators] == [0.61, 0.13]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Softmax (NC, F32), 0.13, 0.124", "Softmax, 0.13", r"x\.csv:14: expected a row"),
        ("CONV_2D, 0.61, 0.571", "CONV_2D, 0.61, -0.571", r"mean_ms: -0\.571 is out of range"),
        ("CONV_2D, 0.61, 0.571", "CONV_2D, 0.61, nan", r"x\.csv:13: 'nan' is not a number"),
        ("%, cdf%, mem KB", "%, mem KB", r"expected the columns node type, start"),
        ("Timings (microseconds): count=200", "Timings (microseconds): coun", r"x\.csv:25: expected 'count="),
        ("Timings (microseconds): count=200", "", "is not whole"),
    ],
)
def test_damage_is_told(log, old, new, message):
    text = log("operators.csv")
    with pytest.raises(InputError, match=message):
        benchmark_model_csv.read(text.replace(old, new), "x.csv")


def test_two_profiles_are_refused(log):
    with pytest.raises(InputError, match="a second profile begins"):
        benchmark_model_csv.read(log("operators.csv") * 2, "x.csv")


def test_it_recognises_its_own(log):
    assert benchmark_model_csv.recognises(log("operators.csv"), "x.csv")
    assert not benchmark_model_csv.recognises(log("cpu_2021.txt"), "x.txt")
    assert not benchmark_model_csv.recognises(log("table.csv"), "x.csv")
