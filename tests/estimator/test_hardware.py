import pytest

from edgetl.devices import load_device
from edgetl.estimator.hardware import carry_over, peak
from edgetl.estimator.rows import Setting


def _setting(threads=4, precision="fp32", accelerator="cpu"):
    return Setting(
        device="x", runtime="tflite", runtime_version="", accelerator=accelerator, threads=threads, precision=precision
    )


def test_a_peak_is_lanes_times_clock_of_the_fastest_cores():
    board = load_device("raspberry-pi-4")  # 4 x Cortex-A72 at 1.8 GHz, no dot product
    assert peak(board, _setting(threads=1)) == pytest.approx(4 * 1.8)
    assert peak(board, _setting(threads=0)) == pytest.approx(4 * 4 * 1.8)
    assert peak(board, _setting(accelerator="gpu")) is None
    newer = load_device("raspberry-pi-5")
    assert peak(newer, _setting(precision="int8")) / peak(newer, _setting()) > peak(board, _setting(precision="int8")) / peak(
        board, _setting()
    )


def test_the_speed_of_the_same_core_counts_most():
    same, other, asked = load_device("firefly-rk3399"), load_device("raspberry-pi-3"), load_device("raspberry-pi-4")
    found = carry_over(asked, _setting(), [(same, _setting(), 1.0), (other, _setting(), 9.0)])
    assert found.devices[0] == "firefly-rk3399"
    alone = carry_over(asked, _setting(), [(same, _setting(), 1.0)])
    far = carry_over(asked, _setting(), [(other, _setting(), 9.0)])
    assert abs(found.log_cost - alone.log_cost) < abs(found.log_cost - far.log_cost)
    assert found.deviation > alone.deviation


def test_nothing_known_is_nothing_said():
    assert carry_over(load_device("pixel-4"), _setting(), []) is None
