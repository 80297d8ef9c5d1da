"""What `make web` unpacks is the pinned package or nothing; both pins are one."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from edgetl.errors import InputError
from edgetl.report.page import fetch
from edgetl.report.page.fetch import RUNTIME

LOCK = Path(__file__).parents[2] / "clients" / "package-lock.json"


def _package(path, names, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.type = (5 if kind == tarfile.REGTYPE else 0), kind
            member.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            archive.addfile(member, io.BytesIO(b"bytes"))
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def test_what_a_page_loads_is_taken_and_nothing_else(tmp_path):
    digest = _package(tmp_path / "p.tgz", [*(f"package/dist/{name}" for name in RUNTIME), "package/../../evil", "package/x.js"])
    goal = fetch.unpack(tmp_path / "p.tgz", tmp_path / "web", digest)
    assert sorted(p.name for p in goal.iterdir()) == sorted([*RUNTIME, "VERSION"])
    assert {p.name for p in tmp_path.iterdir()} == {"p.tgz", "web"}


@pytest.mark.parametrize("fault", ["digest", "file missing", "link"])
def test_another_package_is_refused_and_what_was_there_stays(tmp_path, fault):
    names = [f"package/dist/{name}" for name in RUNTIME]
    kind = tarfile.SYMTYPE if fault == "link" else tarfile.REGTYPE
    digest = _package(tmp_path / "p.tgz", names[1:] if fault == "file missing" else names, kind)
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "old").touch()
    with pytest.raises(InputError, match="as published" if fault == "digest" else "lacks"):
        fetch.unpack(tmp_path / "p.tgz", tmp_path / "web", fetch.SHA512 if fault == "digest" else digest)
    assert [p.name for p in (tmp_path / "web").iterdir()] == ["old"]
    assert {p.name for p in tmp_path.iterdir()} == {"p.tgz", "web"}


def test_the_tests_client_and_the_page_load_the_same_version():
    pinned = json.loads(LOCK.read_text())["packages"]["node_modules/onnxruntime-web"]
    assert (pinned["version"], pinned["integrity"]) == (fetch.VERSION, f"sha512-{fetch.SHA512}")


def test_it_runs_before_anything_is_installed():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import edgetl.report.page.fetch"
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(Path(fetch.__file__).parents[3])], check=True)
