"""An int8 network cut off before its softmax, so that two files can be compared in whole steps of their logits.

Softmax hides differences between unlikely classes and rounds to 1/256; two files on one grid should agree before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetl.grid.graph import Graph, core

if TYPE_CHECKING:
    import numpy as np


def logits(graph: Graph) -> int:
    """The tensor that goes into the final softmax or sigmoid; the network's last int8 tensor when there is none.

    Args:
        graph: an int8 network.

    Returns:
        Index of the tensor.
    """
    _, last, inside = core(graph)
    final = graph.operators[inside[-1]]
    return final.inputs[0] if final.kind in ("SOFTMAX", "LOGISTIC") else last


def cut_tflite(data: bytes, graph: Graph) -> bytes:
    """End a TFLite file at its logits.

    Args:
        data: the file.
        graph: what was read from it.

    Returns:
        A file whose output is int8 (1, classes).
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tensor = logits(graph)
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    body = model.subgraphs[0]
    while int(body.operators[-1].outputs[0]) != tensor:
        body.operators.pop()
    body.outputs, model.signatureDefs = [tensor], []
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def cut_onnx(data: bytes, graph: Graph) -> bytes:
    """End an ONNX file that `qdq` wrote at its logits.

    Args:
        data: the file.
        graph: what it was written from.

    Returns:
        A file whose output is (N, classes) in the type of its activations.
    """
    import onnx

    tensor = logits(graph)
    maker = next(i for i, operator in enumerate(graph.operators) if tensor in operator.outputs)
    model = onnx.load_model_from_string(data)
    name = f"{graph.stem(maker)}_q"
    kept, needed = [], {name}
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    reader = next(
        n for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] == name
    )  # of what only moves, too
    zero = next(i for i in model.graph.initializer if i.name == reader.input[2])
    constants = [constant for constant in model.graph.initializer if constant.name in needed]
    for field, values in ((model.graph.node, kept[::-1]), (model.graph.initializer, constants)):
        del field[:]
        field.extend(values)
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, zero.data_type, None))
    cut: bytes = model.SerializeToString()
    return cut


def steps(reference: np.ndarray, candidate: np.ndarray) -> dict[str, float | int]:
    """Compare integer logits of two files.

    Args:
        reference: (N, classes) integers.
        candidate: (N, classes) integers on the same grid.

    Returns:
        `n` images, `agreement` (share that name the same class; of equal logits the first), `max_steps` (largest difference),
        `equal_share` (share of logits that are equal).
    """
    import numpy as np

    difference = np.abs(reference.astype(np.int64) - candidate.astype(np.int64))
    return {
        "n": len(reference),
        "agreement": float((reference.argmax(1) == candidate.argmax(1)).mean()),
        "max_steps": int(difference.max()),
        "equal_share": float((difference == 0).mean()),
    }
