"""Layers that stay in float, past a converter that would make them int8 all the same.

TFLiteConverter quantizes every layer that stands between quantized values: ranges that a kernel lacks it takes from the weights.
So each value that enters or leaves a float layer is led through an operator that it knows no int8 form of (FLOOR), and that is
taken out of the finished file: DEQUANTIZE, the layer in float, QUANTIZE are left.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from edgetl.errors import ConversionError

_BORDER = "float_border_"
_CONSTANT = ("Const", "Identity", "FakeQuantWithMinMaxVarsPerChannel")
"""Kinds of nodes that a layer's weights come through."""


def belongs(node: str, layers: Collection[str]) -> bool:
    """Whether something in a graph is part of one of some layers of a fake-quantized network.

    Args:
        node: name of a node or of a TFLite tensor, which lists the nodes that were fused: `net/quant_conv/Conv2D;net/quant_bn/…`.
        layers: names in the float network.

    Returns:
        True when it lies in the scope of one of them.
    """
    return any(f"/quant_{layer}/" in node for layer in layers)


def mark(graph: Any, layers: Collection[str]) -> None:
    """Put the operator at the borders of some layers, in place.

    Args:
        graph: TensorFlow `GraphDef` of a fake-quantized network.
        layers: names of the layers that compute in float, in the float network.

    Raises:
        ConversionError: the network has none of these layers.
    """
    nodes = {node.name: node for node in graph.node}
    inside = {name for name in nodes if belongs(name, layers)}
    placed: dict[str, str] = {}
    for name in inside:
        node = nodes[name]
        for place, source in enumerate(node.input):
            maker = source.partition(":")[0]
            if source.startswith("^") or _constant(nodes, maker):
                continue
            if maker in inside and not _rounds(node) and not _rounds(nodes[maker]):
                continue
            if source not in placed:
                border = graph.node.add()
                border.name, border.op = f"{_BORDER}{len(placed)}", "Floor"
                border.input.append(source)
                border.attr["T"].type = 1  # float32
                placed[source] = border.name
            node.input[place] = placed[source]
    if not placed:
        raise ConversionError(f"the network has none of the layers that should stay in float: {', '.join(sorted(layers)[:4])} ….")


def _rounds(node: Any) -> bool:
    return str(node.op).startswith("FakeQuant")


def _constant(nodes: dict[str, Any], name: str) -> bool:
    """Whether a value depends on no image."""
    while nodes[name].op in _CONSTANT[1:]:
        name = nodes[name].input[0].partition(":")[0]
    return bool(nodes[name].op == _CONSTANT[0])


def remove(data: bytes) -> bytes:
    """Take the operator out of a converted file.

    Args:
        data: a TFLite file of a network that `mark` changed.

    Returns:
        The file with its layers in float between DEQUANTIZE and QUANTIZE.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    floor = {i for i, code in enumerate(model.operatorCodes) if code.builtinCode == schema.BuiltinOperator.FLOOR}
    borders = [o for o in graph.operators if o.opcodeIndex in floor and _BORDER.encode() in graph.tensors[o.outputs[0]].name]
    before = {int(o.outputs[0]): int(o.inputs[0]) for o in borders}
    graph.operators = [o for o in graph.operators if not any(o is border for border in borders)]
    kept = [place for place in range(len(graph.tensors)) if place not in before]
    moved = {old: new for new, old in enumerate(kept)} | {-1: -1}
    for operator in graph.operators:
        operator.inputs = [moved[before.get(int(t), int(t))] for t in operator.inputs]
        operator.outputs = [moved[int(t)] for t in operator.outputs]
    graph.inputs, graph.outputs = ([moved[int(t)] for t in ends] for ends in (graph.inputs, graph.outputs))
    for signature in model.signatureDefs or []:
        for entry in (*signature.inputs, *signature.outputs):
            entry.tensorIndex = moved[int(entry.tensorIndex)]
    graph.tensors = [graph.tensors[place] for place in kept]
    if not any(o.opcodeIndex in floor for o in graph.operators):
        _forget(model, floor)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _forget(model: Any, codes: set[int]) -> None:
    """Leave operator codes that nothing uses out of the file."""
    kept = [place for place in range(len(model.operatorCodes)) if place not in codes]
    moved = {old: new for new, old in enumerate(kept)}
    model.operatorCodes = [model.operatorCodes[place] for place in kept]
    for graph in model.subgraphs:
        for operator in graph.operators:
            operator.opcodeIndex = moved[operator.opcodeIndex]
