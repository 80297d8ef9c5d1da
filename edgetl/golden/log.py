"""An APP.json made from Python with edgetl itself: an example of what to log, and a test of a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.bundle.contracts import Contract
from edgetl.bundle.opening import OpenBundle, opened
from edgetl.golden.contract import TOP
from edgetl.golden.expected import expected, opening
from edgetl.replay import network as networks
from edgetl.replay.hypotheses import Photo
from edgetl.tensors import buffer_bytes, flat


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
                    "tensor": {
                        "sha256": hashlib.sha256(buffer_bytes(values, given.layout)).hexdigest(),
                        "samples": [float(v) for v in flat(values, given.layout)[list(contract.sample_at)]],
                    },
                    "probabilities": [float(p) for p in answers],
                    "top": [
                        {"label": bundle.class_names[p], "probability": float(answers[p])}
                        for p in np.argsort(-answers, kind="stable")[:TOP]
                    ],
                }
            )
    return {"schema": 1, "artifact": contract.artifact, "images": images}


def run(arguments: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Do it in a child process, by `isolation.call`: `bundle`, the folder; `artifact`. Returns and raises as `log`."""
    with opened(Path(arguments["bundle"])) as bundle:
        return log(bundle, expected(bundle, arguments["artifact"], "--artifact"))
