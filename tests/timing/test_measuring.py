"""Real processes, real runtimes; of times only the order is held to anything."""

import os
import subprocess
import sys

import pytest

from edgetl.timing import cores, fresh, sustained, turns
from edgetl.timing.profile import profile
from edgetl.timing.turns import Runnable, take_turns

pytestmark = pytest.mark.alone


def _onnx(path):
    return Runnable(path=path, runtime="onnxruntime")


def test_a_process_is_warmed_timed_and_measured(chain):
    pinned = cores.choose(1)
    life = fresh.live(_onnx(chain(2)), threads=1, cores=pinned, seconds=0.1)
    assert life.facts["cores"] == len(pinned)
    assert life.cold_ms > life.facts["load_ms"] > 0
    assert len(life.warmup_ms) > 10
    assert 8 <= len(life.values_ms) <= 400
    assert 0 < life.peak_memory_mib < 500
    assert life.strain.own_s > 0
    found = fresh.summarise([life, life])
    assert found["p50_ms"]["low"] <= found["p50_ms"]["value"] <= found["p50_ms"]["high"]
    assert found["p90_ms"]["value"] >= found["p50_ms"]["value"]
    assert found["cold_start_ms"]["median"] == found["cold_start_ms"]["max"] == pytest.approx(life.cold_ms)


def test_eight_times_the_work_takes_longer_and_a_file_is_not_slower_than_itself(chain, monkeypatch):
    monkeypatch.setattr(turns, "GENERATIONS", 2)
    monkeypatch.setattr(turns, "MIN_ROUNDS", 4)  # 2 generations of 4: as many as a comparison needs
    monkeypatch.setattr(turns, "_WARM_UP_S", 0.4)
    small, large = _onnx(chain(2)), _onnx(chain(16))
    pinned = cores.choose(1)
    duel = take_turns(small, large, threads=1, cores=pinned, seconds=1.6)
    found = duel.comparison
    assert 1.5 < found.low <= found.ratio <= found.high
    assert found.resolvable or found.strain.reasons() or any("steady" in r or "deviation" in r for r in found.reasons), (
        found.reasons
    )
    assert len(duel.turns) == 8 * len(found.round_ratios)
    assert len(duel.warmup_ms) == 8
    monkeypatch.setattr(turns, "GENERATIONS", 1)
    same = take_turns(small, small, threads=1, cores=pinned, seconds=0.5).comparison
    assert not same.resolvable
    assert 0.5 < same.ratio < 2.0


def test_a_run_without_a_pause(chain):
    found = sustained.sustain(_onnx(chain(1, px=16)), threads=1, cores=cores.choose(1), seconds=1.0)
    assert found.seconds >= 1.0
    assert len(found.piece_p50_ms) >= 20
    assert found.count > 100
    assert found.p50_ms <= found.p90_ms <= found.p99_ms <= found.max_ms
    assert found.p99_interval_ms[0] <= found.p99_ms <= found.p99_interval_ms[1]
    assert found.drift_low <= found.drift <= found.drift_high


def test_operators_of_an_onnx_file(chain):
    found = profile(_onnx(chain(4)), threads=1, cores=cores.choose(1))
    convolutions = [operator for operator in found.operators if operator.kind == "convolution"]
    assert len(convolutions) == 4
    assert sum(operator.share for operator in found.operators) == pytest.approx(1.0)
    assert sum(operator.share for operator in convolutions) > 0.5


def test_operators_of_a_tflite_file(material):
    path = material / "models" / "tflite-support" / "mobilenet_v1_0.25_224_1_default_1.tflite"
    found = profile(Runnable(path=path, runtime="litert"), threads=1, cores=cores.choose(1))
    counts = {kind: count for kind, count, _ in found.kinds()}
    assert counts["depthwise convolution"] == 13
    assert counts["pointwise convolution or dense layer"] == 14
    assert counts["convolution"] == 1
    assert "depthwise convolutions" in found.sentence()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system knows no affinity")
def test_a_disturbed_host_refuses(chain, monkeypatch):
    monkeypatch.setattr(turns, "GENERATIONS", 3)
    code = "import os\nos.sched_setaffinity(0, [{}])\nwhile True: pass"
    loops = [subprocess.Popen([sys.executable, "-c", code.format(core)]) for core in cores.allowed()]
    try:
        found = take_turns(_onnx(chain(2)), _onnx(chain(3)), threads=1, cores=cores.choose(1), seconds=9.0).comparison
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert not found.resolvable
    assert any("other processes took" in reason for reason in found.reasons), found.reasons
    assert found.strain.others_share > 0.3
