"""Hard-swish and hard-sigmoid gates as MobileNetV3 of Keras writes them, in single operations, put back together.

Keras writes hard-sigmoid as `relu6(x + 3) * (1 / 6)`. Times x it is hard-swish, one layer here. Times something else it is the
gate of a squeeze-and-excite block: the 3 goes into the bias of the convolution before it, the 1/6 into the kernel behind it, so
that a ReLU6 is left (Howard et al., Searching for MobileNetV3, 2019, section 5.2; equal but for float32's rounding). Where the
pattern is another, nothing is touched: each operation then becomes a depthwise convolution of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.nn.saved.keras_file import Arrays
    from edgetl.nn.saved.keras_graph import Node

_SHIFT, _LIMIT = 3.0, 6.0
_WEIGHTED = ("Conv2D", "Dense", "DepthwiseConv2D")


def rewrite(nodes: Sequence[Node], arrays: Arrays) -> tuple[list[Node], Arrays]:
    """Rewrite all such patterns.

    Args:
        nodes: of a network, each after what it reads.
        arrays: their weights.

    Returns:
        Nodes and weights of the same function.
    """
    import numpy as np

    found, weights = {node.name: node for node in nodes}, dict(arrays)
    for scaled in nodes:
        limited = found[scaled.inputs[0]] if _affine(scaled, 1.0 / _LIMIT, 0.0) else None
        shifted = found[limited.inputs[0]] if limited is not None and _is_relu6(limited) else None
        if limited is None or shifted is None or not _affine(shifted, 1.0, _SHIFT):
            continue
        source = found[shifted.inputs[0]]
        if _readers(found, shifted.name) != [limited.name] or _readers(found, limited.name) != [scaled.name]:
            continue
        for name in _readers(found, scaled.name):
            product = found[name]
            if product.kind == "Multiply" and sorted(product.inputs) == sorted((source.name, scaled.name)):
                found[name] = replace(product, kind="Activation", config={"activation": "hard_swish"}, inputs=(source.name,))
        readers = _readers(found, scaled.name)
        if len(readers) != 1 or found[readers[0]].kind != "Multiply" or source.kind not in ("Conv2D", "Dense"):
            continue
        product, after = found[readers[0]], _readers(found, readers[0])
        plain = source.config.get("activation", "linear") == "linear" and _readers(found, source.name) == [shifted.name]
        if not plain or len(after) != 1 or found[after[0]].kind not in _WEIGHTED or len(set(product.inputs)) != 2:
            continue
        kernel, *bias = weights[source.name]
        weights[source.name] = [kernel, (bias[0] if bias else np.zeros(kernel.shape[-1], np.float32)) + np.float32(_SHIFT)]
        found[source.name] = replace(source, config={**source.config, "use_bias": True})
        first, *rest = weights[after[0]]
        weights[after[0]] = [first / np.float32(_LIMIT), *rest]
        found[limited.name] = replace(limited, inputs=(source.name,))
        gated = tuple(limited.name if name == scaled.name else name for name in product.inputs)
        found[product.name] = replace(product, inputs=gated)
    read = {name for node in found.values() for name in node.inputs} | {nodes[-1].name}
    while True:  # what nobody reads any more
        dead = [name for name in found if name not in read]
        if not dead:
            return list(found.values()), weights
        for name in dead:
            del found[name]
        read = {name for node in found.values() for name in node.inputs} | {nodes[-1].name}


def _readers(nodes: dict[str, Node], name: str) -> list[str]:
    return [node.name for node in nodes.values() if name in node.inputs]


def _affine(node: Node, scale: float, offset: float) -> bool:
    if node.kind != "Rescaling" or not all(isinstance(node.config.get(key), int | float) for key in ("scale", "offset")):
        return False
    return abs(float(node.config["scale"]) - scale) < 1e-7 and float(node.config["offset"]) == offset


def _is_relu6(node: Node) -> bool:
    if node.kind == "Activation":
        return node.config.get("activation") == "relu6"
    return node.kind == "ReLU" and node.config.get("max_value") == _LIMIT
