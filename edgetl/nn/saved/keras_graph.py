"""The layers of a saved Keras network, read from its configuration as plain data: nothing in it is imported, called or revived.

Both ways of writing are understood, that of Keras 2 (`inbound_nodes: [[["conv1", 0, 0, {}]]]`) and that of Keras 3 (lists of
`__keras_tensor__`). Networks within the network are flattened. What cannot be understood is kept with the reason, which matters
only if it lies on the way from the image to the cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgetl.errors import InputError, did_you_mean

NETWORKS = frozenset({"Functional", "Model", "Sequential"})
POOLS = frozenset({"GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten"})
"""What ends the part that can be transferred."""
MAX_LAYERS, MAX_DEPTH = 10_000, 8
_OWN_NAMES = re.compile(r"(image|normalise|pool|logits|(head|drop|dropout|norm)_.*)")
"""Names that edgetl's own layers have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One layer."""

    name: str
    """Unique within the flattened network."""
    path: tuple[str, ...]
    """Names in the file, from the outermost network inwards."""
    numbers: tuple[str, ...]
    """The same by class and number (`conv2d_3`), as files that do not name their weights have them."""
    kind: str
    """Class."""
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    """Names of nodes."""
    fault: str | None = None
    """Why it is not understood."""


@dataclass(frozen=True, slots=True)
class Network:
    """All layers of a file."""

    nodes: Mapping[str, Node]
    output: str
    """Name of the node that ends it; "" when there are several outputs."""

    def before(self, name: str) -> list[Node]:
        """Give a node and all that it is made from, each after what it reads.

        Args:
            name: of the node.

        Returns:
            The nodes.

        Raises:
            InputError: a layer reads its own output, or one that is not there.
        """
        order: dict[str, Node] = {}
        stack, open_ = [(name, False)], set[str]()
        while stack:
            current, done = stack.pop()
            if done:
                order[current] = self.nodes[current]
            elif current not in order:
                if current in open_ or current not in self.nodes:
                    raise InputError(f"layer {current}: reads its own output, or is not there. The file is damaged.")
                open_.add(current)
                stack += [(current, True), *((other, False) for other in self.nodes[current].inputs if other not in order)]
        return list(order.values())

    def cut(self, wanted: str | None) -> str:
        """Find the node that the backbone ends with.

        Args:
            wanted: name of a layer, as in the file or as flattened; None = the last one before the classifier's pooling or
                flattening, or the network's end when it has neither.

        Returns:
            Name of the node; that before it where `wanted` is the pooling over all places, which edgetl's head does itself.

        Raises:
            InputError: there is no such layer.
        """
        if wanted is None:
            if not self.output:
                raise InputError("the network has several outputs: say which layer to cut at.")
            name = self.output
            while self.nodes[name].kind not in POOLS and len(self.nodes[name].inputs) == 1:
                name = self.nodes[name].inputs[0]
            return self.nodes[name].inputs[0] if self.nodes[name].kind in POOLS else self.output
        found = [node for node in self.nodes.values() if wanted in (node.name, node.path[-1])]
        if not found:
            last = ", ".join(list(self.nodes)[-12:])
            raise InputError(f"no layer named '{wanted}'. {did_you_mean(wanted, list(self.nodes))} The last ones are: {last}.")
        pooled = found[0].kind == "GlobalAveragePooling2D" and len(found[0].inputs) == 1
        return found[0].inputs[0] if pooled else found[0].name


def flatten(saved: Any) -> Network:
    """Read a network's configuration.

    Args:
        saved: what `model_config` of an `.h5` or `config.json` of a `.keras` holds, as plain values.

    Returns:
        The layers.

    Raises:
        InputError: it is not the configuration of a functional or sequential network, or is too large.
    """
    kind = saved.get("class_name") if isinstance(saved, dict) else None
    if kind not in NETWORKS or _foreign(saved):
        raise InputError(
            f"its network is of class {kind}, which is code, not a list of layers. Save it as a functional network: "
            "keras.Model(inputs, outputs)."
        )
    reader = _Reader()
    try:
        output = reader.network(saved, (), (), None)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"its configuration is damaged, or of a way of writing that is not known ({error!r:.100}).") from error
    return Network(reader.nodes, output)


def _foreign(entry: Mapping[str, Any]) -> str | None:
    """Name of a class that is not Keras' own, or of an operation that only shares its name with a layer."""
    module, registered = str(entry.get("module") or "keras"), entry.get("registered_name")
    own = module.partition(".")[0] in ("keras", "tf_keras", "tensorflow") and ".ops" not in module
    return None if own and registered in (None, entry.get("class_name")) else f"{module}.{registered or entry.get('class_name')}"


