"""Every profile that comes with edgetl, whatever is in the folder."""

from __future__ import annotations

from collections.abc import Iterator
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
    assert ("coreml" in profile.format_names) == (profile.os.family == "ios")


@pytest.mark.parametrize("name", NAMES)
def test_clusters_come_fastest_first(name: str) -> None:
    profile = devices.load_device(name)
    assert profile.cpu is not None
    clocks = [cluster.max_ghz for cluster in profile.cpu.clusters if cluster.max_ghz is not None]
    assert clocks == sorted(clocks, reverse=True)


@pytest.mark.parametrize("name", NAMES)
def test_names_no_package_registry(name: str) -> None:
    text = (places.shipped("devices") / f"{name}.yaml").read_text(encoding="utf-8").lower()
    assert not [host for host in ("pypi.org", "mvnrepository", "maven.org", "npmjs", "conda.io") if host in text]
