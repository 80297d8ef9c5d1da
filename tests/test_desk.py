"""`connections.yaml`: what it says, and all that is wrong with it at once."""

import re
from pathlib import Path

import pytest

from edgetl import desk
from edgetl.errors import InputError, UnknownName

GOOD = """\
my-pi: {via: ssh, host: pi@192.168.1.7, identity: ~/.ssh/id_pi, cpus: [2, 3]}
pixel-4: {via: adb, benchmark_model: tools/benchmark_model, serial: 9B181FFAZ0, cpus: f0}
mac-mini: {via: mac, host: mini.local, compute_units: cpu_and_ne}
arm: {via: arm64_emulated, cpu: cortex-a72}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def put(text, folder="."):
        (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / folder / desk.FILE
        path.write_text(text)
        return path

    return put


def test_each_device_gets_its_connection_and_its_settings(write):
    ways = desk.read(write(GOOD))
    assert {name: way.via for name, way in ways.items()} == {
        "my-pi": "ssh",
        "pixel-4": "adb",
        "mac-mini": "mac",
        "arm": "arm64_emulated",
    }
    assert (ways["my-pi"].settings.host, ways["my-pi"].settings.cpus) == ("pi@192.168.1.7", (2, 3))
    assert ways["pixel-4"].settings.benchmark_model == str(write(GOOD).parent / "tools" / "benchmark_model"), (
        "relative to the file"
    )
    assert ways["my-pi"].settings.identity == "~/.ssh/id_pi"
    assert ways["arm"].connection.EVIDENCE == "emulated"
    assert ways["arm"].settings.root.endswith("arm64")


def test_the_example_of_the_readme_holds(write):
    readme = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    ways = desk.read(write(re.search(r"#### A device on the desk\n.*?```yaml\n(.*?)```", readme, re.S)[1]))
    assert [way.via for way in ways.values()] == ["ssh", "adb", "mac"]


def test_all_faults_are_told_at_once_with_their_lines(write):
    path = write(
        "pi: {via: ssh, host: -oProxyCommand=x, prot: 22}\n"
        "Phone: {via: adb}\n"
        "phone: {via: adbb}\n"
        "other: {host: x}\n"
        "bare: ssh\n"
        "mine: {via: adb, cpus: zz}\n"
        "list: {via: [ssh]}\n"
    )
    with pytest.raises(InputError) as caught:
        desk.read(path)
    told = str(caught.value)
    for line, what in (
        (1, "pi.host: '-oProxyCommand=x' is not a host"),
        (1, "pi.prot: unknown key. Did you mean 'port'?"),
        (2, "Phone: a device's name is of lower-case letters"),
        (3, "phone.via: no connection named 'adbb'. Did you mean 'adb'?"),
        (4, "other: must be a mapping with the key 'via'. Known connections: adb, "),
        (5, "bare: must be a mapping with the key 'via'"),
        (6, "mine: key 'benchmark_model' is missing."),
        (6, "mine.cpus: 'zz' is not a mask of cores"),
        (7, "list.via: no connection named"),
    ):
        assert f"{path}:{line}: {what}" in told, told
    assert len(caught.value.faults) == 9


@pytest.mark.parametrize("text", ["[]", "x", "1"])
def test_a_file_of_another_kind_is_refused(write, text):
    with pytest.raises(InputError, match=r"connections.yaml:1: must be a mapping"):
        desk.read(write(text))


def test_the_file_beside_the_recipe_comes_first(write, tmp_path):
    here, beside = write(GOOD), write("my-pi: {via: ssh, host: other}\n", "recipes")
    assert desk.find(None).resolve() == here
    assert desk.find(tmp_path / "recipes" / "fruit.yaml") == beside
    assert desk.find(tmp_path / "recipes") == beside
    assert desk.settings_of("my-pi", beside=tmp_path / "recipes" / "fruit.yaml").settings.host == "other"
    assert desk.settings_of("my-pi").settings.host == "pi@192.168.1.7"


def test_what_a_device_without_an_entry_gets(write):
    with pytest.raises(
        InputError, match=r"connections.yaml: no way to the device 'pixel-6'. Write one there, for example: pixel-6: "
    ):
        desk.settings_of("pixel-6")
    write(GOOD)
    assert desk.settings_of("pixel-6", "local").via == "local"
    assert desk.settings_of("my-pi", "arm64_emulated").settings.cpu == "cortex-a76"
    assert desk.settings_of("my-pi", "ssh").settings.host == "pi@192.168.1.7"
    with pytest.raises(InputError, match=r"ssh must be told more. Write into connections.yaml: pixel-6: \{via: ssh, …\}."):
        desk.settings_of("pixel-6", "ssh")
    with pytest.raises(UnknownName, match="--via: no connection named 'sssh'"):
        desk.settings_of("my-pi", "sssh")


def test_a_name_is_a_device_or_a_connection(write):
    assert desk.way("local").via == "local"
    write("local: {via: ssh, host: me}\n")
    assert desk.way("local").via == "ssh", "the file decides"
    with pytest.raises(UnknownName, match="no device or connection named 'sssh'. Did you mean 'ssh'"):
        desk.way("sssh")
    with pytest.raises(InputError, match="key 'host' is missing"):
        desk.way("ssh")
