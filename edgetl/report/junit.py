"""Verdicts as JUnit XML, which CI systems show: one test case for each, failures and doubts told apart.

Form: the `testsuites / testsuite / testcase` elements that Jenkins, GitLab and GitHub's reporters read (the de facto schema of
Ant's JUnit task). An unsure verdict is an `error` (it could not be decided), unless unsure is allowed: then it is `skipped`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from edgetl.types import Verdict, from_json


def of_run(report: Mapping[str, Any], *, allow_unsure: bool) -> str:
    """Render a run by what decides its exit code: a device is served when one file it can load is not over its budget.

    Args:
        report: content of report.json.
        allow_unsure: whether gates may be unsure (`gates.on_unsure: warn`); devices may be.

    Returns:
        An XML document. What fails or is unsure and does not count is skipped, with the reason.
    """
    found = [from_json(Verdict, v) for v in report["verdicts"]]
    over = {(v.device, v.format, v.scheme) for v in found if v.device and v.outcome == "fail"}
    served = {v.device for v in found if v.outcome in ("pass", "unsure") and (v.device, v.format, v.scheme) not in over}
    told = [_spared(v) if v.device is not None and (v.outcome == "unsure" or v.device in served) else v for v in found]
    broken = {f"{a['format']}/{a['scheme']}": str(a["reason"]) for a in report["artifacts"] if a["status"] == "failed"}
    return text(str(report["recipe"]["name"]), told, allow_unsure=allow_unsure, broken=broken)


def _spared(verdict: Verdict) -> Verdict:
    if verdict.outcome not in ("fail", "unsure"):
        return verdict
    why = "fails, but another file serves the device" if verdict.outcome == "fail" else "unsure"
    return replace(verdict, outcome="skipped", reason=f"{why}: {verdict.reason}")


def text(name: str, verdicts: Sequence[Verdict], *, allow_unsure: bool, broken: Mapping[str, str] = MappingProxyType({})) -> str:
    """Render verdicts.

    Args:
        name: of the run.
        verdicts: any number.
        allow_unsure: see the module.
        broken: `format/scheme` of files that could not be made or proved → why.

    Returns:
        An XML document.
    """
    suites = ElementTree.Element("testsuites", name=_clean(f"edgetl {name}"))
    if broken:
        counts = {"tests": len(broken), "failures": 0, "errors": len(broken), "skipped": 0}
        suite = ElementTree.SubElement(suites, "testsuite", {"name": "files", **{k: str(n) for k, n in counts.items()}})
        for target, why in broken.items():
            case = ElementTree.SubElement(suite, "testcase", classname=f"{name}.files", name=target)
            ElementTree.SubElement(case, "error", message=_clean(why), type="failed")
    for place in dict.fromkeys(v.device or "gates" for v in verdicts):
        own = [v for v in verdicts if (v.device or "gates") == place]
        unsure = [v for v in own if v.outcome == "unsure"]
        counts = {
            "tests": len(own),
            "failures": sum(v.outcome == "fail" for v in own),
            "errors": 0 if allow_unsure else len(unsure),
            "skipped": sum(v.outcome == "skipped" for v in own) + (len(unsure) if allow_unsure else 0),
        }
        suite = ElementTree.SubElement(suites, "testsuite", {"name": place, **{k: str(n) for k, n in counts.items()}})
        for verdict in own:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"{name}.{place}", name=f"{verdict.format}/{verdict.scheme} {verdict.gate}"
            )
            tag = {"fail": "failure", "unsure": "skipped" if allow_unsure else "error", "skipped": "skipped"}.get(verdict.outcome)
            if tag is not None:
                ElementTree.SubElement(case, tag, message=_clean(verdict.reason), type=verdict.outcome)
            if verdict.outcome == "pass":
                ElementTree.SubElement(case, "system-out").text = _clean(verdict.reason)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def write(path: Path, document: str) -> None:
    """Write a document, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(document, encoding="utf-8")
    os.replace(draft, path)


def _clean(words: str) -> str:
    """Drop what XML 1.0 cannot hold."""
    return "".join(c for c in words if c in "\t\n" or ord(c) >= 32)
