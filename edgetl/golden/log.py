"""An APP.json made from Python with edgetl itself: an example of what to log, and a test of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetl.bundle.contracts import Contract
from edgetl.bundle.opening import OpenBundle, opened
from edgetl.golden.contract import top
from edgetl.golden.expected import expected, opening
from edgetl.replay import network as networks
from edgetl.replay.hypotheses import Photo
from edgetl.tensors import told


def log(bundle: OpenBundle, contract: Contract) -> dict[str, Any]:
    """Do with the golden photos what an app does, and log it.

    Args:
        bundle: opened.
        contract: of the artifact to run.

    Returns:
        The log, as plain values.

    Raises:
        VerificationError: nothing can run the artifact here.
    """
    path, given = opening(bundle, contract)
    images = []
    with networks.Network(path, given) as network:
        for image in contract.golden:
            values = Photo((bundle.folder / "golden" / image.file).read_bytes(), given).values()
            answers = network.answer(values, right=True)
            images.append(
                {
                    "file": image.file,
                    "tensor": told(values, given.layout),
                    "probabilities": [float(p) for p in answers],
                    "top": top(answers, contract.labels),
                }
            )
    return {"schema": 1, "artifact": contract.artifact, "images": images}


def run(arguments: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Do it in a child process, by `isolation.call`: `bundle`, the folder; `artifact`. Returns and raises as `log`."""
    with opened(Path(arguments["bundle"])) as bundle:
        return log(bundle, expected(bundle, arguments["artifact"], "--artifact"))
