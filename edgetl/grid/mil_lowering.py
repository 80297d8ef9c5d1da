"""A MIL program → an ONNX graph in which every operation stands as Core ML defines it, for onnxruntime to evaluate.

Half precision is float32 with a rounding to half precision behind each operation that computes something: operands and results
are half-precision numbers, sums inside an operation are float32. Operations that only move values round nothing. One small
function per operation, in `mil_lowering_layers`, `mil_lowering_values` and `mil_lowering_shapes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edgetl.errors import VerificationError

if TYPE_CHECKING:
    import numpy as np

Arithmetic = Literal["stored", "float32"]
"""`stored`: as the package says; `float32`: all arithmetic in float32, with the constants as they are stored."""
OPSET = 20
"""Opset of the ONNX graph: the first with Gelu."""
_IR = 9
_LARGEST_ELEMENTS = 2**28
"""Elements of the largest tensor that is evaluated; 1 GiB of float32."""
_LATER = ("relu", "relu6", "clip", "max_pool")
"""Operations that commute with rounding: monotonic functions with half-precision bounds, and choices of an input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How an operation is written."""

    write: Callable[[Lowering, Any], str | list[str]]
    """Adds nodes; returns the name of its result, or of its results."""
    exact: bool = False
    """Its results are values of its inputs, or integers: there is nothing to round."""


class Lowering:
    """The ONNX graph so far."""

    def __init__(self, *, arithmetic: Arithmetic = "stored", every: bool = False, replaced: frozenset[str] = frozenset()) -> None:
        """Start with nothing.

        Args:
            arithmetic: see `Arithmetic`.
            every: each operation's own result is wanted, so it is rounded where it is made, not behind the clip that follows it.
            replaced: operations whose readers get the input `given_<name>` in place of what is computed.
        """
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: dict[Any, str] = {}
        """MIL variable → ONNX name."""
        self.results: dict[str, tuple[str, Any]] = {}
        """Operation's name → its first result's ONNX name and variable; casts and what is constant left out."""
        self._half = arithmetic == "stored"
        self._every = every
        self._replaced = replaced
        self._unrounded: set[Any] = set()
        self._count = 0

    def new(self, hint: str = "v") -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"{hint}_{self._count}"

    def emit(self, kind: str, inputs: list[str], *, outputs: int = 1, domain: str = "", **attributes: Any) -> str:
        """Add a node; returns the name of its first output (others end in `_1`, `_2`)."""
        from onnx import helper

        name = self.new(kind.lower())
        made = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self.nodes.append(helper.make_node(kind, inputs, made, name=name, domain=domain, **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add a constant: half precision as float32, integers and booleans as they are."""
        import numpy as np
        from onnx import numpy_helper

        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        name = self.new("c")
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    def numbers(self, *values: int) -> str:
        """Add a constant int64 vector, as ONNX wants shapes and axes."""
        import numpy as np

        return self.constant(np.array(values, np.int64))

    def real(self, value: float) -> str:
        """Add a float32 scalar."""
        import numpy as np

        return self.constant(np.float32(value))

    def read(self, variable: Any) -> str:
        """ONNX name of a MIL variable; a constant one is added when it is first read."""
        if variable not in self.names:
            self.names[variable] = self.constant(stored(variable, half=self._half))
        return self.names[variable]

    def rounded(self, name: str) -> str:
        """Round float32 to half precision (IEEE 754: nearest, ties to even, overflow to infinity) and carry it as float32."""
        from onnx import TensorProto

        return self.emit("Cast", [self.emit("Cast", [name], to=TensorProto.FLOAT16)], to=TensorProto.FLOAT)

    def write(self, operation: Any, way: Way) -> None:
        """Add one operation."""
        written = way.write(self, operation)
        names = [written] if isinstance(written, str) else written
        for name, variable in zip(names, operation.outputs, strict=True):
            self.names[variable] = name if way.exact else self._settled(name, operation, variable)
        if operation.op_type != "cast":
            variable = operation.outputs[0]
            self.results[operation.name] = (self.names[variable], variable)
            if operation.name in self._replaced:
                self.names[variable] = f"given_{operation.name}"

    def _settled(self, name: str, operation: Any, variable: Any) -> str:
        if not self._half or not is_half(variable):
            return name
        inputs = [v for v in (operation.inputs.get("x"),) if v is not None]
        commutes = operation.op_type in _LATER and _bounds_are_half(operation)
        if commutes and not any(v in self._unrounded for v in inputs):
            return name  # its operands are rounded, and so is its result
        readers = list(variable.child_ops)
        if not self._every and len(readers) == 1 and readers[0].op_type in _LATER and _bounds_are_half(readers[0]):
            self._unrounded.add(variable)
            return name
        return self.rounded(name)

    def model(self, inputs: dict[str, tuple[str, tuple[int, ...]]], outputs: list[str]) -> bytes:
        """The ONNX model.

        Args:
            inputs: name → numpy's name of the type, and shape.
            outputs: names of what is asked for.

        Returns:
            A serialized `onnx.ModelProto`, without nodes that nothing asked for.
        """
        import numpy as np
        from onnx import ValueInfoProto, helper

        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                kept.append(node)
                needed |= set(node.input)
        graph = helper.make_graph(
            kept[::-1],
            "mil",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
                for name, (dtype, shape) in inputs.items()
                if name in needed
            ],
            [ValueInfoProto(name=name) for name in outputs],
            [constant for constant in self.constants if constant.name in needed],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR)
        data: bytes = model.SerializeToString()
        return data


