"""The Swift client, compiled and run on Linux: all that is asked of the Kotlin client, in the same words."""

import pytest

from edgetl.apps import _templates
from tests import swift_program
from tests.channel import test_kotlin as _kotlin

pytestmark = pytest.mark.slow
http = _kotlin.http
globals().update({name: value for name, value in vars(_kotlin).items() if name.startswith("test_")})


@pytest.fixture(scope="module")
def kotlin(tmp_path_factory):
    """What those tests call the other client."""
    folders = [_templates.FOLDER / name for name in ("_swift/Sources", "ios_onnxruntime/Sources", "_update")]
    sources = [path for folder in folders for path in folder.rglob("*.swift")]
    return swift_program.build(sources, tmp_path_factory.mktemp("swift_client")).run
