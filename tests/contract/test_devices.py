"""Every profile that comes with edgetl, whatever is in the folder."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from edgetl import devices, places
from edgetl.yamlfile import read_yaml

NAMES = devices.device_names()


def facts_without_source(value: Any, key: str, sourced: bool) -> Iterator[str]:
    """Keys of all values that no enclosing section gives a source (or, for a budget, a reason) for."""
    if isinstance(value, dict):
        sourced = sourced or any(str(value.get(word, "")).strip() for word in ("source", "reason"))
        for name, item in value.items():
            yield from facts_without_source(item, f"{key}.{name}", sourced)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from facts_without_source(item, f"{key}[{index}]", sourced)
    elif not sourced:
        yield key


def test_the_devices_of_the_quickstart_are_there() -> None:
    assert {"pixel-4", "galaxy-s24", "iphone-14-pro", "raspberry-pi-4"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_loads(name: str) -> None:
    assert devices.load_device(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_a_source(name: str) -> None:
    value = read_yaml(places.shipped("devices") / f"{name}.yaml").value
    assert value.pop("budget")["reason"].strip()
    assert all(one["sources"] for one in value.pop("calibrations", []))
    value.pop("measured_as", None)  # names in tables, which are their own source
    bare = set(facts_without_source(value, "", False))
    # threads belongs to the budget, whose reason speaks of cores or threads
    assert bare == {".schema", ".name", ".title", ".threads"}


def test_the_search_for_a_source_can_fail() -> None:
    value = {"cpu": {"clusters": [{"cores": 4}]}, "memory": {"gib": 4, "source": "x"}, "isa": {"n": 1, "source": " "}}
    assert list(facts_without_source(value, "", False)) == [".cpu.clusters[0].cores", ".isa.n", ".isa.source"]


@pytest.mark.parametrize("name", NAMES)
def test_the_budget_says_what_its_threads_run_on(name: str) -> None:
    profile = devices.load_device(name)
    assert any(word in profile.budget.reason for word in ("core", "thread"))
    assert None not in (profile.budget.latency_p90_ms, profile.budget.size_mb, profile.budget.peak_memory_mib)


@pytest.mark.parametrize("name", NAMES)
def test_core_ml_is_for_apple_alone(name: str) -> None:
    profile = devices.load_device(name)
    assert ("coreml" in profile.format_names) == (profile.os.family in ("ios", "macos"))


@pytest.mark.parametrize("name", NAMES)
def test_clusters_come_fastest_first(name: str) -> None:
    cpu = devices.load_device(name).cpu
    clocks = [cluster.max_ghz for cluster in cpu.clusters if cluster.max_ghz is not None] if cpu else []
    assert clocks == sorted(clocks, reverse=True)


def claimed_twice(profiles: Iterable[devices.DeviceProfile]) -> list[str]:
    """Names of published tables that more than one profile, or one profile twice, says are its own."""
    claims = Counter(name for profile in profiles for name in profile.measured_as)
    return sorted(name for name, count in claims.items() if count > 1)


def test_a_measured_device_belongs_to_one_profile_only() -> None:
    profiles = [devices.load_device(name) for name in NAMES]
    assert claimed_twice(profiles) == []
    assert sum(bool(profile.measured_as) for profile in profiles) >= 40


def test_the_search_for_a_second_claim_can_fail() -> None:
    pixel = devices.load_device("pixel-4")
    assert claimed_twice([pixel, dataclasses.replace(pixel, name="pixel-4-xl")]) == ["Google Pixel 4"]


CORES = {
    r"ARM1176|Cortex-A(7|17|53|57|72|73)\b|Kryo( 260 .*| 280 .*)?$|NVIDIA Denver 2": set(),
    r"NVIDIA Carmel|Kryo 3\d\d ": {"fp16"},  # made before Armv8.4-A made the dot product a must
    r"Cortex-(A(55|76|77|78)|X1)|Kryo [45]\d\d ": {"fp16", "dotprod"},
    r"Cortex-(A(510|520|710|715|720)|X[234])\b|Oryon": {"fp16", "dotprod", "i8mm"},
    r"Gracemont|Zen": None,  # not Arm
}
"""What each core design has of the instructions, by the table of LLVM (AArch64Processors.td) and pytorch/cpuinfo."""


def instructions(core: str) -> set[str] | None:
    """What the first pattern that fits says of a design; KeyError when none does."""
    for pattern, found in CORES.items():
        if re.match(pattern, core):
            return found
    raise KeyError(core)


@pytest.mark.parametrize("name", NAMES)
def test_instructions_are_those_of_every_core(name: str) -> None:
    profile = devices.load_device(name)
    if profile.cpu is None or profile.os.family in ("ios", "macos"):  # Apple's designs have no name
        return
    try:
        known = [instructions(cluster.core) for cluster in profile.cpu.clusters]
    except KeyError as core:
        assert profile.isa is None, core
        return
    common = None if None in known else set.intersection(*(found for found in known if found is not None))
    assert (set(profile.isa.features) if profile.isa else None) == common


@pytest.mark.parametrize("name", NAMES)
def test_names_no_package_registry(name: str) -> None:
    text = (places.shipped("devices") / f"{name}.yaml").read_text(encoding="utf-8").lower()
    assert not [host for host in ("pypi.org", "mvnrepository", "maven.org", "npmjs", "conda.io") if host in text]
