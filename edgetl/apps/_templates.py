"""Templates → source files by Jinja2: a name that is missing is an error, text of a bundle becomes a literal that is only text.

A folder of `templates/` is the folder that is written. `.j2` files are filled in, all others copied; `__package__` in a path is
the package's folders, `__module__` its Swift module.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from edgetl.apps._base import App

FOLDER = Path(__file__).parent / "templates"


def kotlin(text: str) -> str:
    """Write a Kotlin string literal: ASCII, so neither quotes, templates (`$`) nor line ends can leave it."""
    return '"' + re.sub(r'[^ -~]|["\\$]', lambda found: _utf16(found[0]), text) + '"'


def _utf16(letter: str) -> str:
    raw = letter.encode("utf-16-be")
    return "".join(f"\\u{raw[i]:02x}{raw[i + 1]:02x}" for i in range(0, len(raw), 2))


def swift(text: str) -> str:
    r"""Write a Swift string literal: ASCII, `\u{…}` for all else; a backslash too, so no interpolation can start."""
    return '"' + re.sub(r'[^ -~]|["\\]', lambda found: f"\\u{{{ord(found[0]):x}}}", text) + '"'


def javascript(value: Any) -> str:
    """Write plain values as a JavaScript expression that may stand in HTML too."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def markdown(text: str) -> str:
    """Write text into a Markdown paragraph."""
    return re.sub(r"([\\`*_{}\[\]<>#|$&!~])", r"\\\1", text)


@cache
def _environment() -> Any:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: (name or "").endswith(".html.j2"),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "kotlin": kotlin,
        "swift": swift,
        "javascript": javascript,
        "markdown": markdown,
    }
    return made


def tree(folder: str, app: App, runs: str, **more: str) -> dict[str, bytes | Path]:
    """Fill in all templates of a folder.

    Args:
        folder: of `templates/`.
        app: what they are filled in with, as `app`.
        runs: what runs the artifact, with its version; `runs` in templates, `version` its last word.
        more: what else they name.

    Returns:
        Relative path → bytes.
    """
    found: dict[str, bytes | Path] = {}
    for path in sorted(p for p in (FOLDER / folder).rglob("*") if p.is_file()):
        place = path.relative_to(FOLDER / folder).as_posix()
        place = place.replace("__package__", app.package.replace(".", "/")).replace("__module__", app.module)
        if path.suffix == ".j2":
            template = _environment().get_template(path.relative_to(FOLDER).as_posix())
            text = template.render(app=app, c=app.contract, runs=runs, version=runs.rpartition(" ")[2], **more)
            found[place.removesuffix(".j2")] = text.encode()
        else:
            found[place] = path.read_bytes()
    return found


def resources(app: App, into: str) -> dict[str, bytes | Path]:
    """Give what code reads at run time: the artifact, its contract and the golden photos, as a bundle of an update has them."""
    return {
        f"{into}contract.json": app.contract_file,
        **{f"{into}golden/{name}": path for name, path in app.golden.items()},
        **{f"{into}{name}": path for name, path in app.model.items()},
    }


def update_client(suffix: str, into: str) -> dict[str, bytes | Path]:
    """Give the client of an update channel in one language: sources that are the same for every bundle."""
    return {f"{into}{path.name}": path for path in sorted((FOLDER / "_update").glob(f"*{suffix}"))}


def page_preprocessing() -> dict[str, bytes | Path]:
    """Give the modules that a report's page runs too: a photo's file → its pixels → the input."""
    page = Path(__file__).parents[1] / "report" / "page"
    return {name: page / name for name in ("decode.js", "preprocess.js", "size.js")}