class _Reader:
    """Gathers nodes."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def network(self, entry: Mapping[str, Any], path: tuple[str, ...], numbers: tuple[str, ...], feed: str | None) -> str:
        """Read one network, fed by a node or, the outermost, by the image; return the node it ends with, "" for several."""
        if len(path) > MAX_DEPTH:
            raise InputError(f"networks within networks more than {MAX_DEPTH} deep.")
        config = entry["config"]
        layers = config["layers"] if isinstance(config, dict) else config  # Sequential of old Keras: a bare list
        made, counts = dict[str, str](), dict[str, int]()
        waiting = []
        for layer in layers:
            snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", str(layer["class_name"]))).lower()
            counts[snake] = counts.get(snake, -1) + 1
            waiting.append((layer, (*numbers, f"{snake}_{counts[snake]}" if counts[snake] else snake)))
        if entry["class_name"] == "Sequential":
            last = feed
            for layer, number in waiting:
                last = self._layer(layer, path, number, [last] if last is not None else [], feed, calls=1)
            return str(last)
        while waiting:
            later = []
            for layer, number in waiting:
                calls = [list(_tensors(call)) for call in layer["inbound_nodes"]]
                read = calls[0] if calls else []
                if all(name in made for name in read):
                    made[str(layer["name"])] = self._layer(layer, path, number, [made[n] for n in read], feed, calls=len(calls))
                else:
                    later.append((layer, number))
            if len(later) == len(waiting):
                raise InputError(f"layer {later[0][0]['name']}: reads a layer that is not there. The file is damaged.")
            waiting = later
        outputs = list(_references(config["output_layers"]))
        return made[outputs[0]] if len(outputs) == 1 else ""

    def _layer(
        self,
        layer: Mapping[str, Any],
        path: tuple[str, ...],
        numbers: tuple[str, ...],
        read: list[str],
        feed: str | None,
        calls: int,
    ) -> str:
        """Read one layer of a network; return the node that stands for it."""
        kind, config = str(layer["class_name"]), layer["config"]
        name = str(layer.get("name") or config["name"])
        foreign = _foreign(layer)
        if kind == "InputLayer" and feed is not None and foreign is None:
            return feed
        if kind == "InputLayer" and any(node.kind == "InputLayer" for node in self.nodes.values()):
            foreign = "a second image"
        if kind in NETWORKS and foreign is None and len(read) == 1 and calls == 1:
            output = self.network(layer, (*path, name), numbers, read[0])
            if output:
                return output
            kind = f"{kind} with several outputs"
        fault = f"{foreign} is not a layer of Keras" if foreign else "is used more than once" if calls > 1 else None
        node = Node(
            name=self._free(name, path), path=(*path, name), numbers=numbers, kind=kind,
            config=config if isinstance(config, dict) else {}, inputs=tuple(read), fault=fault,
        )  # fmt: skip
        self.nodes[node.name] = node
        if len(self.nodes) > MAX_LAYERS:
            raise InputError(f"more than {MAX_LAYERS} layers.")
        return node.name

    def _free(self, name: str, path: tuple[str, ...]) -> str:
        """A name that no other layer has, made of letters that are safe everywhere."""
        safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        wanted = f"backbone_{safe}" if _OWN_NAMES.fullmatch(safe) else safe
        for outer in reversed(path):
            if wanted in self.nodes:
                wanted = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', outer)}_{wanted}"
        number = 1
        while (found := f"{wanted}_{number}" if number > 1 else wanted) in self.nodes:
            number += 1
        return found


def _tensors(call: Any) -> Iterator[str]:
    """Names of the layers that one call of a layer reads, in order."""
    if isinstance(call, dict) and call.get("class_name") == "__keras_tensor__":
        yield str(call["config"]["keras_history"][0])
    elif isinstance(call, dict):
        for value in (call["args"], call.get("kwargs", {})) if "args" in call else call.values():
            yield from _tensors(value)
    elif isinstance(call, list | tuple):
        if _is_reference(call):
            yield str(call[0])
        else:
            for value in call:
                yield from _tensors(value)


def _is_reference(value: Any) -> bool:
    return len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int) and isinstance(value[2], int)


def _references(value: Any) -> Iterator[str]:
    yield from _tensors(value)


__all__ = ["MAX_LAYERS", "NETWORKS", "Network", "Node", "flatten"]
