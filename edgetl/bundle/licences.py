"""Under which licences a bundle's parts are: as their sources state it, with the SPDX identifiers that are named."""

from __future__ import annotations

import re
from typing import Any

from edgetl import registry
from edgetl.recipe import Recipe

_NOT_STATED = "not stated"
_FILLING = re.compile(r"\b(?:the|licen[cs]e|version)\b|\bv(?=\d)|[,()]")
_WORDS = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "bsd 2-clause": "BSD-2-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "isc": "ISC",
    "isc iscl": "ISC",
    "mit": "MIT",
    "mozilla public 2.0 mpl 2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
}
"""Words that mean one licence, without those that fill → its SPDX identifier; "BSD" and "Apache Software License" mean many."""


def of(recipe: Recipe, images: str) -> dict[str, Any]:
    """Collect the licences.

    Args:
        recipe: the recipe.
        images: licence of the images, as their source states it.

    Returns:
        Content of licences.json.
    """
    backbone = registry.load("backbones", recipe.backbone.name)
    weights = recipe.backbone.weights
    own = recipe.backbone.network is not None and weights == "imagenet"
    origin = weights if isinstance(weights, str) and not own else "a file of the user's; see where it came from"
    held = "Apache-2.0 (edgetl)" if weights == "bundled" else backbone.LICENCE
    return {
        "schema": 1,
        "model": {"licence": recipe.ship.licence or _NOT_STATED, "spdx": spdx(recipe.ship.licence)},
        "images": {"licence": images, "spdx": spdx(images)},
        "backbone": {
            "name": recipe.backbone.name,
            "licence": backbone.LICENCE,
            "spdx": spdx(backbone.LICENCE),
            "paper": backbone.PAPER,
        },
        "weights": {"origin": origin, "licence": held, "spdx": spdx(held)},
        "made_with": {"name": "edgetl", "licence": "Apache-2.0", "spdx": ["Apache-2.0"]},
    }


def identifier(text: str) -> str:
    """Give a licence's SPDX identifier in place of its name.

    Args:
        text: all that is said of the licence: "Apache License, Version 2.0".

    Returns:
        The identifier where the words can mean nothing else; the text otherwise.
    """
    return _WORDS.get(" ".join(_FILLING.sub(" ", text.casefold()).split()), text)


def spdx(text: str) -> list[str]:
    """Find the SPDX identifiers in a licence's words.

    Args:
        text: "Apache-2.0 (TensorFlow models)", "CC BY 4.0: …".

    Returns:
        Identifiers in the order in which they are named; none where it names none.
    """
    from cyclonedx.spdx import is_supported_id

    joined = re.sub(r"\bCC (BY(?:-(?:NC|ND|SA))*) (\d\.\d)\b", r"CC-\1-\2", text)
    words = (word.rstrip(".,:;") for word in re.findall(r"[A-Za-z0-9.+-]*\d[A-Za-z0-9.+-]*|MIT|ISC|Zlib", joined))
    return list(dict.fromkeys(word for word in words if is_supported_id(word)))
