"""A Core ML package beside the TFLite or ONNX file of the same network, tensor by tensor: where do they part?

Each operation is given what the other file has before it, so that a difference is its own and none has grown on the way. Tensors
of int8 networks are compared in steps of their one grid and tied by `Graph.stem`, which `mil` writes; those of float networks
relative to their largest value, tied by the layer's name, which every converter keeps in its own spelling. TFLite answers by its
builtin kernels here, which show their intermediate tensors; XNNPACK's may differ from them by a rounding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgetl.errors import InputError
from edgetl.grid import logits
from edgetl.grid.graph import Graph, core
from edgetl.grid.mil_reference import Reference
from edgetl.grid.reading_mil import STRETCH
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

_SPELLING = re.compile(r"(_cast_fp(16|32))?$|(_nchw|_gate|__\d+|_Gemm__\d+|_Squeeze__\d+)(?=(_cast_fp(16|32))?$)")
_ADDED = re.compile(r"__\d+(:0)?$")
"""End of the name of a node that tf2onnx put before or behind a layer."""
_TOLERANCE = {"steps": 1.0, "relative": 0.03}
"""What half-precision constants and another order of sums make of one sound operation, sums that cancel included (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One tensor of two files."""

    name: str
    """Of the package's operation; `image` for what the first quantization makes of the image."""
    unit: Literal["steps", "relative"]
    """Steps of the tensor's grid, or shares of its largest absolute value."""
    largest: float
    """Largest absolute difference, in `unit`."""
    share: float
    """Share of values that differ by half a step, or by a ten-thousandth, or more; 0 to 1."""
    place: tuple[int, ...]
    """Where the largest difference is; NCHW."""


def walk(package: Reference, other: Path, pixels: np.ndarray, preprocess: Preprocess) -> tuple[Beside, ...]:
    """Compare all tensors that both files have, on one image.

    Args:
        package: the Core ML package.
        other: the `.tflite` file that it was made from (int8), or a `.tflite` or `.onnx` file of the same float network.
        pixels: uint8 (px, px, 3).
        preprocess: normalisation of the other file's float input.

    Returns:
        One entry for each tensor, in the package's order.

    Raises:
        InputError: the other file is of another kind, or shares no tensor with the package.
    """
    from edgetl.grid import reader

    if other.suffix == ".tflite":
        graph = reader.read(other.read_bytes())
        tensors = _tflite_tensors(other, _tensor(pixels, preprocess, graph.tensors[graph.input].dtype))
        whole = graph.tensors[graph.operators[0].outputs[0]].dtype == "int8"
        made = [o.outputs[0] for o in graph.operators if o.outputs[0] in tensors]
        theirs = {} if whole else {tuple(graph.tensors[i].name.split(";")): _nchw(tensors[i]) for i in made}
        pairs = _integers(package, graph, tensors, pixels) if whole else _floats(package, theirs, pixels)
    elif other.suffix == ".onnx":
        pairs = _floats(package, _onnx_tensors(other, _tensor(pixels, preprocess, "float32")), pixels)
    else:
        raise InputError(f"{other.name}: is no .tflite or .onnx file.")
    found = tuple(_compare(*pair) for pair in pairs)
    if not found:
        raise InputError(f"{other.name}: has no tensor that the package has too. Give a file of the same network and scheme.")
    return found


def first_difference(
    package: Reference, other: Path, pixels: np.ndarray, preprocess: Preprocess, *, tolerance: float | None = None
) -> Beside | None:
    """Name the first tensor in which two files part.

    Args:
        package: see `walk`.
        other: see `walk`.
        pixels: see `walk`.
        preprocess: see `walk`.
        tolerance: largest difference that is none, in the unit of `Beside`; None = 1 step, or 0.03 of the largest value.

    Returns:
        The first tensor that differs by more; None when none does.
    """
    for found in walk(package, other, pixels, preprocess):
        if not found.largest <= (_TOLERANCE[found.unit] if tolerance is None else tolerance):
            return found
    return None


def logits_of(package: Reference, graph: Graph) -> Callable[[np.ndarray], np.ndarray]:
    """How to get an int8 package's integer logits.

    Args:
        package: of the network.
        graph: what it was written from.

    Returns:
        uint8 (px, px, 3) → int64 (classes,).
    """
    import numpy as np

    tensor, made = logits.logits(graph), _quantized(package.function)
    makers = {graph.settled(operator): i for i, operator in enumerate(graph.operators) if not graph.is_border(operator)}
    while graph.stem(makers[tensor]) not in made and graph.operators[makers[tensor]].kind == "RESHAPE":
        tensor = graph.operators[makers[tensor]].inputs[0]  # a vector that was a map of one place holds the same integers
    name, shift = made[graph.stem(makers[tensor])]

    def answer(pixels: np.ndarray) -> np.ndarray:
        return package.tensors(pixels, (name,))[name].reshape(-1).astype(np.int64) - shift

    return answer


def _quantized(function: Any) -> dict[str, tuple[str, int]]:
    """Stem → the operation that makes its integers, and what to take from them to get int8."""
    from coremltools.converters.mil.mil import types

    def settled(variable: Any) -> Any:
        for reader in variable.child_ops:
            if reader.op_type == "quantize":
                return reader
            passing = reader.op_type in ("clip", "relu", "cast") or STRETCH.search(reader.name)
            found = settled(reader.outputs[0]) if passing else None
            if found is not None:
                return found
        return None

    found = {}
    for operation in function.operations:
        if operation.op_type in ("const", "quantize", "dequantize", "classify"):
            continue
        maker = settled(operation.outputs[0])
        if maker is not None:
            shift = 128 if maker.outputs[0].dtype == types.uint8 else 0
            found[_key(operation.name)] = (maker.name, shift)
    first = next((o for o in function.operations if o.op_type == "quantize"), None)
    if first is not None:
        found["image"] = (first.name, 128 if first.outputs[0].dtype == types.uint8 else 0)
    return found


_Pair = tuple[str, Literal["steps", "relative"], "np.ndarray", "np.ndarray"]


def _integers(package: Reference, graph: Graph, theirs: dict[int, np.ndarray], pixels: np.ndarray) -> Iterator[_Pair]:
    import numpy as np

    names = _quantized(package.function)
    first, _, inside = core(graph)
    settled = ((i, graph.settled(graph.operators[i])) for i in inside if not graph.is_border(graph.operators[i]))
    places = [("image", first), *((graph.stem(i), tensor) for i, tensor in settled if tensor is not None)]
    tied = {stem: _nchw(theirs[tensor]).astype(np.int64) for stem, tensor in places if stem in names}
    ours = package.alone(pixels, {names[stem][0]: values + names[stem][1] for stem, values in tied.items()})
    for stem, values in tied.items():
        name, shift = names[stem]
        yield stem, "steps", ours[name] - shift, values


def _floats(package: Reference, theirs: dict[tuple[str, ...], np.ndarray], pixels: np.ndarray) -> Iterator[_Pair]:
    places = {_key(name): (number, name) for number, name in enumerate(package.lowered().results)}
    shapes = {name: tuple(variable.shape) for name, (_, variable) in package.lowered().results.items()}
    tied: dict[tuple[int, str], np.ndarray] = {}
    for names, values in sorted(theirs.items(), key=lambda item: not _ADDED.search(item[0][0])):  # a layer's own word is the last
        known = [places[_key(name)] for name in names if _key(name) in places]
        if known and values.dtype.kind == "f":
            shape, turned = shapes[max(known)[1]], _nchw(values)
            fitting = next((v for v in (values, turned) if v.shape == shape or v.size == v.shape[1] == math.prod(shape)), None)
            if fitting is not None:
                tied[max(known)] = fitting.reshape(shape)
    ours = package.alone(pixels, {name: values for (_, name), values in tied.items()})
    for (_, name), values in sorted(tied.items(), key=lambda item: item[0][0]):
        yield name, "relative", ours[name], values


def _nchw(values: np.ndarray) -> np.ndarray:
    return values.transpose(0, 3, 1, 2) if values.ndim == 4 else values


def _key(name: str) -> str:
    """A layer's name as every converter has it: the words between slashes, without what a converter adds."""
    word = re.sub(r"[^A-Za-z0-9]", "_", name.removeprefix("PartitionedCall/").removesuffix(":0"))
    return _SPELLING.sub("", _SPELLING.sub("", word))


def _compare(name: str, unit: Literal["steps", "relative"], ours: np.ndarray, theirs: np.ndarray) -> Beside:
    import numpy as np

    difference = np.abs(ours.reshape(-1).astype(np.float64) - theirs.reshape(-1).astype(np.float64))
    if unit == "relative":
        difference /= max(float(np.abs(theirs).max()), np.finfo(np.float32).tiny)
    place = tuple(int(i) for i in np.unravel_index(int(difference.argmax()), ours.shape))
    share = float((difference >= (0.5 if unit == "steps" else 1e-4)).mean())
    return Beside(name=name, unit=unit, largest=float(difference.max()), share=share, place=place)


def _tensor(pixels: np.ndarray, preprocess: Preprocess, dtype: str) -> np.ndarray:
    """The image as an input of that type, (1, px, px, 3)."""
    import numpy as np

    from edgetl.preprocess import normalise

    if dtype == "float32":
        return normalise(pixels[None], preprocess)
    return pixels[None] if dtype == "uint8" else (pixels[None].astype(np.int16) - 128).astype(np.int8)


def _tflite_tensors(path: Path, image: np.ndarray) -> dict[int, np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    keep: dict[str, Any] = {"experimental_op_resolver_type": kernels, "experimental_preserve_all_tensors": True}
    interpreter = Interpreter(str(path), num_threads=1, **keep)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    found = {}
    for detail in interpreter.get_tensor_details():
        try:
            found[int(detail["index"])] = interpreter.get_tensor(detail["index"]).copy()
        except ValueError:
            continue  # scratch space of a kernel
    return found


def _onnx_tensors(path: Path, image: np.ndarray) -> dict[tuple[str, ...], np.ndarray]:
    import onnx

    from edgetl.grid.mil_reference import open_session

    model = onnx.load(path)
    names = list(dict.fromkeys(name for node in model.graph.node for name in node.output if name))
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = open_session(model.SerializeToString(), path.name)
    given = session.get_inputs()[0]
    if given.shape[-1] != 3:
        image = image.transpose(0, 3, 1, 2).copy()
    return {(name,): value for name, value in zip(names, session.run(names, {given.name: image}), strict=True)}
