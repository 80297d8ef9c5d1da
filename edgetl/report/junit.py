"""Verdicts as JUnit XML, which CI systems show: one test case for each, failures and doubts told apart.

Form: the `testsuites / testsuite / testcase` elements that Jenkins, GitLab and GitHub's reporters read (the de facto schema of
Ant's JUnit task). An unsure verdict is an `error` (it could not be decided), unless unsure is allowed: then it is `skipped`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from edgetl.types import Verdict


def text(name: str, verdicts: Sequence[Verdict], *, allow_unsure: bool) -> str:
    """Render verdicts.

    Args:
        name: of the run.
        verdicts: any number.
        allow_unsure: see the module.

    Returns:
        An XML document.
    """
    suites = ElementTree.Element("testsuites", name=_clean(f"edgetl {name}"))
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
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(document, encoding="utf-8")
    os.replace(draft, path)


def _clean(words: str) -> str:
    """Drop what XML 1.0 cannot hold."""
    return "".join(c for c in words if c in "\t\n" or ord(c) >= 32)
