"""What an ONNX file says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.errors import ConversionError, InputError
from edgetl.inspection import repeated
from edgetl.inspection.records import End, Facts, text

_KNOWN = ("", "ai.onnx", "ai.onnx.ml")
_MAX_DEPTH = 16
_MOST_NAME = 200
_MAX_LABELS = 1_000_000


def read(path: Path) -> Facts:
    """See `edgetl.inspection.read`."""
    graph = registry.load("graphs", "onnx").read(path)
    import onnx

    try:
        model = onnx.load_model_from_string(path.read_bytes())
        return _facts(path, graph, model, _outside(path, model.graph))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, IndexError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{path.name}: is not an ONNX file, or is damaged: {' '.join(str(error).split())[:160]}.") from error


def _facts(path: Path, graph: Any, model: Any, outside: dict[str, int]) -> Facts:
    main = model.graph
    stored = {tensor.name for tensor in main.initializer}
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    stamps = {"ir": str(model.ir_version), **{("opset" if d == "ai.onnx" else f"opset {d}"): str(v) for d, v in opsets.items()}}
    external = sum(tensor.data_location == 1 for tensor in main.initializer)
    whole = {entry.key: entry.value for entry in list(model.metadata_props)[:64]}
    if model.doc_string:
        whole.setdefault("description", model.doc_string)
    told = {key[:_MOST_NAME]: text(value) for key, value in whole.items()} | _written(whole)
    if external:
        stamps["external_data"] = str(external)
    functions = {(function.domain, function.name) for function in model.functions}
    nodes = list(_nodes(main))
    foreign = (n for n in nodes if n.domain not in _KNOWN and (n.domain, n.op_type) not in functions)
    groups, wasted = repeated.groups((t.name, t.raw_data) for t in main.initializer if t.raw_data)
    scales = _scales(nodes, main.initializer)
    wide = any(operator.quantized for operator in graph.operators) or bool(scales)
    runs, why = _runs(path) if wide and not external else (None, "its weights lie in other files" if external else "")
    return Facts(
        graph=graph,
        inputs=tuple(_end(value, nodes, scales) for value in main.input if value.name not in stored),
        outputs=tuple(_end(value, nodes, scales) for value in main.output),
        producer=f"{model.producer_name} {model.producer_version.removesuffix(' None')}".strip()[:_MOST_NAME],
        versions=stamps,
        metadata=told,
        custom=tuple(sorted({f"{node.domain}:{node.op_type}" for node in foreign})),
        activations=_activations(nodes, main.initializer, stored),
        runs=runs,
        runs_missing=why,
        duplicates=groups,
        duplicate_bytes=wasted,
        outside=outside,
        bad_scales=tuple(sorted(name for name, values in scales.items() if not all(0 < v < float("inf") for v in values[:4096]))),
    )


def _written(told: dict[str, str]) -> dict[str, str]:
    """Sum up what edgetl writes as JSON, `labels` and `preprocessing`; what is none of it is left as it is."""
    import json

    found: dict[str, str] = {}
    try:
        names, spec = (json.loads(told.get(key, "null")[:_MAX_LABELS]) for key in ("labels", "preprocessing"))
    except (ValueError, RecursionError):
        return found
    if isinstance(names, list):
        found["labels"] = str(len(names))
    if isinstance(spec, dict) and all(isinstance(spec.get(key), float) for key in ("mean", "std")):
        found["normalisation"] = f"mean {spec['mean']:g}, std {spec['std']:g}"
        sides, words = ([spec.get(key) for key in keys] for keys in (("resize_px", "crop_px"), ("interpolation", "input")))
        if all(isinstance(side, int) for side in sides) and all(isinstance(word, str) for word in words):
            resized = f"shorter side to {sides[0]} px ({words[0]}), centre {sides[1]} px, input is {words[1]}"
            found["preprocessing"] = text(resized)
    return found


def _nodes(graph: Any, depth: int = 0) -> Iterator[Any]:
    """All nodes, those of graphs within nodes included."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"graphs within graphs, deeper than {_MAX_DEPTH}")
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _nodes(inner, depth + 1)


def _outside(path: Path, graph: Any) -> dict[str, int]:
    """Files of weights with their bytes. They must lie beside the file or below; others are refused, none is opened."""
    folder = path.absolute().parent
    found = {}
    tensors = [*graph.initializer, *(a.t for n in _nodes(graph) for a in n.attribute if a.HasField("t"))]
    for tensor in tensors:
        places = [entry.value for entry in tensor.external_data if entry.key == "location"]
        for place in places:
            inside = folder / place
            if Path(place).is_absolute() or ".." in Path(place).parts or folder.resolve() not in inside.resolve().parents:
                raise InputError(f"{path.name}: names {place[:80]!r} as a file of weights, outside of its folder; not opened.")
            found[place[:_MOST_NAME]] = inside.stat().st_size if inside.is_file() else -1
    return found


def _scales(nodes: Iterable[Any], constants: Iterable[Any]) -> dict[str, list[float]]:
    """Constant steps of quantize and dequantize nodes: name → values."""
    import onnx

    named = {node.input[1] for node in nodes if node.op_type in ("QuantizeLinear", "DequantizeLinear") and len(node.input) > 1}
    return {
        tensor.name: [float(v) for v in onnx.numpy_helper.to_array(tensor).ravel()]
        for tensor in constants
        if tensor.name in named and tensor.data_location != 1
    }


def _activations(nodes: list[Any], constants: Any, stored: set[str]) -> tuple[str, ...]:
    """Types that QuantizeLinear makes, save for those of stored weights."""
    import onnx

    types = {tensor.name: tensor.data_type for tensor in constants}
    found = set()
    for node in nodes:
        if node.op_type == "QuantizeLinear" and node.input[0] not in stored:
            kind = types.get(node.input[2], 0) if len(node.input) > 2 and node.input[2] else onnx.TensorProto.UINT8
            found.add(str(onnx.TensorProto.DataType.Name(kind)).lower() if kind else "unknown")
    return tuple(sorted(found))


def _end(value: Any, nodes: list[Any], scales: dict[str, list[float]]) -> End:
    import onnx

    tensor = value.type.tensor_type
    sides = tuple(side.dim_value if side.HasField("dim_value") and side.dim_value > 0 else -1 for side in tensor.shape.dim)
    kind = str(onnx.TensorProto.DataType.Name(tensor.elem_type)).lower()
    beside = [n for n in nodes if n.op_type.endswith("quantizeLinear") or n.op_type == "QuantizeLinear"]
    steps = [scales.get(n.input[1], []) for n in beside if value.name in (n.input[0], n.output[0]) and len(n.input) > 1]
    whole = kind in ("int8", "uint8") and steps and len(steps[0]) == 1
    return End(
        name=value.name,
        shape=sides,
        dtype={"float": "float32", "double": "float64"}.get(kind, kind),
        scale=steps[0][0] if whole else None,
    )


def _runs(path: Path) -> tuple[dict[str, int] | None, str]:
    """Operators that onnxruntime runs, or why it does not."""
    from edgetl.grid import fused

    try:
        return dict(fused.operators(path.read_bytes())), ""
    except ConversionError as error:
        return None, " ".join(str(error).split())[:300]
