"""What a network that Keras saved whole says of itself: its configuration as plain values; nothing in it is made or run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgetl.errors import InputError
from edgetl.graphs._base import GraphFacts, OperatorFacts, file_bytes
from edgetl.inspection.records import End, Facts

_MAX_LAYERS = 20_000
_MAX_DEPTH = 16


def read(path: Path) -> Facts:
    """See `edgetl.inspection.read`."""
    from edgetl.nn.saved import keras_file

    config = keras_file.read_config(path)
    try:
        layers = list(_layers(config, 0))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path.name}: is not a network saved by Keras (.keras, .h5): its configuration is odd.") from error
    lambdas = [name for name, kind, _ in layers if kind == "Lambda"]  # (a TFOpLambda only names one of TensorFlow's functions)
    if lambdas:
        raise InputError(
            f"{path.name}: holds code in Lambda layers ({', '.join(lambdas[:8])}), which is not run. Save the network with "
            "layers of Keras in their place."
        )
    operators = tuple(_operator(name, kind) for name, kind, _ in layers)
    return Facts(
        graph=GraphFacts(format="keras", file_bytes=file_bytes(path), operators=operators),
        inputs=tuple(_inputs(layers)),
        outputs=(),
        producer="Keras",
        versions={"keras": str(config.get("keras_version", ""))[:40]} if config.get("keras_version") else {},
        metadata=_metadata(config),
        custom=tuple(sorted({kind for _, kind, own in layers if own})),
    )


def _layers(config: Any, depth: int) -> Iterator[tuple[str, str, bool]]:
    """Name, class, and whether the class is somebody's own, of each layer; networks within networks are opened."""
    if depth > _MAX_DEPTH:
        raise ValueError("networks within networks, too deep")
    inner = config["config"]
    listed = inner["layers"] if isinstance(inner, dict) and "layers" in inner else inner if isinstance(inner, list) else None
    if listed is None or len(listed) > _MAX_LAYERS:
        raise ValueError("no list of layers")
    for layer in listed:
        kind, values = str(layer["class_name"]), layer["config"]
        if isinstance(values, dict) and "layers" in values or isinstance(values, list):
            yield from _layers(layer, depth + 1)
            continue
        name = str(values.get("name", layer.get("name", "")))[:200]
        shape = values.get("batch_input_shape", values.get("batch_shape"))
        own = bool(layer.get("registered_name")) and ">" in str(layer["registered_name"])
        yield (name, f"{kind}{shape}" if kind == "InputLayer" and shape else kind, own)


def _metadata(config: Any) -> dict[str, str]:
    inner = config["config"]
    return {"name": str(inner["name"])[:200]} if isinstance(inner, dict) and "name" in inner else {}


def _operator(name: str, kind: str) -> OperatorFacts:
    return OperatorFacts(
        name=name, type=kind.partition("[")[0], macs=0, weight_bytes=0, input_bytes=0, output_bytes=0, arithmetic="float32",
        inputs=(), outputs=(),
    )  # fmt: skip


def _inputs(layers: list[tuple[str, str, bool]]) -> Iterator[End]:
    for name, kind, _ in layers:
        if kind.startswith("InputLayer["):
            sides = kind.removeprefix("InputLayer[").rstrip("]").split(",")
            yield End(name=name, shape=tuple(int(s) if s.strip().isdigit() else -1 for s in sides), dtype="float32")
