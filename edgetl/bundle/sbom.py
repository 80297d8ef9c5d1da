"""The packages that made the artifacts, as CycloneDX: versions, licences, and what needs what."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_LONGEST_NAME = 64
"""Licence fields that are longer hold the licence's whole text."""


def installed(names: Iterable[str]) -> dict[str, Distribution]:
    """Find packages and all that they need, as installed here.

    Args:
        names: of distributions; those that are not installed are left out.

    Returns:
        Normalised name → the distribution, in order of names.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, Distribution] = {}
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # of another system, by its marker or by being built in
        for text in found[name].requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(needed.name))
    return dict(sorted(found.items()))


def of(model: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """List the toolchain of a model.

    Args:
        model: `name`, `version`, `licence` of the bundle.
        names: packages that made its artifacts.

    Returns:
        CycloneDX 1.6 as plain values; without a time, and with a serial number that follows from the rest.
    """
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    from edgetl import __version__
    from edgetl.bundle.licences import identifier

    licences = LicenseFactory()
    packages = {name: package for name, package in installed(names).items() if name != "edgetl"}
    parts = {}
    for name, package in packages.items():
        url = PackageURL("pypi", None, name, package.version)
        said = licence_of(package)
        held = [licences.make_from_string(identifier(said))] if said else []
        parts[name] = Component(name=name, version=package.version, purl=url, bom_ref=str(url), licenses=held)
    version = ".".join(map(str, sys.version_info[:3]))
    python = Component(name="cpython", version=version, type=ComponentType.PLATFORM, bom_ref=f"cpython@{version}",
                       licenses=[licences.make_from_string("PSF-2.0")])  # fmt: skip
    own = Component(name="edgetl", version=__version__, purl=PackageURL("pypi", None, "edgetl", __version__),
                    bom_ref=f"pkg:pypi/edgetl@{__version__}", licenses=[licences.make_from_string("Apache-2.0")])  # fmt: skip
    carried = [licences.make_from_string(identifier(model["licence"]))] if model["licence"] else []
    root = Component(name=model["name"], version=model["version"], type=ComponentType.MACHINE_LEARNING_MODEL, licenses=carried,
                     bom_ref=f"{model['name']}@{model['version']}")  # fmt: skip
    whole = [python, own, *parts.values()]
    bom = Bom(components=whole)
    bom.metadata.component = root
    bom.register_dependency(root, whole)
    for name, package in packages.items():
        needs = {canonicalize_name(Requirement(text).name) for text in package.requires or ()}
        bom.register_dependency(parts[name], [parts[n] for n in sorted(needs) if n in parts and n != name])
    value: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del value["serialNumber"], value["metadata"]["timestamp"]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(value, sort_keys=True))
    return {"$schema": value.pop("$schema"), "bomFormat": value.pop("bomFormat"), "serialNumber": f"urn:uuid:{serial}", **value}


def licence_of(package: Distribution) -> str:
    """Say under which licence a package is, as it states itself.

    Args:
        package: installed.

    Returns:
        An SPDX expression or a name; "" where it states none.
    """
    metadata = package.metadata
    for field in ("License-Expression", "License"):
        said = (metadata.get_all(field) or [""])[0].strip()
        if said and said != "UNKNOWN" and len(said) <= _LONGEST_NAME and "\n" not in said:
            return str(said)
    named = [c.rpartition(" :: ")[2] for c in metadata.get_all("Classifier", []) if c.startswith("License :: OSI Approved :: ")]
    return " and ".join(sorted(named))
