"""Verdicts: a verdict may be unsure, but never wrong."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from edgetl import devices
from edgetl.paired import ClassCounts
from edgetl.types import Evidence, Measurement, Verdict
from edgetl.verdicts import Accuracy, Subject, images_to_resolve, judge_device, judge_gates, worst

SOURCE = "a test"


def accuracy(n: int = 360, *, right: int = 350, lost: int = 0, won: int = 0, other: int = 0) -> Accuracy:
    """`right` by the checkpoint, of which `lost`; `won` of its wrong ones; `other`: both wrong, but differently."""
    return Accuracy(
        n=n,
        correct=right - lost + won,
        reference_correct=right,
        only_reference_correct=lost,
        only_candidate_correct=won,
        agreeing=n - lost - won - other,
    )


def subject(**given: Any) -> Subject:
    return Subject(**{"format": "tflite", "scheme": "w8a8_ptq", "size_bytes": 3_000_000, **given})


def gate(name: str, limit: float, found: Accuracy) -> Verdict:
    (verdict,) = judge_gates(subject(accuracy=found), {name: limit})
    assert (verdict.gate, verdict.limit, verdict.device, verdict.evidence) == (name, limit, None, "measured")
    return verdict


def phone(**budget: float) -> devices.DeviceProfile:
    return devices.DeviceProfile(
        schema=1,
        name="pixel-4",
        title="Pixel 4",
        os=devices.OperatingSystem(family="android", released="10", source=SOURCE),
        soc=devices.Soc(name="Snapdragon 855", source=SOURCE),
        formats=tuple(devices.FormatSupport(format=f, runtime="x", source=SOURCE) for f in ("tflite", "onnx")),
        threads=4,
        budget=devices.Budget(**budget, reason="a test"),
    )


def measured(values: list[float], name: str = "latency_ms", evidence: Evidence = "measured", **where: str) -> Measurement:
    return Measurement(name=name, values=tuple(values), evidence=evidence, environment={"device": "pixel-4", **where})


def around(centre: float, n: int = 200, spread: float = 0.02) -> list[float]:
    draw = random.Random(5)
    return [centre * (1 + draw.uniform(-spread, spread)) for _ in range(n)]


# gates


@pytest.mark.parametrize(
    ("correct", "limit", "outcome"),
    [
        (350, 0.95, "unsure"),  # Wilson: 0.9496 to 0.9848
        (352, 0.95, "pass"),
        (330, 0.95, "fail"),
        (342, 0.95, "unsure"),  # exactly on the limit
        (336, 0.95, "unsure"),
        (333, 0.95, "fail"),
        (360, 0.99, "pass"),
        (360, 0.995, "unsure"),
        (0, 0.01, "fail"),
    ],
)
def test_min_top1(correct: int, limit: float, outcome: str) -> None:
    verdict = gate("min_top1", limit, accuracy(right=correct))
    assert verdict.outcome == outcome
    assert verdict.value == correct / 360


def test_an_unsure_gate_tells_the_figure_the_interval_and_what_would_settle_it() -> None:
    verdict = gate("min_top1", 0.95, accuracy(right=350))
    assert verdict.interval == pytest.approx((0.9496, 0.9848), abs=1e-4)
    assert verdict.reason == (
        "top-1 97.22% on 360 images, 95 % interval 94.96% to 98.48%, straddles the limit of at least 95.00%; "
        "about 380 images like these would settle it."
    )


def test_the_number_of_images_that_would_settle_it_does() -> None:
    assert gate("min_top1", 0.95, accuracy(380, right=370)).outcome == "pass"
    verdict = gate("max_top1_drop", 0.01, accuracy(lost=1, won=1))
    assert "about 510 images" in verdict.reason
    assert gate("max_top1_drop", 0.01, accuracy(1020, right=1000, lost=3, won=3)).outcome == "pass"


def test_a_figure_on_the_limit_is_told_that_no_test_set_settles_it() -> None:
    assert "no test set would settle it" in gate("min_top1", 0.95, accuracy(right=342)).reason


@pytest.mark.parametrize("limit", [0.0, 0.001, 0.005, 0.01, 0.05])
def test_identical_answers_pass_the_drop_whatever_the_limit(limit: float) -> None:
    verdict = gate("max_top1_drop", limit, accuracy())
    assert verdict.outcome == "pass"
    assert verdict.value == 0.0
    assert verdict.interval == pytest.approx((-0.00829, 0.00829), abs=1e-5)
    assert "the same answer as the checkpoint on all 360 images" in verdict.reason
    assert "0.83%" in verdict.reason


@pytest.mark.parametrize("limit", [0.9, 0.98, 0.99, 1.0])
def test_identical_answers_pass_the_agreement_whatever_the_limit(limit: float) -> None:
    verdict = gate("min_agreement", limit, accuracy())
    assert verdict.outcome == "pass"
    assert verdict.interval == pytest.approx((0.99171, 1.0), abs=1e-5)


@pytest.mark.parametrize(
    ("n", "limit", "outcome"), [(298, 0.005, "unsure"), (299, 0.005, "pass"), (5, 0.01, "unsure"), (100, 0.05, "pass")]
)
def test_identical_answers_on_few_images_do_not_count(n: int, limit: float, outcome: str) -> None:
    same = accuracy(n, right=n)
    assert gate("max_top1_drop", limit, same).outcome == outcome
    assert gate("min_agreement", 1 - limit, same).outcome == outcome
    if outcome == "unsure":
        assert "about 300 images like these would settle it" in gate("max_top1_drop", limit, same).reason


@pytest.mark.parametrize(
    ("lost", "won", "limit", "outcome"),
    [
        (1, 0, 0.02, "pass"),
        (1, 0, 0.01, "unsure"),
        (1, 1, 0.01, "unsure"),
        (0, 1, 0.01, "pass"),
        (0, 3, 0.01, "pass"),
        (4, 0, 0.01, "unsure"),
        (20, 0, 0.01, "fail"),
        (3, 20, 0.0, "pass"),
    ],
)
def test_max_top1_drop_with_discordant_pairs(lost: int, won: int, limit: float, outcome: str) -> None:
    verdict = gate("max_top1_drop", limit, accuracy(right=330, lost=lost, won=won))
    assert verdict.outcome == outcome
    assert verdict.value == pytest.approx((lost - won) / 360)


def test_wrong_answers_that_change_are_no_drop() -> None:
    assert gate("max_top1_drop", 0.01, accuracy(other=4)).outcome == "pass"
    assert gate("max_top1_drop", 0.005, accuracy(other=4)).outcome == "unsure"
    assert "about 600 images" in gate("max_top1_drop", 0.005, accuracy(other=4)).reason
    assert "no number of images can prove" in gate("max_top1_drop", 0.0, accuracy(other=4)).reason


def test_winning_images_never_makes_the_drop_look_worse() -> None:
    ends = []
    for won in range(6):
        interval = gate("max_top1_drop", 0.01, accuracy(right=330, won=won)).interval
        assert interval is not None
        ends.append(interval[1])
    assert ends == sorted(ends, reverse=True)


@pytest.mark.parametrize(("agreeing", "outcome"), [(359, "pass"), (356, "unsure"), (340, "fail")])
def test_min_agreement(agreeing: int, outcome: str) -> None:
    assert gate("min_agreement", 0.98, accuracy(other=0, lost=360 - agreeing)).outcome == outcome


def test_agreement_of_one_fails_or_is_unsure_when_one_answer_changes() -> None:
    assert gate("min_agreement", 1.0, accuracy(other=1)).outcome == "fail"


def classes(count: int, each: int, **lost: int) -> tuple[ClassCounts, ...]:
    """`count` classes of `each` images; of those named so many are lost."""
    return tuple(ClassCounts(name=f"c{k}", n=each, lost=lost.get(f"c{k}", 0), won=0) for k in range(count))


@pytest.mark.parametrize(
    ("found", "outcome", "needed"),
    [
        (classes(10, 36), "unsure", 1100),  # none lost of 36: a drop of 14 % in some class is not excluded
        (classes(10, 110), "pass", None),
        (classes(10, 110, c3=40), "fail", None),
        (classes(2, 110, c0=4), "unsure", None),
    ],
)
def test_max_class_drop(found: tuple[ClassCounts, ...], outcome: str, needed: int | None) -> None:
    n, lost = sum(c.n for c in found), sum(c.lost for c in found)
    verdict = gate("max_class_drop", 0.05, replace(accuracy(n, right=n, lost=lost), classes=found))
    assert verdict.outcome == outcome
    assert verdict.interval is not None
    if needed is not None:
        assert verdict.images_needed == needed
        assert f"about {needed:,} images like these would settle it" in verdict.reason
    if lost:
        worst_one = max(found, key=lambda c: c.lost)
        assert f"largest drop of {len(found)} classes ({worst_one.name}, 110 images)" in verdict.reason
        assert verdict.value == worst_one.lost / worst_one.n


def test_without_counts_of_classes_their_gate_is_skipped() -> None:
    (verdict,) = judge_gates(subject(accuracy=accuracy()), {"max_class_drop": 0.1})
    assert (verdict.outcome, verdict.reason) == ("skipped", "the answers are not known class by class.")


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (1, 1)])
def test_twenty_images_never_decide_and_say_how_many_would_and_five_hundred_do(lost: int, won: int) -> None:
    few = gate("max_top1_drop", 0.02, accuracy(20, right=19, lost=lost, won=won))
    assert few.outcome == "unsure"
    assert few.images_needed is not None and few.images_needed > 20
    assert f"about {few.images_needed:,} images like these would settle it" in few.reason
    many = gate("max_top1_drop", 0.02, accuracy(500, right=475, lost=lost, won=won))
    assert (many.outcome, many.images_needed) == ("pass", None)
    assert gate("max_top1_drop", 0.02, accuracy(500, right=475, lost=25 + lost, won=won)).outcome == "fail"


def test_a_figure_on_the_wrong_side_never_passes_and_on_the_right_side_never_fails() -> None:
    draw = random.Random(1)
    for _ in range(300):
        n = draw.randint(1, 400)
        right = draw.randint(0, n)
        lost = draw.randint(0, right)
        won = draw.randint(0, n - right)
        found = accuracy(n, right=right, lost=lost, won=won, other=draw.randint(0, n - right - won))
        limits = {name: round(draw.random(), 2) for name in ("min_top1", "max_top1_drop", "min_agreement")}
        for verdict in judge_gates(subject(accuracy=found), limits):
            assert verdict.value is not None
            assert verdict.limit is not None
            good = verdict.value <= verdict.limit if verdict.gate == "max_top1_drop" else verdict.value >= verdict.limit
            assert verdict.outcome in (("pass", "unsure") if good else ("fail", "unsure")), verdict


def test_wrong_verdicts_are_rare_when_the_truth_lies_just_beyond_the_limit() -> None:
    """True drop 1.2 %, limit 1 %: of 400 test sets, at most about 2.5 % may pass."""
    draw = random.Random(2)
    passes: dict[tuple[int, int], bool] = {}
    passed = 0
    for _ in range(400):
        kinds = draw.choices(["lost", "won", "same"], [0.016, 0.004, 0.98], k=360)
        counts = kinds.count("lost"), kinds.count("won")
        if counts not in passes:
            found = accuracy(right=330, lost=counts[0], won=counts[1])
            passes[counts] = gate("max_top1_drop", 0.01, found).outcome == "pass"
        passed += passes[counts]
    assert passed / 400 <= 0.05


def test_gates_without_limit_are_left_out_and_the_order_is_fixed() -> None:
    limits = {"min_agreement": 0.9, "max_top1_drop": None, "min_top1": 0.9}
    assert [v.gate for v in judge_gates(subject(accuracy=accuracy()), limits)] == ["min_top1", "min_agreement"]
    assert judge_gates(subject(accuracy=accuracy()), {}) == ()


def test_without_accuracy_gates_are_skipped_with_the_reason() -> None:
    (verdict,) = judge_gates(subject(accuracy_missing="Core ML runs on macOS alone."), {"min_top1": 0.9})
    assert (verdict.outcome, verdict.reason, verdict.value) == ("skipped", "Core ML runs on macOS alone.", None)


def test_an_unknown_gate_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown gate 'on_unsure'; known: min_top1"):
        judge_gates(subject(), {"on_unsure": None})


@pytest.mark.parametrize(
    "change",
    [{"n": 0}, {"correct": 361}, {"reference_correct": 349}, {"only_reference_correct": -1}, {"agreeing": 361}],
)
def test_counts_that_contradict_each_other_are_refused(change: dict[str, int]) -> None:
    counts = {"n": 360, "correct": 350, "reference_correct": 350, "agreeing": 360}
    with pytest.raises(ValueError, match="cannot come from one set of images"):
        Accuracy(**{"only_reference_correct": 0, "only_candidate_correct": 0, **counts, **change})


# devices


@pytest.mark.parametrize(("size", "outcome"), [(16_000_000, "pass"), (16_000_001, "fail")])
def test_size_is_exact_in_millions_of_bytes(size: int, outcome: str) -> None:
    (verdict,) = judge_device(subject(size_bytes=size), phone(size_mb=16.0))
    assert (verdict.gate, verdict.outcome, verdict.value) == ("size_mb", outcome, size / 1e6)
    assert verdict.device == "pixel-4"


@pytest.mark.parametrize("device", ["pixel-4", "elsewhere"])
def test_a_host_figure_never_decides_about_a_device(device: str) -> None:
    host = subject(
        latency=(measured(around(1.0), evidence="host", device=device),),
        peak_memory=(measured([1e6] * 9, "peak_memory_mib", "host", device=device),),
    )
    for verdict in judge_device(host, phone(latency_p90_ms=33.0, peak_memory_mib=256.0)):
        assert (verdict.outcome, verdict.value, verdict.interval) == ("unsure", None, None)
        assert "there is no measurement or estimate for Pixel 4 yet" in verdict.reason


@pytest.mark.parametrize(("ms", "outcome"), [(20.0, "pass"), (40.0, "fail"), (32.5, "unsure")])
def test_a_measured_latency_is_judged_by_its_interval(ms: float, outcome: str) -> None:
    (verdict,) = judge_device(subject(latency=(measured(around(ms)),)), phone(latency_p90_ms=33.0))
    assert verdict.outcome == outcome
    assert verdict.evidence == "measured"
    assert verdict.interval is not None
    assert verdict.value is not None
    assert verdict.interval[0] <= verdict.value <= verdict.interval[1]
    assert verdict.value == pytest.approx(ms * 1.016, rel=5e-3)


def test_a_few_slow_runs_do_not_unsettle_a_clear_pass_but_are_told() -> None:
    values = around(10.0)
    values[50] = 80.0
    (verdict,) = judge_device(subject(latency=(measured(values),)), phone(latency_p90_ms=33.0))
    assert verdict.outcome == "pass"
    assert "the greatest value is" in verdict.reason


def test_a_run_that_heats_up_across_the_budget_is_unsure() -> None:
    """Each ninth run of the second half is slow: 5 % of all, but more than a tenth of that half."""
    values = around(20.0)
    values[100::9] = [40.0] * len(values[100::9])
    (verdict,) = judge_device(subject(latency=(measured(values),)), phone(latency_p90_ms=33.0))
    assert verdict.outcome == "unsure"
    assert "on an idle, cool device" in verdict.reason


def test_slow_runs_that_follow_each_other_count_as_one_event() -> None:
    """Twelve slow runs in a row, 6 % of all: had the row been twice as long, the budget would have been missed."""
    values = around(20.0)
    values[94:106] = [40.0] * 12
    (verdict,) = judge_device(subject(latency=(measured(values),)), phone(latency_p90_ms=33.0))
    assert verdict.outcome == "unsure"


def test_measurements_that_contradict_each_other_are_unsure() -> None:
    both = subject(latency=(measured(around(20.0)), measured(around(40.0))))
    (verdict,) = judge_device(both, phone(latency_p90_ms=33.0))
    assert verdict.outcome == "unsure"


def test_too_few_values_are_unsure() -> None:
    (verdict,) = judge_device(subject(latency=(measured([1.0] * 35),)), phone(latency_p90_ms=33.0))
    assert (verdict.outcome, verdict.reason) == ("unsure", "p90 latency 1 ms from 35 value(s) only; take at least 36.")


def test_another_devices_measurement_does_not_count() -> None:
    (verdict,) = judge_device(subject(latency=(measured(around(1.0), device="pixel-6"),)), phone(latency_p90_ms=33.0))
    assert (verdict.outcome, verdict.value) == ("unsure", None)


def test_other_threads_do_not_count() -> None:
    one, four = measured(around(60.0), threads="1"), measured(around(20.0), threads="4")
    (verdict,) = judge_device(subject(latency=(one,)), phone(latency_p90_ms=33.0))
    assert (verdict.outcome, "measured with 1 thread(s)" in verdict.reason) == ("unsure", True)
    (verdict,) = judge_device(subject(latency=(one, four)), phone(latency_p90_ms=33.0))
    assert verdict.outcome == "pass"


@pytest.mark.parametrize("evidence", ["estimated", "emulated", "imported"])
def test_what_is_not_measured_is_told_but_decides_nothing(evidence: Evidence) -> None:
    (verdict,) = judge_device(subject(latency=(measured([5.0], evidence=evidence),)), phone(latency_p90_ms=33.0))
    assert (verdict.outcome, verdict.value, verdict.evidence) == ("unsure", 5.0, evidence)


@pytest.mark.parametrize(
    ("peaks", "outcome"),
    [([100.0] * 5, "pass"), ([300.0] * 5, "fail"), ([100.0] * 4 + [300.0], "unsure"), ([100.0] * 4, "unsure")],
)
def test_peak_memory_is_the_largest_of_all_processes(peaks: list[float], outcome: str) -> None:
    (verdict,) = judge_device(subject(peak_memory=(measured(peaks, "peak_memory_mib"),)), phone(peak_memory_mib=256.0))
    assert (verdict.outcome, verdict.value) == (outcome, max(peaks))


def test_a_figure_in_another_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="its name must start with 'latency_ms'"):
        judge_device(subject(latency=(measured([1.0], "latency_s"),)), phone(latency_p90_ms=33.0))


def test_a_format_that_the_device_cannot_load_is_skipped() -> None:
    verdicts = judge_device(subject(format="coreml"), phone(latency_p90_ms=33.0, size_mb=1.0, peak_memory_mib=2.0))
    assert [v.outcome for v in verdicts] == ["skipped"] * 3
    assert {v.reason for v in verdicts} == {"Pixel 4 has no runtime for coreml; it loads tflite, onnx."}


def test_a_budget_without_figures_judges_nothing() -> None:
    assert judge_device(subject(), phone()) == ()


def test_worst() -> None:
    assert worst(["pass", "unsure", "skipped", "fail"]) == "fail"
    assert worst(["pass", "unsure", "skipped"]) == "unsure"
    assert worst(["skipped", "pass"]) == "pass"
    assert worst([]) == "skipped"


def test_what_was_evaluated_in_software_is_reference_never_measured():
    found = judge_gates(
        subject(accuracy=accuracy(400, right=390), accuracy_evidence="reference"), {"min_top1": 0.9, "max_top1_drop": 0.02}
    )
    assert [(v.outcome, v.evidence) for v in found] == [("pass", "reference")] * 2


@pytest.mark.parametrize(("lost", "won", "other", "n", "limit"), [(1, 0, 2, 60, 0.02), (3, 1, 5, 200, 0.02), (0, 0, 0, 40, 0.01)])
def test_an_unsure_gate_and_the_pairs_ask_for_the_same_number_of_images(lost, won, other, n, limit):
    verdict = gate("max_top1_drop", limit, accuracy(n, right=n - 10, lost=lost, won=won, other=other))
    assert verdict.outcome == "unsure"
    assert verdict.images_needed == images_to_resolve(lost, won, lost + won + other, n, limit)
    assert f"about {verdict.images_needed:,} images" in verdict.reason
