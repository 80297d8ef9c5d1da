"""The adb connection: the real adb with nothing attached; and a stand-in that does what adb and a phone are documented to do.

No phone can be attached here. The stand-in is a program named adb: `devices` lists what a file says, `push` copies, `shell`
gives its one string to a shell, in which /data/local/tmp is a folder of the test. What benchmark_model prints is as documented.
"""

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edgetl.connections import adb
from edgetl.connections._base import Session
from edgetl.errors import BenchmarkError, DeviceUnreachable
from edgetl.schema import check

REPORT = """\
INFO: STARTING!
INFO: Graph: [x.tflite]
INFO: count=37 first=14744 curr=13516 min=13160 max=18295 avg=13764.3 std=967
INFO: Inference timings in us: Init: 12750, First inference: 14744, Warmup (avg): 13764.3, Inference (avg): 1.24027e+06
INFO: Overall peak memory footprint (MB) via periodic monitoring: 4.95312
"""
ADB = """\
#!{python}
import os, pathlib, shutil, subprocess, sys
home = pathlib.Path({home!r})
words = sys.argv[1:]
with open(home / "log", "a") as log:
    log.write(repr(words) + "\\n")
if words == ["devices"]:
    print("List of devices attached\\n" + (home / "devices").read_text())
    sys.exit()
assert words[0] == "-s", words
if words[1] not in (home / "devices").read_text():
    sys.exit("error: device '" + words[1] + "' not found")
def there(text):
    return text.replace("/data/local/tmp", str(home / "tmp"))
if words[2] == "push":
    shutil.copy(words[3], there(words[4]))
    if (home / "spoil").exists():
        open(there(words[4]), "ab").write(b"x")
else:
    assert words[2] == "shell" and len(words) == 4, words
    path = str(home / "bin") + ":" + os.environ["PATH"]
    sys.exit(subprocess.run(["sh", "-c", there(words[3])], env={{**os.environ, "PATH": path}}).returncode)
"""


def _program(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def phone(tmp_path, monkeypatch):
    """A stand-in for adb on PATH with one device, and what it has; see the module."""
    home = tmp_path / "phone"
    (home / "tmp").mkdir(parents=True)
    (home / "devices").write_text("R58M123\tdevice\n")
    _program(tmp_path / "path" / "adb", ADB.format(python=sys.executable, home=str(home)))
    properties = "case $1 in ro.soc.model) echo SM8550;; ro.build.version.release) echo 14;; *) echo arm64-v8a;; esac"
    _program(home / "bin" / "getprop", f"#!/bin/sh\n{properties}\n")
    _program(tmp_path / "benchmark_model", f"#!/bin/sh\necho \"$@\" >> {home}/runs\ncat <<'EOF'\n{REPORT}EOF\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:{os.environ['PATH']}")
    (tmp_path / "net.tflite").write_bytes(b"a network")
    return home


@pytest.fixture
def settings(tmp_path):
    return adb.Settings(benchmark_model=str(tmp_path / "benchmark_model"))


def test_a_run_gives_one_time_and_nothing_stays_there(phone, settings, tmp_path):
    link = adb.open(settings)
    session: Session = link.start(tmp_path / "net.tflite", "litert", 4)
    assert session.facts["values_are"] == "mean of a run"
    assert (session.facts["load_ms"], session.facts["first_inference_ms"]) == (12.75, 14.744)
    assert (session.facts["cpu"], session.facts["system"]) == ("SM8550", "android 14 arm64-v8a")
    assert session.time(50, 2.0) == (1240.27,)
    assert session.peak_memory_mib() == 4.95312
    with pytest.raises(BenchmarkError, match="gives no outputs, only times"):
        session.outputs(())
    assert len(list((phone / "tmp" / "edgetl").iterdir())) == 2
    session.close()
    link.close()
    link.close()
    assert not list((phone / "tmp" / "edgetl").iterdir())
    first, second = (phone / "runs").read_text().splitlines()
    assert re.search(r"--graph=\S+/[0-9a-f]{64}\.tflite --num_threads=4 --num_runs=1 ", first)
    assert "--num_runs=50 --min_secs=0 --max_secs=2 --warmup_runs=1" in second


def test_cores_are_those_asked_for(phone, settings, tmp_path):
    core = min(os.sched_getaffinity(0))
    _program(tmp_path / "benchmark_model", f"#!/bin/sh\nnproc > {phone}/cores\ncat <<'EOF'\n{REPORT}EOF\n")
    pinned = adb.Settings(benchmark_model=settings.benchmark_model, cpus=f"{1 << core:x}")
    adb.open(pinned).start(tmp_path / "net.tflite", "litert", 1)
    assert (phone / "cores").read_text().strip() == "1"


def test_a_program_that_is_there_already_is_used(phone, tmp_path):
    (tmp_path / "benchmark_model").rename(phone / "tmp" / "benchmark_model")
    there = adb.Settings(benchmark_model="/data/local/tmp/benchmark_model")
    assert adb.open(there).start(tmp_path / "net.tflite", "litert", 1).time(1, 1.0) == (1240.27,)
    assert re.fullmatch("benchmark_model [0-9a-f]{12}", adb.probe(there)["runtimes"]["litert"])
    absent = adb.Settings(benchmark_model="/data/local/tmp/absent")
    assert "/data/local/tmp/absent: no such file there. Set 'benchmark_model'" in adb.unreachable(absent)
    absent = adb.Settings(benchmark_model="/data/local/tmp/../../etc/x")
    assert "no such file." in adb.unreachable(absent)


def test_which_device_must_be_clear(phone, settings):
    (phone / "devices").write_text("one\tdevice\ntwo\tdevice\nthree\toffline\n")
    reason = adb.unreachable(settings)
    assert "several devices are attached: one (device), two (device), three (offline). Name one with 'serial'" in reason
    named = adb.Settings(benchmark_model=settings.benchmark_model, serial="two")
    assert adb.unreachable(named) is None
    three = adb.unreachable(adb.Settings(benchmark_model=settings.benchmark_model, serial="three"))
    assert "three is not ready" in three and "Unplug it and plug it in again." in three
    (phone / "devices").write_text("one\tunauthorized\n")
    assert "allow USB debugging for this computer" in adb.unreachable(settings)
    (phone / "devices").write_text("\033[31mevil\tdevice\x07\n")
    assert "\033" not in adb.unreachable(settings)


def test_a_device_that_is_unplugged_in_the_middle(phone, settings, tmp_path):
    link = adb.open(settings)
    session = link.start(tmp_path / "net.tflite", "litert", 1)
    (phone / "devices").write_text("")
    with pytest.raises(DeviceUnreachable, match=r"R58M123: adb shell lost it. Check the cable(.|\n)*not found"):
        session.time(1, 1.0)
    link.close()


def test_a_copy_that_is_spoiled_is_refused(phone, settings, tmp_path):
    (phone / "spoil").touch()
    with pytest.raises(BenchmarkError, match="benchmark_model did not arrive whole"):
        adb.open(settings).start(tmp_path / "net.tflite", "litert", 1)


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ("", "0 lines 'Inference timings in us'"),
        (REPORT + REPORT, "2 lines 'Inference timings in us'"),
        (REPORT.replace("1.24027e+06", "0"), "1 lines 'Inference timings in us' where one with times above zero"),
        (REPORT.replace("1.24027e+06", "nan"), "0 lines"),
        (REPORT.replace("1.24027e+06", "9" * 400), "0 lines"),
        (REPORT.replace("1.24027e+06", "-5"), "0 lines"),
    ],
)
def test_a_report_that_is_not_one_is_refused(phone, settings, tmp_path, report, told):
    _program(tmp_path / "benchmark_model", f"#!/bin/sh\ncat <<'EOF'\n{report}EOF\n")
    with pytest.raises(BenchmarkError, match=told):
        adb.open(settings).start(tmp_path / "net.tflite", "litert", 1)


