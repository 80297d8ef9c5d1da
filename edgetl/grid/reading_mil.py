"""What a saved Core ML package has on its grid, from its wiring."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.grid.compare import Edge, Reading
from edgetl.grid.sparsity import Kernels, Kind, held
from edgetl.quiet import quiet

if TYPE_CHECKING:
    import numpy as np

_CAST = re.compile(r"_cast_fp(16|32)$")
STRETCH = re.compile(r"^average_pool_2d_\d+_(slope|away)(_cast_fp32)?$")
"""Names of the two operations that `operators_mil` adds behind an average."""
_AROUND = ("quantize", "dequantize", "constexpr_affine_dequantize", "const", "cast", "clip", "relu", "classify")


def program(package: Path) -> Any:
    """Load the MIL program of a saved package, weights included; needs no Mac.

    Args:
        package: an `.mlpackage` folder.

    Returns:
        coremltools' `Program`; its values are numpy arrays.
    """
    with quiet():
        import coremltools as ct
        from coremltools.converters.mil.frontend.milproto.load import load

    model = ct.models.MLModel(str(package), skip_model_load=True)
    spec = model.get_spec()
    return load(spec, specification_version=spec.specificationVersion, file_weights_dir=model.weights_dir)


def read(loaded: Any, stems: tuple[str, ...]) -> Reading:
    """Collect every quantization of a program that `mil` wrote.

    Args:
        loaded: what `program` returned.
        stems: names of the operators it was written from.

    Returns:
        Edges by the stem of the operation they belong to.
    """
    function = loaded.functions["main"]
    found: Reading = {}
    known = set(stems)
    for operation in function.operations:
        stem = _CAST.sub("", operation.name).removesuffix("_gate")
        if operation.op_type in _AROUND and stem not in known:
            continue
        if stem not in known:
            continue
        places = ("x", "weight", "bias") if operation.op_type in ("conv", "linear") else ("x", "y")
        values = [operation.inputs.get(p) for p in places if operation.inputs.get(p) is not None]
        if operation.op_type == "concat":
            values = list(operation.inputs["values"])
        depthwise = stem.startswith("depthwise")
        for place, value in enumerate(values):
            role = f"input {place}" if operation.op_type not in ("conv", "linear") else ("input 0", "weight", "bias")[place]
            edge = _input(value, role, depthwise)
            if edge is not None:
                found[stem, role] = edge
        _output(operation, stem, found)
    for operation in function.operations:
        if operation.op_type == "quantize" and _leads_to_input(operation.inputs["input"], function):
            found["image", "output"] = _edge(operation, operation.outputs[0])
    maker = _past_casts(function.outputs[-1] if len(function.outputs) == 1 else _probabilities(function))
    if maker is not None and maker.op_type == "dequantize":
        found["probabilities", "input 0"] = _edge(maker, maker.inputs["input"])
    return found


def _probabilities(function: Any) -> Any:
    return next(o for o in function.operations if o.op_type == "classify").inputs["probabilities"]


def _past_casts(value: Any) -> Any:
    operation = value.op
    while operation is not None and operation.op_type in ("cast", "classify"):
        operation = operation.inputs["x" if operation.op_type == "cast" else "probabilities"].op
    return operation


def _leads_to_input(value: Any, function: Any) -> bool:
    """Whether a value is the image after its normalisation: nothing but mul, add and cast since the input."""
    while value.op is not None and value.op.op_type in ("mul", "add", "cast"):
        value = value.op.inputs["x"]
    return value.op is None and value.name in function.inputs


def _edge(operation: Any, integers: Any) -> Edge:
    """Grid of a quantize or dequantize operation, in int8: coremltools turns zero point -128 of int8 into 0 of uint8."""
    import numpy as np
    from coremltools.converters.mil.mil import types

    scale = np.atleast_1d(operation.inputs["scale"].val)
    given = operation.inputs.get("zero_point")
    zero = np.zeros(1, np.int64) if given is None else np.atleast_1d(given.val).astype(np.int64)
    shift = 128 if integers.dtype == types.uint8 else 0
    return Edge(scale=scale, zero_point=zero - shift)


def _input(value: Any, role: str, depthwise: bool) -> Edge | None:
    import numpy as np

    operation = value.op
    while operation is not None and operation.op_type in ("cast", "reshape", "transpose"):
        operation = operation.inputs["x"].op
    if role == "bias":
        return Edge.of_real(np.asarray(value.val))
    if operation is None:
        return None
    if operation.op_type == "dequantize":
        return _edge(operation, operation.inputs["input"])
    if role == "weight" and operation.op_type == "const":  # of a layer in float
        data = np.asarray(value.val)
        return Edge.of_real(data if data.ndim != 4 else data.transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1)))
    if operation.op_type != "constexpr_affine_dequantize":
        return None
    return _constant(operation, depthwise)


def _constant(operation: Any, depthwise: bool) -> Edge:
    import numpy as np

    data: np.ndarray = np.asarray(operation.inputs["quantized_data"].val).astype(np.int64)
    if data.ndim == 4:
        data = data.transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1))
    return Edge(
        scale=np.atleast_1d(operation.inputs["scale"].val),
        zero_point=np.atleast_1d(operation.inputs["zero_point"].val).astype(np.int64),
        data=data,
    )


def _output(operation: Any, stem: str, found: Reading) -> None:
    """Follow an operation's output, past clips, casts and what stretches an average, to what quantizes it."""
    for reader in operation.outputs[0].child_ops:
        if reader.op_type in ("clip", "relu", "cast") or STRETCH.search(reader.name):
            _output(reader, stem, found)
        if reader.op_type == "quantize":
            found[stem, "output"] = _edge(reader, reader.outputs[0])


def kernels(loaded: Any) -> Kernels:
    """Find the kernels of a float package that a constraint holds.

    Args:
        loaded: what `program` returned.

    Returns:
        Operation's name → kernel.
    """
    layers: list[tuple[str, Kind, np.ndarray | None]] = []
    for operation in loaded.functions["main"].operations:
        if operation.op_type == "conv":
            kind: Kind = "depthwise" if operation.inputs["groups"].val > 1 else "convolution"
            layers.append((operation.name, kind, operation.inputs["weight"].val.transpose(0, 2, 3, 1)))
        elif operation.op_type == "linear":
            layers.append((operation.name, "dense", operation.inputs["weight"].val))
        elif operation.op_type == "matmul" and operation.inputs["y"].val is not None:
            kernel = operation.inputs["y"].val
            layers.append((operation.name, "dense", kernel if operation.inputs["transpose_y"].val else kernel.T))
    return held(layers)
