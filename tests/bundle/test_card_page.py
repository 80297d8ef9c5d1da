"""The model card in a real browser: nothing is fetched, nothing is wider than a phone, axe finds nothing."""

import json
import os
import runpy
import subprocess
from pathlib import Path

import pytest

from .. import small_bundle as small

CLIENTS = Path(__file__).resolve().parents[1] / "clients"


def test_the_card_is_accessible_and_fits_a_phone(tmp_path):
    need = runpy.run_path(str(CLIENTS / "need.py"))
    look = CLIENTS / "look.mjs"
    if not look.is_file():
        assert "EDGETL_CI" not in os.environ
        pytest.skip("tests/clients/look.mjs is not here: it comes with the report's page")
    node, chromium, modules = need["node"](), need["chromium"](), need["node_modules"]()
    page = small.make(tmp_path) / "card.html"
    views = [{"scheme": scheme, "width": width, "height": 800} for scheme in ("light", "dark") for width in (360, 1200)]
    asked = {"modules": str(modules), "chromium": str(chromium), "url": page.as_uri(), "views": views, "axe": True}
    done = subprocess.run([node, look], input=json.dumps(asked), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["errors"], seen["axe"], set(seen["overflow"])) == ([], [], {0})
    assert set(seen["requests"]) == {page.as_uri()}
