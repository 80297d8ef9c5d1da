"""Name a TFLite model's input and output, and describe them."""

from __future__ import annotations

from typing import Literal

from edgetl.converters._base import INPUT_NAME, OUTPUT_NAME
from edgetl.grid.graph import Tensor
from edgetl.types import TensorSpec


def name_tensors(data: bytes) -> bytes:
    """Give a one-input, one-output model the names `image` and `probabilities` and a `serving_default` signature.

    Why: converting a function without the detour over a SavedModel is more than ten times faster but leaves both out,
    and mobile code finds tensors by signature.

    Args:
        data: a `.tflite` file.

    Returns:
        The same model, named.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = [], []
    for maps, indices, name in (
        (signature.inputs, graph.inputs, INPUT_NAME),
        (signature.outputs, graph.outputs, OUTPUT_NAME),
    ):
        index = int(indices[0])
        graph.tensors[index].name = name.encode()
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), index
        maps.append(entry)
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(len(data) + 65536)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def spec(tensor: Tensor, layout: Literal["NHWC", "NC"]) -> TensorSpec:
    """Describe an input or output.

    Args:
        tensor: as the file has it.
        layout: order of its axes.

    Returns:
        The record; scale and zero point for an integer tensor.
    """
    return TensorSpec(
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        layout=layout,
        scale=tensor.step if tensor.quantized else None,
        zero_point=tensor.zero if tensor.quantized else None,
    )