def test_a_program_that_fails_floods_or_hangs(phone, settings, tmp_path, monkeypatch):
    _program(tmp_path / "benchmark_model", "#!/bin/sh\necho 'ERROR: Failed to load model'; exit 1\n")
    with pytest.raises(BenchmarkError, match="benchmark_model ended with 1.\n  ERROR: Failed to load model"):
        adb.open(settings).start(tmp_path / "net.tflite", "litert", 1)
    _program(tmp_path / "benchmark_model", "#!/bin/sh\nexec yes\n")
    with pytest.raises((BenchmarkError, DeviceUnreachable)):
        adb.open(settings).start(tmp_path / "net.tflite", "litert", 1)
    monkeypatch.setattr(adb, "LOAD_S", 1.0)
    _program(tmp_path / "benchmark_model", "#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(DeviceUnreachable, match="no answer to adb shell for 1 s"):
        adb.open(settings).start(tmp_path / "net.tflite", "litert", 1)


def test_only_litert_runs_over_adb(phone, settings, tmp_path):
    with pytest.raises(BenchmarkError, match="over adb only litert runs, not onnxruntime"):
        adb.open(settings).start(tmp_path / "net.tflite", "onnxruntime", 1)


@pytest.mark.parametrize(
    ("key", "value"), [("serial", "-s"), ("serial", "a b"), ("cpus", "0xf0"), ("cpus", "f0; id"), ("benchmark_model", "-x")]
)
def test_no_setting_can_become_an_option_or_a_command(key, value):
    faults = []
    assert check(adb.Settings, {"benchmark_model": "x", key: value}, lambda k: k, faults) is None
    assert len(faults) == 1 and faults[0].startswith(key)


def test_the_real_adb_with_nothing_attached(need, settings, monkeypatch, tmp_path):
    """Debian's adb with a server of its own, so that a developer's is left alone."""
    program = need("adb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(probe.getsockname()[1]))
    monkeypatch.setenv("HOME", str(tmp_path))  # where it keeps a key
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    try:
        reason = adb.unreachable(settings)
        if "attached: none" not in reason:
            pytest.skip("a device is attached")
        assert reason.startswith("adb: a device is not ready; attached: none. Plug it in, and turn on USB debugging")
        named = adb.unreachable(adb.Settings(benchmark_model="x", serial="R58M123"))
        assert "R58M123 is not ready; attached: none" in named
        device = adb._Device.__new__(adb._Device)
        device.serial = "R58M123"
        with pytest.raises(DeviceUnreachable, match=r"R58M123: adb shell lost it(.|\n)*not found"):
            device.shell(["true"])
    finally:
        subprocess.run([program, "kill-server"], capture_output=True)
    assert Path(program).name == "adb"
