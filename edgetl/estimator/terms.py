"""A network in the terms of the roofline: how much of each kind of work and traffic it holds.

Input: a `Network` (drawn by name, or read from a file's graph). Output: float64 (len(TERMS),), multiply-accumulates and elements
in millions, so that a coefficient of 1 is 1 ms for a million: 1 ns each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetl.networks._base import Layer, Network

if TYPE_CHECKING:
    import numpy as np

TERMS = {
    "fixed": "ms for each inference",
    "layers": "ms for each layer: dispatch, and waiting for the slowest thread",
    "pointwise": "ns for each multiply-accumulate of 1x1 convolutions",
    "spatial": "ns for each multiply-accumulate of larger convolutions",
    "grouped": "ns for each multiply-accumulate of grouped convolutions",
    "stem": "ns for each multiply-accumulate of convolutions on the image",
    "depthwise": "ns for each multiply-accumulate of depthwise convolutions up to 3x3",
    "depthwise_wide": "ns for each multiply-accumulate of larger depthwise convolutions",
    "dense": "ns for each multiply-accumulate of dense layers",
    "matmul": "ns for each multiply-accumulate of two activations (attention)",
    "traffic": "ns for each activation that a layer with a kernel reads or writes",
    "passes": "ns for each activation that a layer without a kernel reads or writes",
    "weights": "ns for each weight: it comes from memory once",
}
"""Name and unit of each coefficient."""
KINDS = tuple(name for name in TERMS if name not in ("fixed", "layers", "traffic", "passes", "weights"))
"""Those that count multiply-accumulates."""

_IMAGE_CHANNELS = 4
"""Most channels of what counts as the image."""


def terms(network: Network) -> np.ndarray:
    """Add up a network's work and traffic by kind.

    Args:
        network: its layers.

    Returns:
        float64 (len(TERMS),), in the order of `TERMS`.
    """
    import numpy as np

    found = dict.fromkeys(TERMS, 0.0)
    found["fixed"] = 1.0
    found["layers"] = float(len(network.layers))
    for layer in network.layers:
        kind = _kind(layer)
        found["traffic" if kind else "passes"] += (layer.inputs + layer.outputs) / 1e6
        if kind:
            found[kind] += layer.macs / 1e6
        found["weights"] += layer.weights / 1e6
    return np.array(list(found.values()))


def _kind(layer: Layer) -> str:
    """Term that a layer's multiply-accumulates count in; "" where it has none."""
    if layer.kind == "depthwise":
        return "depthwise" if layer.kernel <= 3 else "depthwise_wide"
    if layer.kind == "conv":
        if layer.groups > 1:
            return "grouped"
        if layer.kernel == 1:
            return "pointwise"
        return "stem" if layer.fan_in <= _IMAGE_CHANNELS * layer.kernel**2 else "spatial"
    return layer.kind if layer.kind in ("dense", "matmul") else ""


def macs_m(work: np.ndarray) -> np.ndarray:
    """Multiply-accumulates, in millions.

    Args:
        work: float64 (…, len(TERMS)), see `terms`.

    Returns:
        float64 (…,).
    """
    names = list(TERMS)
    return work[..., [names.index(kind) for kind in KINDS]].sum(axis=-1)  # type: ignore[no-any-return]


def describe(network: Network) -> np.ndarray:
    """Say what a network is like, for telling how alike two are: a point whose distances matter, not its place.

    Sizes on a logarithmic scale, then the shares of kinds of work. The weights of the coordinates are our choice: an e-fold of
    size counts as much as a third of all work being of another kind.

    Args:
        network: its layers.

    Returns:
        float64 (13,).
    """
    import numpy as np

    found = dict(zip(TERMS, terms(network), strict=True))
    macs = max(network.macs / 1e6, 1e-3)
    count = max(1, len(network.layers))
    shares = [found[kind] / macs for kind in ("spatial", "grouped", "stem", "depthwise", "depthwise_wide", "matmul", "dense")]
    sizes = [macs, found["traffic"] + found["passes"], max(found["weights"], 1e-3), count]
    activations = sum(layer.kind == "activation" for layer in network.layers) / count
    return np.array(
        [
            *np.log(sizes),
            1.5 * np.log(network.input_px),
            *(3.0 * share for share in shares),
            3.0 * activations,
        ]
    )
