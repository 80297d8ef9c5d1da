"""How a whole network answers: the activation that ends it is told apart, so that what is left ends with logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from edgetl.errors import InputError
from edgetl.nn.saved.keras_settings import IDENTITY

if TYPE_CHECKING:
    from edgetl.nn.saved.keras_file import Arrays
    from edgetl.nn.saved.keras_graph import Node

Answers = Literal["softmax", "sigmoid", "logits"]
"""`sigmoid`: each class on its own; `logits`: the network leaves the activation to its user."""
_WEIGHTED = ("Dense", "Conv2D")
_SHAPING = ("Reshape", "Flatten")


def split(nodes: Sequence[Node]) -> tuple[list[Node], Answers]:
    """Take the last activation off.

    Args:
        nodes: of the whole network, each after what it reads.

    Returns:
        The nodes without it, and what it was.

    Raises:
        InputError: the network ends with another activation.
    """
    found, answers = list(nodes), "logits"
    kept: list[Node] = []
    """What lies between the logits and their activation, and only moves values."""
    while True:
        last = found[-1]
        activation = str(last.config.get("activation", "linear"))
        if last.kind == "Softmax" or (last.kind == "Activation" and activation in ("softmax", "sigmoid")):
            if answers != "logits":
                raise InputError(f"{last.name} ({last.kind}): the network ends with two activations, one after the other.")
            if last.kind == "Softmax" and last.config.get("axis", -1) not in (-1, [-1], 1):
                raise InputError(f"{last.name} (Softmax): axis {last.config['axis']!r} is not that of the classes.")
            answers = "softmax" if last.kind == "Softmax" else activation
            found.pop()
        elif last.kind in IDENTITY or (last.kind == "Activation" and activation == "linear"):
            found.pop()
        elif last.kind in _SHAPING:
            kept.insert(0, found.pop())
        else:
            break
        if not found or len(last.inputs) != 1 or found[-1].name != last.inputs[0]:
            raise InputError(f"{last.name} ({last.kind}): the network does not end with logits and one activation.")
    if last.kind in _WEIGHTED and activation in ("softmax", "sigmoid") and answers == "logits":
        answers, found[-1] = activation, replace(last, config={**last.config, "activation": "linear"})
    end = found[-1].name
    for node in kept:
        found.append(replace(node, inputs=(end,)))
        end = node.name
    return found, answers  # type: ignore[return-value]


def as_two_classes(nodes: Sequence[Node], arrays: Arrays) -> tuple[list[Node], Arrays]:
    """Give a network with one sigmoid two logits: softmax of (-z / 2, z / 2) is (1 - sigmoid(z), sigmoid(z)).

    Args:
        nodes: without the activation.
        arrays: their weights.

    Returns:
        Both, with the last layer twice as wide.

    Raises:
        InputError: the last layer has no weights to double.
    """
    import numpy as np

    place = max((i for i, node in enumerate(nodes) if node.kind not in (*_SHAPING, *IDENTITY)), default=0)
    last = nodes[place]
    if last.kind not in _WEIGHTED or last.config.get("activation", "linear") != "linear":
        raise InputError(f"{last.name} ({last.kind}): one sigmoid can only be split into two classes behind Dense or Conv2D.")
    size = "units" if last.kind == "Dense" else "filters"
    made = list(nodes)
    made[place] = replace(last, config={**last.config, size: 2})
    doubled = [np.concatenate([-values / 2, values / 2], axis=-1) for values in arrays[last.name]]
    return made, {**arrays, last.name: doubled}


def width(nodes: Sequence[Node]) -> int | None:
    """Number of values that the last layer with weights gives; None where another kind of layer ends the network."""
    last = next((node for node in reversed(nodes) if node.kind not in (*_SHAPING, *IDENTITY)), nodes[-1])
    return int(last.config["units" if last.kind == "Dense" else "filters"]) if last.kind in _WEIGHTED else None
