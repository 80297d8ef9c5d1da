"""MIL's operations on each value for itself, and over axes, in ONNX. Composed ones compute in float32 and are rounded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgetl.grid.mil_lowering import Lowering, Way, given, integers, refuse


def _one(kind: str) -> Callable[[Lowering, Any], str]:
    return lambda low, operation: low.emit(kind, [low.read(operation.inputs["x"])])


def _two(kind: str) -> Callable[[Lowering, Any], str]:
    return lambda low, operation: low.emit(kind, [low.read(operation.inputs["x"]), low.read(operation.inputs["y"])])


def _with(kind: str, **places: str) -> Callable[[Lowering, Any], str]:
    """A node whose attributes are constants of the operation: ONNX's name → MIL's place."""

    def write(low: Lowering, operation: Any) -> str:
        values: dict[str, Any] = {name: float(given(operation, place)) for name, place in places.items()}
        return low.emit(kind, [low.read(operation.inputs["x"])], **values)

    return write


def _clip(low: Lowering, operation: Any) -> str:
    limits = [low.real(float(given(operation, place))) for place in ("alpha", "beta")]
    return low.emit("Clip", [low.read(operation.inputs["x"]), *limits])


def _relu6(low: Lowering, operation: Any) -> str:
    return low.emit("Clip", [low.read(operation.inputs["x"]), low.real(0.0), low.real(6.0)])


def _real_div(low: Lowering, operation: Any) -> str:
    if _integer(operation.inputs["x"]):
        raise refuse("a division of integers into real numbers is not known")
    return _two("Div")(low, operation)


def _floor_div(low: Lowering, operation: Any) -> str:
    if _integer(operation.inputs["x"]):
        raise refuse("a division of integers is not known")
    return low.emit("Floor", [_two("Div")(low, operation)])


def _mod(low: Lowering, operation: Any) -> str:
    if _integer(operation.inputs["x"]):
        return low.emit("Mod", [low.read(operation.inputs["x"]), low.read(operation.inputs["y"])])
    x, y = (low.read(operation.inputs[place]) for place in ("x", "y"))
    return low.emit("Sub", [x, low.emit("Mul", [low.emit("Floor", [low.emit("Div", [x, y])]), y])])


def _not_equal(low: Lowering, operation: Any) -> str:
    return low.emit("Not", [_two("Equal")(low, operation)])


def _silu(low: Lowering, operation: Any) -> str:
    x = low.read(operation.inputs["x"])
    return low.emit("Mul", [x, low.emit("Sigmoid", [x])])


def _gelu(low: Lowering, operation: Any) -> str:
    x, mode = low.read(operation.inputs["x"]), given(operation, "mode", "EXACT")
    if mode == "SIGMOID_APPROXIMATION":
        return low.emit("Mul", [x, low.emit("Sigmoid", [low.emit("Mul", [x, low.real(1.702)])])])
    if mode not in ("EXACT", "TANH_APPROXIMATION"):
        raise refuse(f"mode {mode} is not known")
    return low.emit("Gelu", [x], approximate="none" if mode == "EXACT" else "tanh")


def _softmax(low: Lowering, operation: Any) -> str:
    return low.emit("Softmax", [low.read(operation.inputs["x"])], axis=int(given(operation, "axis", -1)))


def _prelu(low: Lowering, operation: Any) -> str:
    alpha, rank = low.read(operation.inputs["alpha"]), len(operation.inputs["x"].shape)
    slopes = low.emit("Reshape", [alpha, low.numbers(-1, *[1] * (rank - 2))])
    return low.emit("PRelu", [low.read(operation.inputs["x"]), slopes])


def _shifted(kind: str, default: float) -> Callable[[Lowering, Any], str]:
    """`log`, `rsqrt`, `inverse`: of x and a small number that keeps it from 0."""

    def write(low: Lowering, operation: Any) -> str:
        value = low.emit("Add", [low.read(operation.inputs["x"]), low.real(float(given(operation, "epsilon", default)))])
        if kind == "Rsqrt":
            value = low.emit("Sqrt", [value])
        return low.emit("Log" if kind == "Log" else "Reciprocal", [value])

    return write


def _square(low: Lowering, operation: Any) -> str:
    x = low.read(operation.inputs["x"])
    return low.emit("Mul", [x, x])


def _exp2(low: Lowering, operation: Any) -> str:
    return low.emit("Pow", [low.real(2.0), low.read(operation.inputs["x"])])


def _threshold(low: Lowering, operation: Any) -> str:
    return low.emit("Max", [low.read(operation.inputs["x"]), low.real(float(given(operation, "alpha")))])


def _linear_activation(low: Lowering, operation: Any) -> str:
    alpha, beta = (low.real(float(given(operation, place))) for place in ("alpha", "beta"))
    return low.emit("Add", [low.emit("Mul", [low.read(operation.inputs["x"]), alpha]), beta])


def _scaled_tanh(low: Lowering, operation: Any) -> str:
    alpha, beta = (low.real(float(given(operation, place))) for place in ("alpha", "beta"))
    return low.emit("Mul", [alpha, low.emit("Tanh", [low.emit("Mul", [low.read(operation.inputs["x"]), beta])])])


def _reduce(kind: str) -> Callable[[Lowering, Any], str]:
    def write(low: Lowering, operation: Any) -> str:
        axes = integers(operation, "axes", range(len(operation.inputs["x"].shape)))
        kept = int(bool(given(operation, "keep_dims", False)))
        return low.emit(kind, [low.read(operation.inputs["x"]), low.numbers(*axes)], keepdims=kept)

    return write


def _arg(kind: str) -> Callable[[Lowering, Any], str]:
    def write(low: Lowering, operation: Any) -> str:
        from onnx import TensorProto

        kept = int(bool(given(operation, "keep_dims", False)))
        axis = int(given(operation, "axis", -1))
        place = low.emit(kind, [low.read(operation.inputs["x"])], axis=axis, keepdims=kept)
        return low.emit("Cast", [place], to=TensorProto.INT32)

    return write


def _cumsum(low: Lowering, operation: Any) -> str:
    ends: dict[str, Any] = {place: int(bool(given(operation, place, False))) for place in ("exclusive", "reverse")}
    return low.emit("CumSum", [low.read(operation.inputs["x"]), low.numbers(int(given(operation, "axis", 0)))], **ends)


def _select(low: Lowering, operation: Any) -> str:
    return low.emit("Where", [low.read(operation.inputs[place]) for place in ("cond", "a", "b")])


def _cast(low: Lowering, operation: Any) -> str:
    """Between half and single precision a cast is a rounding, which follows; to integers the fraction is cut off."""
    from coremltools.converters.mil.mil import types
    from onnx import TensorProto

    wanted, x = operation.outputs[0].dtype, low.read(operation.inputs["x"])
    if types.is_float(wanted):
        return x if types.is_float(operation.inputs["x"].dtype) else low.emit("Cast", [x], to=TensorProto.FLOAT)
    kinds = {"int32": "INT32", "int16": "INT16", "uint16": "UINT16", "int8": "INT8", "uint8": "UINT8", "bool": "BOOL"}
    name = kinds.get(types.builtin_to_string(wanted))
    if name is None:
        raise refuse(f"a cast to {types.builtin_to_string(wanted)} is not known")
    return low.emit("Cast", [x], to=getattr(TensorProto, name))


def _integer(variable: Any) -> bool:
    from coremltools.converters.mil.mil import types

    return bool(types.is_int(variable.dtype))


_ONE = {
    "abs": "Abs", "acos": "Acos", "asin": "Asin", "atan": "Atan", "cos": "Cos", "cosh": "Cosh", "erf": "Erf", "exp": "Exp",
    "sigmoid": "Sigmoid", "sin": "Sin", "sinh": "Sinh", "softplus": "Softplus", "softsign": "Softsign", "sqrt": "Sqrt",
    "tan": "Tan", "tanh": "Tanh",
}  # fmt: skip
_ONE_EXACT = {
    "ceil": "Ceil", "floor": "Floor", "identity": "Identity", "logical_not": "Not", "round": "Round", "sign": "Sign"
}  # fmt: skip
_TWO = {"add": "Add", "mul": "Mul", "sub": "Sub", "pow": "Pow"}
_TWO_EXACT = {
    "equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less", "less_equal": "LessOrEqual",
    "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "maximum": "Max", "minimum": "Min",
}  # fmt: skip
_REDUCTIONS = {
    "reduce_l1_norm": "ReduceL1", "reduce_l2_norm": "ReduceL2", "reduce_log_sum": "ReduceLogSum",
    "reduce_log_sum_exp": "ReduceLogSumExp", "reduce_mean": "ReduceMean", "reduce_prod": "ReduceProd", "reduce_sum": "ReduceSum",
    "reduce_sum_square": "ReduceSumSquare",
}  # fmt: skip

WAYS = {
    **{name: Way(write=_one(kind)) for name, kind in _ONE.items()},
    **{name: Way(write=_one(kind), exact=True) for name, kind in _ONE_EXACT.items()},
    **{name: Way(write=_two(kind)) for name, kind in _TWO.items()},
    **{name: Way(write=_two(kind), exact=True) for name, kind in _TWO_EXACT.items()},
    **{name: Way(write=_reduce(kind)) for name, kind in _REDUCTIONS.items()},
    "reduce_max": Way(write=_reduce("ReduceMax"), exact=True),
    "reduce_min": Way(write=_reduce("ReduceMin"), exact=True),
    "reduce_argmax": Way(write=_arg("ArgMax"), exact=True),
    "reduce_argmin": Way(write=_arg("ArgMin"), exact=True),
    "relu": Way(write=_one("Relu")),
    "relu6": Way(write=_relu6),
    "clip": Way(write=_clip),
    "leaky_relu": Way(write=_with("LeakyRelu", alpha="alpha")),
    "elu": Way(write=_with("Elu", alpha="alpha")),
    "sigmoid_hard": Way(write=_with("HardSigmoid", alpha="alpha", beta="beta")),
    "thresholded_relu": Way(write=_with("ThresholdedRelu", alpha="alpha")),
    "threshold": Way(write=_threshold),
    "linear_activation": Way(write=_linear_activation),
    "scaled_tanh": Way(write=_scaled_tanh),
    "prelu": Way(write=_prelu),
    "silu": Way(write=_silu),
    "gelu": Way(write=_gelu),
    "softmax": Way(write=_softmax),
    "log": Way(write=_shifted("Log", 1e-45)),
    "rsqrt": Way(write=_shifted("Rsqrt", 1e-12)),
    "inverse": Way(write=_shifted("Reciprocal", 1e-4)),
    "square": Way(write=_square),
    "exp2": Way(write=_exp2),
    "real_div": Way(write=_real_div),
    "floor_div": Way(write=_floor_div, exact=True),
    "mod": Way(write=_mod),
    "not_equal": Way(write=_not_equal, exact=True),
    "cumsum": Way(write=_cumsum),
    "select": Way(write=_select, exact=True),
    "cast": Way(write=_cast),
}
"""MIL's name → how it is written."""