def lower(function: Any, *, arithmetic: Arithmetic, every: bool = False, replaced: frozenset[str] = frozenset()) -> Lowering:
    """Write a MIL function as ONNX.

    Args:
        function: a program's `main`; its inputs keep their names.
        arithmetic: see `Arithmetic`.
        every: see `Lowering`.
        replaced: see `Lowering`.

    Returns:
        The graph, with the ONNX name of each variable.

    Raises:
        VerificationError: an operation that is not known, or used in a way that is not, all at once.
    """
    from edgetl.grid import mil_lowering_layers, mil_lowering_shapes, mil_lowering_values

    ways = {**mil_lowering_layers.WAYS, **mil_lowering_values.WAYS, **mil_lowering_shapes.WAYS}
    todo = [o for o in function.operations if not _settled_before(o)]
    faults = sorted({f"operation {o.op_type} is not known" for o in todo if o.op_type not in ways})
    faults += [f"{o.name}: its shape is not fixed, or too large" for o in todo if not all(map(_fixed, o.outputs))]
    lowering = Lowering(arithmetic=arithmetic, every=every, replaced=replaced)
    for variable in function.inputs.values():
        lowering.names[variable] = variable.name
    if not faults:
        for operation in todo:
            try:
                lowering.write(operation, ways[operation.op_type])
            except VerificationError as error:
                faults.append(f"{operation.name}: {error}")
                break  # what follows reads what is not there
    if faults:
        raise VerificationError(f"{'; '.join(faults)}.")
    return lowering


def is_half(variable: Any) -> bool:
    """Whether a variable is of half precision."""
    from coremltools.converters.mil.mil import types

    return bool(variable.dtype == types.fp16)


def given(operation: Any, place: str, default: Any = None) -> Any:
    """The constant that an operation has at a place.

    Args:
        operation: a MIL operation.
        place: name of its parameter.
        default: what stands where the program says nothing.

    Returns:
        A numpy array, a number, a word, or the default.

    Raises:
        VerificationError: it is computed.
    """
    variable = operation.inputs.get(place)
    if variable is None:
        return default
    if variable.val is None:
        raise VerificationError(f"{place} is computed; only a constant is known")
    return variable.val


def integers(operation: Any, place: str, default: Any = ()) -> list[int]:
    """Constant integers at a place, as a list."""
    import numpy as np

    return [int(v) for v in np.asarray(given(operation, place, default)).reshape(-1)]


def refuse(why: str) -> VerificationError:
    """The error of an operation used in a way that is not known."""
    return VerificationError(why)


def stored(variable: Any, *, half: bool) -> np.ndarray:
    """What a constant variable holds, unpacked.

    Args:
        variable: constant, or made by a `constexpr_` operation.
        half: int8 weights of a half-precision program become half-precision numbers; else they stay the product in float32.

    Returns:
        The array.

    Raises:
        VerificationError: it is neither.
    """
    import numpy as np

    if variable.val is not None:
        return np.asarray(variable.val)
    maker = variable.op
    if maker is None or not maker.op_type.startswith("constexpr_"):
        raise VerificationError(f"{variable.name} is read before it is made")
    if maker.op_type == "constexpr_affine_dequantize":
        return _affine(maker, half=half and is_half(variable))
    return np.asarray(maker.materialized_val_inference())


def _affine(maker: Any, *, half: bool) -> np.ndarray:
    """`(integer - zero point) * scale`: exact in float32 when the scale is of half precision; then rounded once."""
    import numpy as np

    data = np.asarray(maker.inputs["quantized_data"].val).astype(np.float32)
    around = [1] * data.ndim
    if data.ndim:
        around[int(maker.inputs["axis"].val)] = -1
    zero, scale = (np.asarray(maker.inputs[p].val).astype(np.float32) for p in ("zero_point", "scale"))
    zero, scale = (v.reshape(around) if v.ndim else v for v in (zero, scale))
    values: np.ndarray = (data - zero) * scale
    return values.astype(np.float16) if half else values


def _settled_before(operation: Any) -> bool:
    """Whether there is nothing to compute: a constant, or what coremltools has computed from constants."""
    if operation.op_type in ("const", "classify") or operation.op_type.startswith("constexpr_"):
        return True
    return all(v.val is not None for v in operation.outputs)


def _fixed(variable: Any) -> bool:
    import math

    shape = variable.shape
    return all(isinstance(d, int) or hasattr(d, "__index__") for d in shape) and math.prod(shape) <= _LARGEST_ELEMENTS


def _bounds_are_half(operation: Any) -> bool:
    import numpy as np

    if operation.op_type != "clip":
        return True
    bounds = [operation.inputs[p].val for p in ("alpha", "beta")]
    return all(b is not None and np.float32(np.float16(b)) == np.float32(b) for b in bounds)
