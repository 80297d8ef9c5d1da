"""The layers of a saved Keras network, read from its configuration as plain data: nothing in it is imported, called or revived.

Both ways of writing are understood, that of Keras 2 (`inbound_nodes: [[["conv1", 0, 0, {}]]]`) and that of Keras 3 (lists of
`__keras_tensor__`). Networks within the network are flattened. What cannot be understood is kept with the reason, which matters
only if it lies on the way from the image to the cut.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgetl.errors import InputError

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
    inner: Mapping[str, str]
    """Networks within the network: name → the node that ends it."""

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
        own = [node for node in self.nodes.values() if len(node.path) > 1 and wanted == "/".join(node.path)]
        found = own or [node for node in self.nodes.values() if wanted in (node.name, node.path[-1])]
        if not found and wanted in self.inner:
            return self.inner[wanted]
        if not found:
            near = difflib.get_close_matches(wanted, [*self.nodes, *self.inner], 3)
            hint = f"Did you mean {' or '.join(near)}? " if near else ""
            raise InputError(f"no layer named '{wanted}'. {hint}The last ones are: {', '.join(list(self.nodes)[-12:])}.")
        if len(found) > 1:
            listing = ", ".join("/".join(node.path) for node in found)
            raise InputError(f"{len(found)} layers are named '{wanted}'; cut_at must be one of: {listing}.")
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
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(f"its configuration is damaged, or of a way of writing that is not known ({error!r:.100}).") from error
    return Network(reader.nodes, output, reader.inner)


def _foreign(entry: Mapping[str, Any]) -> str | None:
    """Name of a class that is not Keras' own, or of an operation that only shares its name with a layer."""
    module, registered = str(entry.get("module") or "keras"), entry.get("registered_name")
    own = module.partition(".")[0] in ("keras", "tf_keras", "tensorflow") and ".ops" not in module
    return None if own and registered in (None, entry.get("class_name")) else f"{module}.{registered or entry.get('class_name')}"


class _Reader:
    """Gathers nodes."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.inner: dict[str, str] = {}

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
            last = feed if feed is not None else self._image(waiting[0][0], path) if waiting else None
            for layer, number in waiting:
                last = self._layer(layer, path, number, [last] if last is not None else [], feed, calls=1)
            if last is None:
                raise InputError("it is empty.")
            return last
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

    def _image(self, first: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
        """Begin a Sequential that has no layer for its input: old ones say its shape in their first layer."""
        if first["class_name"] == "InputLayer" or first["class_name"] in NETWORKS:
            return None
        shape = first["config"].get("batch_input_shape") or first["config"].get("batch_shape")
        if not shape:
            raise InputError("it was never built: it does not say the shape of its input. Call model.build and save it again.")
        name = self._free("input", path)
        config = {"batch_shape": shape}
        self.nodes[name] = Node(name=name, path=(*path, name), numbers=(), kind="InputLayer", config=config, inputs=())
        return name

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
        fault = None if foreign is None else f"{foreign} is not a layer of Keras"
        arithmetic = _arithmetic(layer) if len(read) == 1 and calls == 1 else None
        if arithmetic is not None:
            kind, config, fault = "Rescaling", {"scale": arithmetic[0], "offset": arithmetic[1]}, None
        elif kind in ("Add", "Multiply") and str(layer.get("module")) in _OPERATIONS and len(read) == 2:
            fault = None  # x + y
        elif any(_constants(call) for call in layer.get("inbound_nodes", ())):
            fault = fault or "is called with a constant"
        elif kind in ("Add", "Multiply", "Concatenate") and len(read) < 2:
            fault = fault or "reads one value only"
        if kind == "InputLayer" and feed is not None and fault is None:
            return feed
        if kind == "InputLayer" and any(node.kind == "InputLayer" for node in self.nodes.values()):
            fault = "the network has several inputs; cut before they come together"
        if kind in NETWORKS and fault is None and len(read) == 1 and calls == 1:
            output = self.network(layer, (*path, name), numbers, read[0])
            if output:
                self.inner.setdefault(name, output)
                self.inner["/".join((*path, name))] = output
                return output
            kind = f"{kind} with several outputs"
        fault = fault or ("is used more than once" if calls > 1 else None)
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
        safe = safe if safe[:1].isalnum() else f"layer{safe}"
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


def _constants(call: Any) -> bool:
    """Whether a call of a layer is given anything but tensors; `training`, `mask` and names do not count."""
    if isinstance(call, dict) and call.get("class_name") == "__keras_tensor__":
        return False
    if isinstance(call, dict):
        keywords = call.get("kwargs", {}) if "args" in call else call
        told = {key: value for key, value in keywords.items() if key not in ("training", "mask", "name") and value is not None}
        return _constants(list(told.values())) or _constants(call.get("args", []))
    if isinstance(call, list | tuple):
        if _is_reference(call):
            return len(call) == 4 and _constants(call[3])
        return any(_constants(value) for value in call)
    return call is not None


_OPERATIONS = ("keras.ops", "keras.src.ops.numpy")
_SCALES = {"TrueDivide": "divide", "Divide": "divide", "Multiply": "multiply", "Add": "add", "Subtract": "subtract",
           "math.truediv": "divide", "math.divide": "divide", "math.multiply": "multiply", "math.add": "add",
           "math.subtract": "subtract", "__operators__.add": "add"}  # fmt: skip
"""Operations of Keras 3 (classes of keras.ops) and Keras 2 (functions of TFOpLambda), as x / 127.5 - 1 leaves them."""


def _arithmetic(layer: Mapping[str, Any]) -> tuple[float, float] | None:
    """Scale and offset of an operation between one tensor and one number; None for everything else."""
    if layer.get("registered_name") not in (None, layer["class_name"]):
        return None
    kind = str(layer["config"].get("function")) if layer["class_name"] == "TFOpLambda" else str(layer["class_name"])
    (call,) = layer.get("inbound_nodes") or (None,)
    if kind not in _SCALES or call is None:
        return None
    if isinstance(call, dict):
        values = [*call.get("args", ()), *(value for value in call.get("kwargs", {}).values() if value is not None)]
    else:
        reference = call[0] if len(call) == 1 else call
        values = [reference[:3], *(v for key, v in (reference[3] if len(reference) == 4 else {}).items() if key == "y")]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(values) != 2 or len(numbers) != 1:
        return None
    number, first = float(numbers[0]), isinstance(values[0], int | float)
    operation = _SCALES[kind]
    if operation == "multiply":
        return number, 0.0
    if operation == "add":
        return 1.0, number
    if operation == "subtract":
        return (-1.0, number) if first else (1.0, -number)
    return None if first or number == 0.0 else (1.0 / number, 0.0)


def _is_reference(value: Any) -> bool:
    return len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int) and isinstance(value[2], int)


def _references(value: Any) -> Iterator[str]:
    yield from _tensors(value)


__all__ = ["MAX_LAYERS", "NETWORKS", "Network", "Node", "flatten"]
