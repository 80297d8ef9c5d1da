"""What is computed around the times: cores, strain, drift, operators."""

import os
import subprocess
import sys
import time

import pytest

from edgetl.errors import InputError
from edgetl.timing import cores, strain
from edgetl.timing.profile import gather, kind_of
from edgetl.timing.strain import Strain
from edgetl.timing.sustained import drift, order_interval

pytestmark = pytest.mark.alone


def _topology(folder, siblings, capacity=None):
    for core, group in enumerate(siblings):
        (folder / f"cpu{core}" / "topology").mkdir(parents=True)
        (folder / f"cpu{core}" / "topology" / "core_cpus_list").write_text(group + "\n")
        if capacity:
            (folder / f"cpu{core}" / "cpu_capacity").write_text(f"{capacity[core]}\n")
    return folder


def test_distinct_physical_cores_come_first(tmp_path):
    pairs = _topology(tmp_path, ["0,2", "1,3", "0,2", "1,3"])
    assert cores.choose(1, (0, 1, 2, 3), pairs) == (3,)
    assert cores.choose(2, (0, 1, 2, 3), pairs) == (2, 3)
    assert cores.choose(2, (1, 2, 3), pairs) == (2, 3)
    assert cores.choose(3, (0, 1, 2, 3), pairs) == (1, 2, 3)


def test_fast_cores_come_before_all(tmp_path):
    big = _topology(tmp_path, ["0", "1", "2", "3"], capacity=[1024, 1024, 400, 400])
    assert cores.choose(2, (0, 1, 2, 3), big) == (0, 1)
    assert cores.choose(3, (0, 1, 2, 3), big) == (0, 1, 3)


def test_more_threads_than_cores_are_refused(tmp_path):
    with pytest.raises(InputError, match="3 threads need 3 cores, and 2 may be used here"):
        cores.choose(3, (0, 1), tmp_path)
    assert cores.choose(1, ()) == ()


def test_strain_adds_up_and_names_what_is_too_much():
    one = Strain(core_s=1.0, own_s=0.5, others_s=0.4, waited_s=0.5, involuntary=7)
    both = one + Strain(core_s=1.0, own_s=1.0, waited_s=0.0)
    assert (both.others_share, both.waited_share, both.involuntary) == (0.2, 0.25, 7)
    assert len(both.reasons()) == 2
    assert (one + Strain(waited_s=None)).waited_share is None
    assert Strain(core_s=1.0, own_s=1.0).reasons() == ()
    assert Strain(core_s=0.01, others_s=0.01).reasons() == (), "ticks of 10 ms say nothing about 10 ms"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system knows no affinity")
def test_a_busy_loop_on_the_core_is_seen():
    core = max(os.sched_getaffinity(0))
    loop = subprocess.Popen(
        [sys.executable, "-c", f"import os\nos.sched_setaffinity(0, [{core}])\nprint(1, flush=True)\nwhile True: pass"],
        stdout=subprocess.PIPE,
    )
    try:
        loop.stdout.readline()
        watch = strain.Watch([], (core,))
        time.sleep(0.5)
        found = watch.end()
    finally:
        loop.kill()
        loop.wait()
    assert found.others_share > 0.3
    assert "other processes took" in found.reasons()[0]


def test_drift_compares_the_ends():
    falling = [10.0] * 10 + [11.0] * 80 + [12.0] * 10
    assert drift(falling) == pytest.approx((1.2, 1.2, 1.2))
    assert drift([1.0, 1.0]) == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="two pieces"):
        drift([1.0])


def test_the_interval_of_a_percentile_lies_between_ranks():
    ordered = list(range(10_000))
    assert order_interval(ordered, 99.0) == (9880, 9920)  # 9900 ± 1.96 √99
    assert order_interval([5.0], 99.0) == (5.0, 5.0)


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("Convolution (NHWC, QC8) DWConv", "depthwise convolution"),
        ("Convolution (NHWC, F32) IGEMM", "convolution"),
        ("Fully Connected (NC, F32) GEMM", "pointwise convolution or dense layer"),
        ("QLinearConv", "convolution"),
        ("FusedConv depthwise", "depthwise convolution"),
        ("Gemm", "dense layer"),
        ("ReorderInput", "change of layout"),
        ("DequantizeLinear", "conversion of type"),
        ("HARD_SWISH", "hard swish"),
        ("Static Reshape (NC)", "static reshape"),
    ],
)
def test_operators_have_names_that_people_use(type_name, kind):
    assert kind_of(type_name) == kind


def test_top_costs_in_words():
    operators = [{"name": f"d{n}", "type": "Convolution (NHWC) DWConv", "us": [10.0, 10.0, 900.0]} for n in range(6)]
    operators += [{"name": "head", "type": "Gemm", "us": [39.0, 40.0, 41.0]}]
    found = gather(operators)
    assert found.total_us == 100.0
    assert found.kinds() == (("depthwise convolution", 6, pytest.approx(0.6)), ("dense layer", 1, 0.4))
    assert found.sentence() == (
        "60% of the time goes into 6 depthwise convolutions, 40% into one dense layer. "
        "The dearest single operator, number 7 (head), takes 40%."
    )
