"""TFLite flatbuffer → `Graph`."""

from __future__ import annotations

import struct
from typing import Any

from edgetl.errors import ConversionError
from edgetl.grid.graph import Graph, Operator, Tensor

_PACKED = ("int4", "uint4", "int2", "string", "resource", "variant", "bfloat16")
"""Types that numpy lacks; constants of these, and sparse ones, stay the bytes that they are in the file."""


def read(data: bytes) -> Graph:
    """Parse a TFLite model with one subgraph, one input and one output.

    Args:
        data: the file.

    Returns:
        Its operators and tensors; constants are views of `data`.

    Raises:
        ConversionError: the file is damaged, or has several subgraphs, inputs or outputs.
    """
    try:
        return _graph(data)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise ConversionError(f"the TFLite file is damaged: {error}.") from error


def parts(data: bytes) -> tuple[tuple[Tensor, ...], tuple[Operator, ...], Any]:
    """Take the first subgraph of a TFLite model apart, whatever its inputs and outputs.

    Args:
        data: the file.

    Returns:
        Tensors, operators (a custom one by its own name) and the subgraph as the schema has it.

    Raises:
        ConversionError: it is not a TFLite file. Damage raises what the flatbuffer reader raises.
    """
    from ai_edge_litert import schema_py_generated as schema

    if data[4:8] != b"TFL3":
        raise ConversionError("not a TFLite file: it does not carry the identifier TFL3.")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    types = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    tensors = tuple(_tensor(t, model.buffers[t.buffer].data, types) for t in graph.tensors)
    operators = []
    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        kind = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        operators.append(
            Operator(
                kind=code.customCode.decode() if kind == "CUSTOM" and code.customCode else kind,
                inputs=_places(op.inputs, len(tensors)),
                outputs=_places(op.outputs, len(tensors)),
                options=dict(vars(op.builtinOptions)) if op.builtinOptions is not None else {},
            )
        )
    graph.only = len(model.subgraphs) == 1
    return tensors, tuple(operators), graph


def _graph(data: bytes) -> Graph:
    tensors, operators, graph = parts(data)
    if not graph.only or len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ConversionError("the TFLite file has several subgraphs, inputs or outputs; one of each can be read.")
    (source,), (result,) = (_places(places, len(tensors)) for places in (graph.inputs, graph.outputs))
    return Graph(tensors=tensors, operators=operators, input=source, output=result)


def _places(indices: Any, count: int) -> tuple[int, ...]:
    places = tuple(int(i) for i in indices)
    if any(not -1 <= place < count for place in places):
        raise IndexError("an operator names a tensor that does not exist")
    return places


def _tensor(tensor: Any, content: Any, types: dict[int, str]) -> Tensor:
    import numpy as np

    shape = tuple(int(d) for d in tensor.shape) if tensor.shape is not None else ()
    dtype = types[tensor.type]
    table = tensor.quantization
    quantized = table is not None and table.scale is not None and len(table.scale) > 0
    data = None
    if content is not None and len(content) > 0:
        data = np.asarray(content, np.uint8)
        if dtype not in _PACKED and tensor.sparsity is None:
            data = data.view("bool" if dtype == "bool" else dtype).reshape(shape)
    return Tensor(
        name=tensor.name.decode() if tensor.name else "",
        shape=shape,
        dtype=dtype,
        scale=np.asarray(table.scale, np.float32) if quantized else None,
        zero_point=np.asarray(table.zeroPoint, np.int64) if quantized else None,
        axis=int(table.quantizedDimension) if quantized else 0,
        data=data,
    )
